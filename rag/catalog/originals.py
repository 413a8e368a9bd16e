"""The files as they were given, kept under their SHA-256: the user's name is only a label."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

from rag.errors import StoreError

BLOCK = 1 << 20


class Originals:
    """Original files in two levels of folders."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, sha256: str) -> Path:
        """Where the file of this digest lies, or would lie."""
        return self._folder / sha256[:2] / sha256

    def save(self, source: BinaryIO) -> str:
        """Copy a file in, whole or not at all; its SHA-256. Raises StoreError when it cannot be written."""
        digest = hashlib.sha256()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as copy:
                while block := source.read(BLOCK):
                    digest.update(block)
                    copy.write(block)
                copy.flush()
                os.fsync(copy.fileno())
            target = self.path(digest.hexdigest())
            target.parent.mkdir(exist_ok=True)
            shutil.move(copy.name, target)
        except OSError as error:
            raise StoreError(
                "The file could not be saved in {folder}: {reason}. Free some space or check the folder.",
                folder=self._folder,
                reason=error.strerror or error,
            ) from error
        return digest.hexdigest()

    def size(self, sha256: str) -> int:
        """The file's size in bytes."""
        return self.path(sha256).stat().st_size

    def delete(self, sha256: str) -> None:
        """Remove a file; nothing happens if it is not there."""
        self.path(sha256).unlink(missing_ok=True)
