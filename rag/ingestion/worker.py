"""The thread that works the queue while the app runs."""

import logging
import threading

from rag.catalog import Catalog, Job
from rag.errors import StoreError
from rag.ingestion.pipeline import Pipeline

PAUSE_SECONDS = 1.0  # before going on after an error that is nobody's, or that the disk made

log = logging.getLogger(__name__)


class IngestionWorker:
    """Runs queued jobs, oldest first, until it is stopped."""

    def __init__(self, catalog: Catalog, pipeline: Pipeline) -> None:
        self._catalog = catalog
        self._pipeline = pipeline
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="passage-ingestion", daemon=True)

    def start(self) -> None:
        """Begin with what a stopped process left in the queue."""
        self._thread.start()

    def wake(self) -> None:
        """There is something new in the queue."""
        self._wake.set()

    def close(self) -> None:
        """Stop after the batch at hand; the job goes on at the next start."""
        self._stop.set()
        self._pipeline.close()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    def _work(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                for _job_id in self._pipeline.run(self._next):
                    pass
                self._wake.wait(PAUSE_SECONDS if self._are_left() else None)
            except Exception:
                log.exception("working the queue")
                self._wake.wait(PAUSE_SECONDS)

    def _next(self) -> Job | None:
        if self._stop.is_set():
            return None
        try:
            return self._catalog.jobs.take()
        except StoreError as error:  # those that have begun go on
            log.warning("working the queue: %s", error)
            return None

    def _are_left(self) -> bool:
        """Whether there are jobs still, though none can be taken: the disk is full, say.

        What could not be ended, and runs no more, is queued again.
        """
        if self._stop.is_set() or not self._catalog.jobs.any_waiting():
            return False
        try:
            self._catalog.jobs.requeue_interrupted()
        except StoreError as error:
            log.warning("working the queue: %s", error)
        return True
