"""The thread that works the queue while the app runs."""

import logging
import threading

from rag.catalog import Catalog, Job
from rag.ingestion.pipeline import Pipeline

PAUSE_SECONDS = 1.0  # before going on after an error that is nobody's

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
            except Exception:
                log.exception("working the queue")
                self._wake.wait(PAUSE_SECONDS)
            else:
                self._wake.wait()

    def _next(self) -> Job | None:
        return None if self._stop.is_set() else self._catalog.jobs.take()
