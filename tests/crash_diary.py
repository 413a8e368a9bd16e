"""What a process that is killed at any moment had begun, and what of it was acknowledged."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

MARK = re.compile(r"mark\d+")

Texts: TypeAlias = dict[str, str]  # of records, by their ids
State: TypeAlias = list[str] | None  # a document's text, and that of its records that can be brought back
Changes: TypeAlias = Mapping[str, State]


class Diary:
    """What was begun, and what of it was acknowledged."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def noting(self, changes: Changes) -> Iterator[None]:
        """Around what makes these changes, all or none of them."""
        self._write("begin", changes)
        yield
        self._write("end", {})

    def states(self) -> tuple[dict[str, State], Changes, list[str]]:
        """The state of each name, what may or may not have happened at the end, and every mark there was."""
        certain: dict[str, State] = {}
        open_end: Changes = {}
        lines = self._path.read_text("utf-8").splitlines() if self._path.exists() else []
        for kind, changes in map(json.loads, lines):
            if kind == "end":
                certain |= open_end
            open_end = changes
        return certain, open_end, list(dict.fromkeys(MARK.findall("\n".join(lines))))

    def _write(self, kind: str, changes: Changes) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([kind, changes]) + "\n")
            file.flush()
            os.fsync(file.fileno())


def state(present: Texts, deleted: Texts) -> State:
    """The state of a document; one without any record is as good as none."""
    found = [" ".join(texts[key] for key in sorted(texts)) for texts in (present, deleted)]
    return found if any(found) else None
