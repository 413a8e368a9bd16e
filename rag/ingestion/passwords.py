"""The passwords of files, held in memory only."""

import threading
from collections.abc import Iterable


class Passwords:
    """Which passwords to try on a file. They are written nowhere, and gone when Passage stops."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_file: dict[str, str] = {}
        self._offered: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Passwords(…)"

    def offer(self, passwords: Iterable[str]) -> None:
        """Try these on every file that needs one."""
        with self._lock:
            self._offered = tuple(dict.fromkeys((*self._offered, *passwords)))

    def keep(self, sha256: str, password: str) -> None:
        """Use this one for the file of this content."""
        with self._lock:
            self._of_file[sha256] = password

    def of(self, sha256: str) -> tuple[str, ...]:
        """What to try on a file, its own password first."""
        with self._lock:
            own = self._of_file.get(sha256)
            return tuple(dict.fromkeys((*([own] if own else []), *self._offered)))
