"""One file's way in: original → sections → chunks → vectors → catalogue → indexes."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from rag.catalog import MOST_AT_ONCE, Catalog, Collection, Job, vector_key
from rag.documents import Chunk, Document, Notice
from rag.embedders.base import Embedder
from rag.errors import Cancelled, RagError
from rag.ingestion.embedding import embed_missing
from rag.ingestion.examining import examined
from rag.ingestion.folders import is_cut_alike, same_document
from rag.ingestion.indexing import Indexing
from rag.ingestion.job_documents import failed_document, lost_by_hand, read_document, unexpected
from rag.ingestion.logged import logged
from rag.ingestion.passwords import Passwords
from rag.ingestion.reading import FileParser, Read, Reader
from rag.settings import Settings

PREPARED = MOST_AT_ONCE + 1  # files at a time: while one is read, others keep the model busy
TAKE_SECONDS = 0.2  # until the queue is looked at again
BEAT_SECONDS = 5.0

log = logging.getLogger(__name__)
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class _Begun:
    """A job, and what is read and embedded for it; None if that ended it."""

    job: Job
    prepared: Future[Read | None]


class Pipeline:
    """Runs jobs; some are read and embedded at a time, while what is ready is stored."""

    def __init__(
        self,
        settings: Settings,
        catalog: Catalog,
        indexing: Indexing,
        parser: FileParser,
        embedder_of: Callable[[Collection], Embedder],
        passwords: Passwords | None = None,
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._indexing = indexing
        self._embedder_of = embedder_of
        self._reader = Reader(
            settings, catalog, parser, embedder_of, passwords or Passwords(), self._cancelled, self._reading
        )
        self._preparers = ThreadPoolExecutor(max_workers=PREPARED, thread_name_prefix="passage-preparer")
        self._stopping = threading.Event()
        self._next_beat: dict[int, float] = {}
        self._on_progress: Callable[[Job], None] | None = None

    def run(
        self, take: Callable[[], Job | None], on_progress: Callable[[Job], None] | None = None
    ) -> Iterator[int]:
        """Take jobs to their end, some at a time; their ids as they end.

        `take` starts one, None where there is none now: it is asked again and again while others are
        prepared, so that nothing waits for a long file. Whatever happens to one is noted in the catalogue and
        stops no other.
        """
        self._on_progress = on_progress
        begun: list[_Begun] = []
        while True:
            while len(begun) < PREPARED and (job := take()):
                begun.append(_Begun(job, self._preparers.submit(self._guarded, job, self._prepare)))
            if not begun:
                return
            next_ones = _without_followers(begun)
            wait([each.prepared for each in next_ones], TAKE_SECONDS, FIRST_COMPLETED)
            for each in next_ones:
                if each.prepared.done():
                    begun.remove(each)
                    self._end(each)
                    yield each.job.id

    def close(self) -> None:
        """End at the next batch; interrupted jobs go on when Passage starts again."""
        self._stopping.set()
        self._preparers.shutdown(wait=True, cancel_futures=True)

    def _guarded(self, job: Job, step: Callable[[Job], _Result | None]) -> _Result | None:
        """What the step gives; None if it ended the job, well or not."""
        try:
            try:
                return step(job)
            except Cancelled:
                if not self._stopping.is_set():
                    self._catalog.jobs.finish(job.id, "cancelled")
                    self._catalog.drop_unused_original(job.sha256)
        except RagError as error:
            self._fail(job, Notice.of(error))
        except Exception as error:
            if self._catalog.collections.find(job.collection_id):  # else it was deleted under the job
                log.exception("ingesting %s", job.name)
            self._fail(job, unexpected(error))
        return None

    def _end(self, begun: "_Begun") -> None:
        """Store what was prepared, while others are."""
        try:
            if read := begun.prepared.result():
                self._guarded(begun.job, partial(self._store, read))
        except CancelledError:  # the app is closing
            return
        finally:
            self._next_beat.pop(begun.job.id, None)
            self._reader.clear(begun.job)

    def _prepare(self, job: Job) -> Read | None:
        """Read, split and embed a file; None if it is there already."""
        if self._is_unchanged(job):
            return None
        read = self._reader.read(job)
        self._embed(job, read)
        return read

    def _store(self, read: Read, job: Job) -> None:
        """Write a prepared file to the catalogue and the indexes, while the next one is prepared."""
        documents = self._catalog.documents
        with self._indexing.lock:
            self._check_cancelled(job, read.chunks)
            if self._is_unchanged(job):  # it may have been queued twice
                return
            self._progress(job, "indexing", len(read.chunks), len(read.chunks))
            replaced = [
                each for each in documents.named(job.collection_id, job.name) if each.status == "ready"
            ]
            # A deletion may have taken shared vectors meanwhile, or the collection have another model.
            self._embed(job, read)
            size = self._catalog.originals.size(job.sha256)
            document = read_document(job, read, replaced, self._settings.chunk_size, size)
            document = replace(
                document, warnings=(*document.warnings, *lost_by_hand(self._catalog, replaced))
            )
            self._catalog.add_document(document, read.chunks, read.pictures)
            self._indexing.publish(document)
        status = "replaced" if replaced else "added"
        self._examine(document, read)
        self._catalog.jobs.finish(job.id, "done", status=status, document_id=document.id)

    def _examine(self, document: Document, read: Read) -> None:
        """Note what the audit will ask for; where that fails, the audit looks for itself."""
        with logged("looking through", document.name):
            found = examined(read.chunks, cut_for=read.fingerprint.key, too_long=0)
            self._catalog.examinations.save(document.id, found)

    def _is_unchanged(self, job: Job) -> bool:
        """Whether the collection has this content already, under this name or as a new one; if so, done."""
        same = same_document(
            self._catalog,
            job.collection_id,
            job.name,
            job.sha256,
            job.metadata,
            is_alike=lambda each: is_cut_alike(each, job.chunk_size, self._settings.chunk_size),
        )
        if same is None:
            return False
        if same.folder != job.folder:
            self._catalog.documents.leave_folder(same.id)
        self._catalog.jobs.finish(job.id, "done", status="unchanged", document_id=same.id)
        return True

    def _embed(self, job: Job, read: Read) -> None:
        """Embed what the catalogue has no vector of, batch by batch, each batch kept at once."""
        collection = self._catalog.collections.get(job.collection_id)

        def before_batch(done: int, total: int) -> None:
            self._check_cancelled(job, read.chunks)
            self._progress(job, "embedding", done, total)

        embed_missing(
            self._catalog,
            collection,
            {vector_key(chunk): chunk for chunk in read.chunks},
            self._embedder_of(collection),
            read.picture,
            are_cut_for_it=read.fingerprint == collection.fingerprint,
            before_save=lambda: self._embedder_of(collection),
            before_batch=before_batch,
        )

    def _reading(self, job: Job, done: int, total: int) -> None:
        self._progress(job, "reading", done, total)

    def _progress(self, job: Job, stage: str, done: int, total: int) -> None:
        self._catalog.jobs.progress(job.id, stage, done, total)
        if self._on_progress:
            self._on_progress(self._catalog.jobs.get(job.id))

    def _fail(self, job: Job, error: Notice) -> None:
        """End a job as failed, whatever else fails: an error here would stop the thread for all others."""
        document_id = None
        with logged("noting the failure of", job.name):
            document_id = self._keep_failed(job, error)
        with logged("ending the job of", job.name):
            self._catalog.jobs.finish(job.id, "failed", status="failed", document_id=document_id, error=error)
            self._catalog.drop_unused_original(job.sha256)

    def _keep_failed(self, job: Job, error: Notice) -> str | None:
        """Keep a failed file in sight, with the reason, in place of its earlier failure; its id.

        None where its collection was deleted meanwhile.
        """
        documents = self._catalog.documents
        with self._indexing.lock:
            if self._catalog.collections.find(job.collection_id) is None:
                return None
            for earlier in documents.named(job.collection_id, job.name):
                if earlier.status == "failed":
                    documents.remove(earlier.id)
            failed = failed_document(job, error, self._catalog.originals.size(job.sha256))
            documents.add(failed, ())
        return failed.id

    def _cancelled(self, job: Job) -> bool:
        now = time.monotonic()
        if now > self._next_beat.get(job.id, 0.0):
            self._next_beat[job.id] = now + BEAT_SECONDS
            self._catalog.jobs.beat(job.id)
        return self._stopping.is_set() or self._catalog.jobs.cancel_asked(job.id)

    def _check_cancelled(self, job: Job, chunks: Sequence[Chunk]) -> None:
        """Raises Cancelled if the job should end, without the vectors it made if that is for good."""
        if not self._cancelled(job):
            return
        if not self._stopping.is_set():
            with self._indexing.lock:
                self._catalog.vectors.remove_unused({vector_key(chunk) for chunk in chunks})
        raise Cancelled("“{name}” was cancelled.", name=job.name)


def _without_followers(begun: Sequence[_Begun]) -> list[_Begun]:
    """Those that do not follow another of the same name or content, which must be stored first."""
    return [
        each
        for place, each in enumerate(begun)
        if not any(_is_alike(each.job, earlier.job) for earlier in begun[:place])
    ]


def _is_alike(one: Job, other: Job) -> bool:
    same_file = one.name == other.name or one.sha256 == other.sha256
    return same_file and one.collection_id == other.collection_id
