"""How the indexes' files were left, so that a start after an orderly end need not look into them."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from rag.keyword_index import FORM

State: TypeAlias = Literal["as left", "touched", "damaged", "unknown"]

log = logging.getLogger(__name__)


def note_left(note: Path, folders: Sequence[Path]) -> None:
    """Write down how the files in `folders` are left, now that nothing writes there any more.

    Where that cannot be written the next start looks into the indexes, which takes longer.
    """
    try:
        note.write_text(json.dumps({"form": FORM, "files": _files(folders)}), "utf-8")
    except OSError as error:
        log.warning("noting how the indexes are left: %s", error)


def state_since_left(note: Path, folders: Sequence[Path]) -> State:
    """How the files are, compared with how they were left; the note counts once.

    "touched" have other times, as after a copy; "damaged" have other sizes or are missing; "unknown" is what
    a process that was stopped leaves, or one that wrote other things into the indexes.
    """
    try:
        noted = json.loads(note.read_text("utf-8"))
    except (OSError, ValueError):
        return "unknown"
    finally:
        note.unlink(missing_ok=True)
    if noted.get("form") != FORM:
        return "unknown"
    now, left = _files(folders), noted["files"]
    if now == left:
        return "as left"
    return "touched" if _sizes(now) == _sizes(left) else "damaged"


def _files(folders: Sequence[Path]) -> dict[str, list[int]]:
    """Size and time of every file, by its path from the folder above."""
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    base = folders[0].parent
    return {
        path.relative_to(base).as_posix(): [status.st_size, status.st_mtime_ns]
        for path in files
        for status in (path.stat(),)
    }


def _sizes(files: Mapping[str, Sequence[int]]) -> dict[str, int]:
    return {name: size for name, (size, _) in files.items()}
