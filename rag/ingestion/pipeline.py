"""One file's way in: original → sections → chunks → vectors → catalogue → indexes."""

import logging
import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from rag.catalog import Catalog, Collection, Job, text_hash
from rag.chunking import split_sections
from rag.documents import Chunk, Document, Notice, ParsedFile
from rag.embedders.base import Embedder
from rag.errors import Cancelled, DocumentError, RagError
from rag.ingestion.indexing import Indexing
from rag.settings import Settings

BATCH_TEXTS = 64  # between two batches a job can be cancelled and shows its progress
RESERVED_KEYS = frozenset({"document_id", "document", "type", "added", "page"})

log = logging.getLogger(__name__)
_Result = TypeVar("_Result")


class FileParser(Protocol):
    """Reads a file in bounded time and memory; raises DocumentError where there is nothing to be had."""

    def parse(self, path: Path, name: str, *, cancelled: Callable[[], bool]) -> ParsedFile: ...


@dataclass(frozen=True, slots=True)
class _Read:
    parsed: ParsedFile
    chunks: Sequence[Chunk]


class Pipeline:
    """Runs jobs one after another; while one is embedded, the next is read and the one before is stored."""

    def __init__(
        self,
        settings: Settings,
        catalog: Catalog,
        indexing: Indexing,
        parser: FileParser,
        embedder_of: Callable[[Collection], Embedder],
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._indexing = indexing
        self._parser = parser
        self._embedder_of = embedder_of
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="passage-reader")
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="passage-writer")
        self._ahead: dict[int, Future[_Read]] = {}
        self._stopping = threading.Event()
        self._on_progress: Callable[[Job], None] | None = None

    def run(self, jobs: Iterable[Job], on_progress: Callable[[Job], None] | None = None) -> Iterator[int]:
        """Take started jobs to their end, in their order; their ids as they end.

        Whatever happens to one is noted in the catalogue and stops no other.
        """
        self._on_progress = on_progress
        ending: deque[tuple[int, Future[None] | None]] = deque()
        for job in jobs:
            prepared = self._guarded(job, self._prepare)
            store = (
                self._writer.submit(self._guarded, job, partial(self._store, prepared)) if prepared else None
            )
            ending.append((job.id, store))
            if len(ending) > 1:
                yield _ended(*ending.popleft())
        while ending:
            yield _ended(*ending.popleft())

    def close(self) -> None:
        """End at the next batch; interrupted jobs go on when Passage starts again."""
        self._stopping.set()
        self._reader.shutdown(wait=False, cancel_futures=True)
        self._writer.shutdown(wait=True, cancel_futures=True)

    def _guarded(self, job: Job, step: Callable[[Job], _Result | None]) -> _Result | None:
        """What the step gives; None if it ended the job, well or not."""
        try:
            return step(job)
        except Cancelled:
            if not self._stopping.is_set():
                self._catalog.jobs.finish(job.id, "cancelled")
                self._drop_unused_original(job)
        except RagError as error:
            self._fail(job, Notice.of(error))
        except Exception as error:
            log.exception("ingesting %s", job.name)
            reason = f"{type(error).__name__}: {error}"
            self._fail(
                job,
                Notice(
                    "Something unexpected went wrong: {reason}. Try again; if it happens again, report it.",
                    {"reason": reason},
                ),
            )
        finally:
            self._ahead.pop(job.id, None)
        return None

    def _prepare(self, job: Job) -> _Read | None:
        """Read, split and embed a file; None if it is there already."""
        if self._is_unchanged(job):
            return None
        collection = self._catalog.collections.get(job.collection_id)
        read = self._read_ahead(job, collection).result()
        self._read_next(job)
        self._embed(job, collection, read.chunks)
        return read

    def _store(self, read: _Read, job: Job) -> None:
        """Write a prepared file to the catalogue and the indexes, while the next one is prepared."""
        documents = self._catalog.documents
        with self._indexing.lock:
            self._check_cancelled(job)
            if self._is_unchanged(job):  # it may have been queued twice
                return
            self._progress(job, "indexing", len(read.chunks), len(read.chunks))
            replaces = any(each.status == "ready" for each in documents.named(job.collection_id, job.name))
            # A deletion may have taken shared vectors meanwhile.
            self._embed(job, self._catalog.collections.get(job.collection_id), read.chunks)
            document = self._document(job, read)
            documents.add(document, read.chunks)
            self._indexing.publish(document)
        status = "replaced" if replaces else "added"
        self._catalog.jobs.finish(job.id, "done", status=status, document_id=document.id)

    def _is_unchanged(self, job: Job) -> bool:
        """Whether the collection has this content already; if so, the job is done."""
        same = self._catalog.documents.with_content(job.collection_id, job.sha256)
        if same is None or dict(same.metadata) != dict(job.metadata):
            return False
        self._catalog.jobs.finish(job.id, "done", status="unchanged", document_id=same.id)
        return True

    def _read_ahead(self, job: Job, collection: Collection) -> Future[_Read]:
        if job.id not in self._ahead:
            self._ahead[job.id] = self._reader.submit(self._read, job, collection)
        return self._ahead[job.id]

    def _read_next(self, job: Job) -> None:
        following = self._catalog.jobs.next_queued()
        for other in self._ahead.keys() - {job.id, following.id if following else job.id}:
            self._ahead.pop(other).cancel()
        if following and following.id != job.id:
            self._read_ahead(following, self._catalog.collections.get(following.collection_id))

    def _read(self, job: Job, collection: Collection) -> _Read:
        embedder = self._embedder_of(collection)
        path = self._catalog.originals.path(job.sha256)
        parsed = self._parser.parse(path, job.name, cancelled=lambda: self._cancelled(job))
        window = embedder.max_tokens or self._settings.chunk_tokens
        chunks = split_sections(
            parsed.sections,
            embedder.count_tokens,
            max_tokens=min(self._settings.chunk_tokens, window),
            overlap_tokens=self._settings.overlap_tokens,
        )
        if not chunks:
            raise DocumentError("“{name}” holds no text that could be searched.", name=job.name)
        return _Read(parsed, chunks)

    def _embed(self, job: Job, collection: Collection, chunks: Sequence[Chunk]) -> None:
        """Embed what the catalogue has no vector of, batch by batch, each batch kept at once."""
        by_hash = {text_hash(chunk.embedded_text): chunk for chunk in chunks}
        vectors = self._catalog.vectors
        missing = vectors.missing(collection.fingerprint, by_hash)
        missing.sort(key=lambda key: by_hash[key].tokens)
        embedder = self._embedder_of(collection)
        for start in range(0, len(missing), BATCH_TEXTS):
            self._check_cancelled(job)
            self._progress(job, "embedding", start, len(missing))
            batch = missing[start : start + BATCH_TEXTS]
            found = embedder.embed_documents([by_hash[key].embedded_text for key in batch])
            vectors.save(collection.fingerprint, batch, found)

    def _progress(self, job: Job, stage: str, done: int, total: int) -> None:
        self._catalog.jobs.progress(job.id, stage, done, total)
        if self._on_progress:
            self._on_progress(self._catalog.jobs.get(job.id))

    def _document(self, job: Job, read: _Read) -> Document:
        return Document(
            id=secrets.token_hex(8),
            collection_id=job.collection_id,
            name=job.name,
            sha256=job.sha256,
            kind=read.parsed.kind,
            bytes=self._catalog.originals.size(job.sha256),
            status="indexing",
            added_at=_now(),
            title=read.parsed.title,
            pages=read.parsed.pages,
            tokens=sum(chunk.tokens for chunk in read.chunks),
            warnings=read.parsed.warnings,
            metadata=job.metadata,
        )

    def _fail(self, job: Job, error: Notice) -> None:
        """Keep a failed file in sight, with the reason, in place of its earlier failure."""
        documents = self._catalog.documents
        with self._indexing.lock:
            for earlier in documents.named(job.collection_id, job.name):
                if earlier.status == "failed":
                    documents.remove(earlier.id)
            failed = Document(
                id=secrets.token_hex(8),
                collection_id=job.collection_id,
                name=job.name,
                sha256=job.sha256,
                kind="",
                bytes=self._catalog.originals.size(job.sha256),
                status="failed",
                added_at=_now(),
                error=error,
                metadata=job.metadata,
            )
            documents.add(failed, ())
        self._catalog.jobs.finish(job.id, "failed", status="failed", document_id=failed.id, error=error)

    def _drop_unused_original(self, job: Job) -> None:
        if not self._catalog.documents.uses_original(job.sha256):
            self._catalog.originals.delete(job.sha256)

    def _cancelled(self, job: Job) -> bool:
        return self._stopping.is_set() or self._catalog.jobs.cancel_asked(job.id)

    def _check_cancelled(self, job: Job) -> None:
        if self._cancelled(job):
            raise Cancelled("“{name}” was cancelled.", name=job.name)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _ended(job_id: int, store: Future[None] | None) -> int:
    if store:
        store.result()
    return job_id
