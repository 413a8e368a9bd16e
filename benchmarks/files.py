"""The files a benchmark is given."""

from collections.abc import Iterable
from pathlib import Path


def files_of(arguments: Iterable[str | Path], pattern: str = "*") -> list[Path]:
    """The files named, and of a folder all in it that fit `pattern`, in order."""
    return [
        path
        for argument in map(Path, arguments)
        for path in (
            sorted(filter(Path.is_file, argument.rglob(pattern))) if argument.is_dir() else [argument]
        )
    ]
