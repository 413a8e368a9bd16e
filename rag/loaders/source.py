"""What every loader is given."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read: where it lies, what the user calls it, and what it may cost.

    The pictures in it are saved in the folder `pictures`, each as its SHA-256; where that is None they are
    left alone.
    """

    path: Path
    name: str
    password: str | None = None
    max_pages: int = 5000
    pictures: Path | None = None
