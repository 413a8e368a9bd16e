"""The whole data folder in one file, taken while Passage runs."""

import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO

from rag.catalog import Catalog
from rag.catalog.copies import SCHEMA_VERSION
from rag.errors import StoreError, UsageError
from rag.keeping.writing import UNREADABLE, check_outside, copy_blocks, copy_original, unfinished, writing

FORMAT = 1
MANIFEST = "manifest.json"
CATALOG = "catalog.sqlite3"
ORIGINALS = "originals"
ROUNDS = 20

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was written: `bytes` in all; `lost` are names of documents whose file was lost before."""

    path: Path
    originals: int
    bytes: int
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself; `lost` are digests of originals that the data folder had lost."""

    format: int
    passage: str
    schema: int
    created_at: str
    catalog_sha256: str
    originals: int
    lost: tuple[str, ...]


def back_up(
    catalog: Catalog, file: Path, *, force: bool = False, on_progress: OnProgress = lambda *_: None
) -> Backup:
    """Write the catalogue and every original it needs to `file`, while other processes go on.

    The indexes are left out: they are rebuilt from the catalogue. `on_progress` is told the originals written
    and how many there are. Raises UsageError where `file` is there already and not to be replaced, or lies in
    the data folder; StoreError.
    """
    file = file.absolute()
    _check_target(catalog, file, force=force)
    with unfinished(file) as folder, writing(file):
        archive = folder / "backup.zip"
        with zipfile.ZipFile(archive, "w") as zipped:
            contents = _Contents(catalog, zipped, folder / CATALOG, on_progress)
            contents.write()
        with archive.open("rb+") as written:
            os.fsync(written.fileno())
        size = archive.stat().st_size
        _check_target(catalog, file, force=force)
        archive.replace(file)
    return Backup(file, len(contents.written), size, contents.lost_names())


def _check_target(catalog: Catalog, file: Path, *, force: bool) -> None:
    check_outside(file, catalog.data_dir)
    if file.is_dir():
        raise UsageError("{path} is a folder. Name a file in it.", path=file)
    if file.exists() and not force:
        raise UsageError("{path} is there already. Choose another name, or add --force.", path=file)


class _Contents:
    """Fills an archive until it holds all that the catalogue in it needs.

    No other process is kept from deleting. Where an original is gone before it was copied, its document went
    too: then the catalogue is copied once more, and what that needs and is not there yet is little.
    """

    def __init__(
        self, catalog: Catalog, zipped: zipfile.ZipFile, copy: Path, on_progress: OnProgress
    ) -> None:
        self._catalog = catalog
        self._zipped = zipped
        self._copy = copy
        self._on_progress = on_progress
        self.written: set[str] = set()
        self._lost: set[str] = set()

    def write(self) -> None:
        """Originals, catalogue, manifest. Raises StoreError, OSError."""
        for _ in range(ROUNDS):
            self._copy.unlink(missing_ok=True)
            if self._write_originals(self._catalog.copy_to(self._copy)):
                self._write_catalog()
                return
        raise StoreError("The documents changed all the while. Take the backup again when less is going on.")

    def lost_names(self) -> tuple[str, ...]:
        """The documents that need a file that was lost."""
        return tuple(sorted({name for each in self._lost for name in self._catalog.documents.needing(each)}))

    def _write_originals(self, needed: frozenset[str]) -> bool:
        """Add what is not there yet; whether all is there now but what was lost before."""
        complete = True
        for sha256 in sorted(needed - self.written - self._lost):
            self._on_progress(len(self.written), len(needed))
            found = self._add(sha256)
            if found == sha256:
                self.written.add(sha256)
            elif found or self._is_lost(sha256):
                self._lost.add(sha256)
            else:
                complete = False
        return complete

    def _is_lost(self, sha256: str) -> bool:
        """Whether a file is not there and should be; one that was deleted and added again is there now."""
        is_needed = self._catalog.documents.uses_original(sha256)
        return is_needed and not self._catalog.originals.path(sha256).exists()

    def _write_catalog(self) -> None:
        with self._copy.open("rb") as source, self._member(CATALOG) as target:
            digest = copy_blocks(source.read, target)
        manifest = Manifest(
            format=FORMAT,
            passage=version("passage"),
            schema=SCHEMA_VERSION,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            catalog_sha256=digest,
            originals=len(self.written),
            lost=tuple(sorted(self._lost)),
        )
        self._zipped.writestr(MANIFEST, json.dumps(asdict(manifest), indent=2))

    def _add(self, sha256: str) -> str | None:
        """Copy an original into the archive; the SHA-256 it has, or None where it is gone. Raises OSError."""
        try:
            source = self._catalog.originals.path(sha256).open("rb")
        except FileNotFoundError:
            return None
        except OSError:
            return UNREADABLE
        with source, self._member(f"{ORIGINALS}/{sha256}") as target:
            return copy_original(source, target)

    def _member(self, name: str) -> IO[bytes]:
        return self._zipped.open(zipfile.ZipInfo(name), "w", force_zip64=True)
