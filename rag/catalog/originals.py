"""The files as they were given, kept under their SHA-256: the user's name is only a label."""

import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from rag.errors import DocumentError, StoreError, too_large

BLOCK = 1 << 20


class Originals:
    """Original files in two levels of folders.

    Hold `lock` from saving a file until something in the catalogue needs it, and while a file that nothing
    needs is deleted.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.lock = threading.RLock()

    def path(self, sha256: str) -> Path:
        """Where the file of this digest lies, or would lie."""
        return self._folder / sha256[:2] / sha256

    def save(self, source: BinaryIO, name: str, *, most_mb: int) -> str:
        """Copy a file in, whole or not at all; its SHA-256.

        Raises DocumentError when it cannot be read or is larger than `most_mb`, StoreError when it cannot be
        written.
        """
        with self._saving():
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as copy:
                try:
                    digest = _copy(source, copy, name, most_mb)
                    target = self.path(digest)
                    target.parent.mkdir(exist_ok=True)
                    copy.close()
                    shutil.move(copy.name, target)
                except BaseException:
                    copy.close()
                    Path(copy.name).unlink(missing_ok=True)
                    raise
        return digest

    def adopt(self, sha256: str, path: Path) -> None:
        """Move a file of this digest in; nothing happens if it is there. Raises StoreError."""
        target = self.path(sha256)
        if target.exists():
            return
        with self._saving():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, target)

    @contextmanager
    def _saving(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                "The file could not be saved in {folder}: {reason}. Free some space or check the folder.",
                folder=self._folder,
                reason=error.strerror or error,
            ) from error

    def read(self, sha256: str) -> bytes:
        """A picture's bytes. Raises DocumentError if it is not there."""
        try:
            return self.path(sha256).read_bytes()
        except FileNotFoundError as error:
            raise DocumentError(
                "The picture is no longer there: its document has been deleted. Search again."
            ) from error

    def size(self, sha256: str) -> int:
        """The file's size in bytes; 0 if it is not there."""
        try:
            return self.path(sha256).stat().st_size
        except FileNotFoundError:
            return 0

    def all(self) -> Iterator[str]:
        """The digests of all files."""
        for path in self._folder.glob("??/*"):
            yield path.name

    def remove_unfinished(self) -> None:
        """Remove what was being saved when a process was stopped."""
        for path in self._folder.glob("*"):
            if path.is_file():
                path.unlink(missing_ok=True)

    def delete(self, sha256: str) -> None:
        """Remove a file; nothing happens if it is not there."""
        self.path(sha256).unlink(missing_ok=True)


def _copy(source: BinaryIO, copy: IO[bytes], name: str, most_mb: int) -> str:
    digest = hashlib.sha256()
    size = 0
    while block := _block(source, name):
        size += len(block)
        if size > most_mb << 20:
            rest = source.seek(0, os.SEEK_END) if source.seekable() else size
            raise too_large(name, max(size, rest), most_mb)
        digest.update(block)
        copy.write(block)
    copy.flush()
    os.fsync(copy.fileno())
    return digest.hexdigest()


def _block(source: BinaryIO, name: str) -> bytes:
    try:
        return source.read(BLOCK)
    except OSError as error:
        raise DocumentError(
            "{name} cannot be read: {reason}. Its disk may be failing or gone. Copy it elsewhere and add the "
            "copy.",
            name=name,
            reason=error.strerror or error,
        ) from error
