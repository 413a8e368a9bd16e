"""What every loader is given."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

OnProgress = Callable[[int, int], None]


def untold(done: int, total: int) -> None:
    """Nobody wants to know how far the reading is."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read: where it lies, what the user calls it, and what it may cost.

    The pictures in it are saved in the folder `pictures`, each as its SHA-256; where that is None they are
    left alone. A loader that takes seconds for a page calls `on_progress` before each with the pages done
    and their number, and is allowed the time limit anew.
    """

    path: Path
    name: str
    password: str | None = None
    max_pages: int = 5000
    pictures: Path | None = None
    on_progress: OnProgress = untold
