"""A backup put in the place of a data folder, once all of it was found to be whole."""

import json
import os
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rag.catalog.copies import SCHEMA_VERSION, bring_up_to_date, needed_originals
from rag.catalog.folder_lock import FolderLock
from rag.errors import StoreError, UsageError
from rag.keeping.backup import CATALOG, FORMAT, MANIFEST, ORIGINALS, Manifest, OnProgress
from rag.keeping.writing import copy_blocks, writing

ASIDE = "before-restore-"
UNPACKED = "restoring-"
LOCK = "passage.lock"
_MEMBER = re.compile(rf"{re.escape(MANIFEST)}|{re.escape(CATALOG)}|{ORIGINALS}/[0-9a-f]{{64}}")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: `documents` that can be searched; `aside` is where the old data lie now.

    `lost` counts the originals that were lost before the backup was taken.
    """

    documents: int
    aside: Path | None
    lost: int


def restore(
    data_dir: Path, file: Path, *, replace: bool = False, on_progress: OnProgress = lambda *_: None
) -> Restored:
    """Fill a data folder from a backup; the indexes are rebuilt when it is first used.

    The backup is unpacked into the folder and verified there before anything else in the folder is touched.
    With `replace` what was there is moved aside, not deleted. `on_progress` is told the originals unpacked
    and how many there are. Raises UsageError, StoreError.
    """
    with _opened(file) as zipped:
        manifest = _manifest(zipped, file)
        lock = FolderLock(data_dir)
        lock.acquire()
        try:
            present = _present(data_dir)
            if present and not replace:
                raise UsageError(
                    "The data folder {folder} is not empty. With --replace what is in it is moved aside.",
                    folder=data_dir,
                )
            with _unpacking(data_dir, zipped) as folder:
                documents = _unpack(zipped, file, manifest, folder, on_progress)
                return Restored(documents, _swap(data_dir, folder, present), len(manifest.lost))
        finally:
            lock.release()


def _manifest(zipped: zipfile.ZipFile, file: Path) -> Manifest:
    """What the backup says of itself. Raises StoreError if it is none, too new, or has strange contents."""
    with _damage(file):
        said = json.loads(zipped.read(MANIFEST))
        if said["format"] > FORMAT or said["schema"] > SCHEMA_VERSION:
            raise StoreError(
                "The backup {path} was written by a newer Passage. Update Passage, then try again.",
                path=file,
            )
        names = zipped.namelist()
        if strange := [name for name in names if not _MEMBER.fullmatch(name)]:
            raise ValueError(f"it holds {strange[0]!r}")
        if len(names) != len(set(names)):
            raise ValueError("it holds a file twice")
        return Manifest(**said)


@contextmanager
def _unpacking(data_dir: Path, zipped: zipfile.ZipFile) -> Iterator[Path]:
    """A folder inside the data folder, so that moving out of it copies nothing, with room for everything."""
    with writing(data_dir):
        for stale in data_dir.glob(f"{UNPACKED}*"):
            shutil.rmtree(stale, ignore_errors=True)
        needed, free = sum(info.file_size for info in zipped.infolist()), shutil.disk_usage(data_dir).free
        folder = Path(tempfile.mkdtemp(prefix=UNPACKED, dir=data_dir))
    try:
        if needed > free:
            raise StoreError(
                "The backup needs {needed} MB in {folder}, where {free} MB are free. Free some space first.",
                needed=-(-needed >> 20),
                folder=data_dir,
                free=free >> 20,
            )
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(
    zipped: zipfile.ZipFile, file: Path, manifest: Manifest, folder: Path, on_progress: OnProgress
) -> int:
    """Unpack and verify everything; how many documents can be searched. Raises StoreError."""
    catalog = folder / CATALOG
    if _extract(zipped, file, CATALOG, catalog) != manifest.catalog_sha256:
        raise _damaged(file, "its catalogue is not the one that was saved")
    documents = bring_up_to_date(catalog)
    needed = sorted(needed_originals(catalog) - set(manifest.lost))
    (folder / ORIGINALS).mkdir()
    for number, sha256 in enumerate(needed):
        on_progress(number, len(needed))
        if (
            _extract(zipped, file, f"{ORIGINALS}/{sha256}", folder / ORIGINALS / sha256[:2] / sha256)
            != sha256
        ):
            raise _damaged(file, f"the original {sha256} is not the one that was saved")
    return documents


def _extract(zipped: zipfile.ZipFile, file: Path, name: str, target: Path) -> str:
    """Write one member to `target`; its SHA-256. Raises StoreError."""
    with _damage(file):
        source = zipped.open(name)

    def read(size: int) -> bytes:
        with _damage(file):
            return source.read(size)

    with source, writing(target):
        target.parent.mkdir(exist_ok=True)
        with target.open("wb") as written:
            digest = copy_blocks(read, written)
            written.flush()
            os.fsync(written.fileno())
    return digest


def _present(data_dir: Path) -> list[Path]:
    """What lies in the data folder, but for the lock and what restoring left there; the catalogue first.

    Its log must not go before it: without it the catalogue would be one of an earlier time.
    """
    names = (each for each in data_dir.iterdir() if each.name != LOCK)
    kept = sorted(each for each in names if not each.name.startswith((ASIDE, UNPACKED)))
    return sorted(kept, key=lambda path: path.name != CATALOG)


def _swap(data_dir: Path, folder: Path, present: Sequence[Path]) -> Path | None:
    """Move what is there aside and the unpacked in its place, or all of it back; where the old data lie."""
    aside = data_dir / f"{ASIDE}{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    moves = [(path, aside / path.name) for path in present]
    moves += [(folder / name, data_dir / name) for name in (ORIGINALS, CATALOG)]
    done: list[tuple[Path, Path]] = []
    with writing(data_dir):
        try:
            if present:
                aside.mkdir()
            for here, there in moves:
                here.rename(there)
                done.append((here, there))
        except BaseException:
            for here, there in reversed(done):
                there.rename(here)
            raise
    return aside if present else None


@contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile]:
    if not file.is_file():
        raise UsageError("There is no backup {path}. Check the path.", path=file)
    with _damage(file):
        zipped = zipfile.ZipFile(file)
    with zipped:
        yield zipped


@contextmanager
def _damage(file: Path) -> Iterator[None]:
    """Turns what goes wrong with reading a backup into our error."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        RuntimeError,
        ValueError,
        LookupError,
        TypeError,
    ) as error:
        raise _damaged(file, error) from error


def _damaged(file: Path, reason: object) -> StoreError:
    return StoreError(
        "{path} is no whole backup of Passage: {reason}. Nothing was changed. Use another backup.",
        path=file,
        reason=reason,
    )
