"""As many at a time as the engine computes, and a question before the next batch."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """`count` turns at a time; a question gets one before the batches that wait."""

    def __init__(self, count: int) -> None:
        self._batches, self._work = threading.Semaphore(count), threading.Semaphore(count)
        self._next = threading.Lock()

    @contextmanager
    def question(self) -> Iterator[None]:
        """Hold a turn as soon as one is free."""
        with self._next:
            self._work.acquire()
        try:
            yield
        finally:
            self._work.release()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Hold a turn when no question waits."""
        with self._batches, self.question():
            yield
