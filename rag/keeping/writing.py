"""Files and folders that are there whole or not at all."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rag.errors import StoreError, UsageError

BLOCK = 1 << 20
UNREADABLE = "unreadable"  # the digest of nothing


@contextmanager
def unfinished(target: Path) -> Iterator[Path]:
    """A new folder beside `target`, named after it and ending in .part, that is gone afterwards.

    What a killed process leaves of it can be removed by hand. Raises StoreError where nothing can be written.
    """
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{target.name}.", suffix=".part", dir=target.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turns the operating system's errors into ours."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            "{path} cannot be written: {reason}. Free some space, or choose another place.",
            path=target,
            reason=error.strerror or error,
        ) from error


def check_outside(target: Path, data_dir: Path) -> None:
    """Raises UsageError where something that should outlive the data folder would lie in it."""
    if target.resolve().is_relative_to(data_dir.resolve()):
        raise UsageError(
            "{path} lies in the data folder itself. Choose a place outside, best on another disk.",
            path=target,
        )


def copy_blocks(read: Callable[[int], bytes], target: IO[bytes]) -> str:
    """Copy what `read` gives, a block in memory at a time; its SHA-256. Raises OSError."""
    digest = hashlib.sha256()
    while block := read(BLOCK):
        digest.update(block)
        target.write(block)
    return digest.hexdigest()


def copy_original(source: IO[bytes], target: IO[bytes]) -> str:
    """Copy an original as far as the disk gives it out; the SHA-256 of that. Raises OSError for `target`."""

    def read(size: int) -> bytes:
        try:
            return source.read(size)
        except OSError:
            return b""

    return copy_blocks(read, target)
