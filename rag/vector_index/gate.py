"""Many may use a client at a time; whoever ends it waits until nobody does."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Lets users in together, or one alone. Users of one thread may nest."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._inside: dict[int, int] = {}
        self._closed = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Be one of the users."""
        thread = threading.get_ident()
        with self._free:
            while self._closed and thread not in self._inside:
                self._free.wait()
            self._inside[thread] = self._inside.get(thread, 0) + 1
        try:
            yield
        finally:
            with self._free:
                self._inside[thread] -= 1
                if not self._inside[thread]:
                    del self._inside[thread]
                self._free.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait for the users to leave, and keep others out; not from inside `shared`."""
        with self._free:
            while self._closed:
                self._free.wait()
            self._closed = True
            while self._inside:
                self._free.wait()
        try:
            yield
        finally:
            with self._free:
                self._closed = False
                self._free.notify_all()
