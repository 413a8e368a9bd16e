"""One file's way in: original → sections → chunks → vectors → catalogue → indexes."""

import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

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


class FileParser(Protocol):
    """Reads a file in bounded time and memory; raises DocumentError where there is nothing to be had."""

    def parse(self, path: Path, name: str, *, cancelled: Callable[[], bool]) -> ParsedFile: ...


@dataclass(frozen=True, slots=True)
class _Read:
    parsed: ParsedFile
    chunks: Sequence[Chunk]


class Pipeline:
    """Runs jobs one after another; while one is embedded, the next file is read."""

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
        self._ahead: dict[int, Future[_Read]] = {}
        self._stopping = threading.Event()
        self._on_progress: Callable[[Job], None] | None = None

    def run(self, job: Job, on_progress: Callable[[Job], None] | None = None) -> None:
        """Take a started job to its end; whatever happens is noted in the catalogue."""
        self._on_progress = on_progress
        jobs = self._catalog.jobs
        try:
            status, document_id = self._ingest(job)
            jobs.finish(job.id, "done", status=status, document_id=document_id)
        except Cancelled:
            if not self._stopping.is_set():
                jobs.finish(job.id, "cancelled")
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

    def close(self) -> None:
        """End at the next batch; interrupted jobs go on when Passage starts again."""
        self._stopping.set()
        self._reader.shutdown(wait=False, cancel_futures=True)

    def _ingest(self, job: Job) -> tuple[str, str]:
        documents = self._catalog.documents
        same = documents.with_content(job.collection_id, job.sha256)
        if same and dict(same.metadata) == dict(job.metadata):
            return "unchanged", same.id
        collection = self._catalog.collections.get(job.collection_id)
        read = self._read_ahead(job, collection).result()
        self._read_next(job)
        self._embed(job, collection, read.chunks)
        self._check_cancelled(job)
        self._progress(job, "indexing", len(read.chunks), len(read.chunks))
        replaces = any(each.status == "ready" for each in documents.named(collection.id, job.name))
        with self._indexing.lock:
            self._embed(job, collection, read.chunks)  # a deletion may have taken shared vectors meanwhile
            document = self._document(job, read)
            documents.add(document, read.chunks)
            self._indexing.publish(document)
        return ("replaced" if replaces else "added"), document.id

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
