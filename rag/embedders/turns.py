"""One at a time, and a question before the next batch."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """A lock that batches hold one after another, and that a question gets before the next batch."""

    def __init__(self) -> None:
        self._batches, self._next, self._work = threading.Lock(), threading.Lock(), threading.Lock()

    @contextmanager
    def question(self) -> Iterator[None]:
        """Hold it as soon as the work in hand is done."""
        with self._next:
            self._work.acquire()
        try:
            yield
        finally:
            self._work.release()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Hold it when no question waits: at most one batch competes with the questions."""
        with self._batches, self.question():
            yield
