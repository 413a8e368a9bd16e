"""Files on their way into a collection: queued, done, cancelled, tried once more."""

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from rag.catalog import Catalog, Collection, Job
from rag.catalog.where import RESERVED_KEYS
from rag.documents import ChunkSize, Metadata, readable
from rag.errors import UsageError
from rag.ingestion.passwords import Passwords
from rag.ingestion.pipeline import Pipeline
from rag.ingestion.worker import IngestionWorker
from rag.loaders import Parser
from rag.settings import Settings


class Intake:
    """What is added and what becomes of it. `ready` is called before a write, which then may be done."""

    def __init__(
        self,
        settings: Settings,
        catalog: Catalog,
        pipeline: Pipeline,
        worker: IngestionWorker,
        parser: Parser,
        passwords: Passwords,
        *,
        ready: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._pipeline = pipeline
        self._worker = worker
        self._parser = parser
        self._passwords = passwords
        self._ready = ready

    def add(
        self,
        collection: Collection,
        name: str,
        source: BinaryIO,
        *,
        metadata: Metadata | None = None,
        folder: str | None = None,
        chunk_size: ChunkSize | None = None,
        sender: str = "",
    ) -> int:
        """Save an original and queue it; the job's id. Raises UsageError, DocumentError, StoreError.

        `folder` is the one that the collection is kept in step with, if the file came from one. A
        `chunk_size` is one that `preflight` allows; None is that of the settings. Several senders' files take
        turns.
        """
        keys = metadata or {}
        if reserved := [key for key in keys if key in RESERVED_KEYS or key.startswith("chroma:")]:
            raise UsageError(
                "{names} cannot be set: Passage sets these itself. Choose other keys.",
                names=", ".join(sorted(reserved)),
            )
        self._ready()
        most = self._settings.max_file_mb
        job = self._catalog.queue(
            collection.id,
            readable(name),
            source,
            keys,
            most_mb=most,
            folder=folder,
            chunk_size=chunk_size,
            sender=sender,
        )
        self._worker.wake()
        return job

    def retry(self, document_id: str, *, sender: str = "") -> int:
        """Queue a failed document's original once more; the job's id. Raises UsageError."""
        self._ready()
        with self._catalog.originals.lock:
            failed = self._catalog.documents.get(document_id)
            job = self._catalog.jobs.add(
                failed.collection_id,
                failed.name,
                failed.sha256,
                failed.metadata,
                folder=failed.folder,
                chunk_size=failed.chunk_size,
                sender=sender,
            )
        self._worker.wake()
        return job

    def add_samples(self, collection: Collection, *, sender: str = "") -> None:
        """Queue the sample documents."""
        for path in sorted(self._settings.samples_dir.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                with path.open("rb") as source:
                    self.add(collection, path.name, source, sender=sender)

    def run(self, job_ids: Iterable[int], on_progress: Callable[[Job], None] | None = None) -> Iterator[Job]:
        """Do queued jobs here and now, without a worker; each as it ends."""
        self._parser.warm_up()
        self._ready()
        taken = filter(None, map(self._catalog.jobs.take, job_ids))
        return map(self._catalog.jobs.get, self._pipeline.run(lambda: next(taken, None), on_progress))

    def cancel(self, job_id: int) -> None:
        """End a waiting job now and a running one at its next batch; an ended one stays as it is."""
        self._catalog.cancel(job_id)

    def try_passwords(self, passwords: Iterable[str]) -> None:
        """Try each on every file that needs one; they are forgotten when Passage stops."""
        self._passwords.offer(passwords)

    def unlock(self, document_id: str, password: str) -> None:
        """Use a password for a document's file until Passage stops; it is written nowhere."""
        self._passwords.keep(self._catalog.documents.get(document_id).sha256, password)
