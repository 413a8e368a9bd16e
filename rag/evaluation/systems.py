"""A way to search that is evaluated: a mode, a model and a size of chunks, with its index made if need be."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from rag.catalog import Collection
from rag.documents import Chunk, ChunkSize, Document, Notice
from rag.embedders.pictures import takes_pictures
from rag.engine import Engine
from rag.errors import Cancelled
from rag.evaluation.asking import ready_documents
from rag.evaluation.corpus_index import TemporaryIndex, temporary_index
from rag.evaluation.running import Search
from rag.ingestion.reading import split_for
from rag.rerankers import NO_RERANKER
from rag.retrieval import Mode

BATCH_CHUNKS = 2000

OnStep = Callable[[Notice, int, int], None]


@dataclass(frozen=True, slots=True)
class System:
    """A mode, the model ("provider:model") and the size of the chunks in tokens; None: as they are cut.

    `reranker` is one by its name, or NO_RERANKER.
    """

    mode: Mode
    embedder: str
    chunk_tokens: int | None = None
    reranker: str = NO_RERANKER

    @property
    def index(self) -> tuple[str, int | None]:
        """What tells the indexes apart: systems of one index differ in mode and reranker only."""
        return self.embedder, self.chunk_tokens

    def name(self, base: "System") -> str:
        """How it is called beside others of which `base` is the first."""
        parts: list[str] = [self.mode]
        if self.embedder != base.embedder:
            parts.append(self.embedder)
        if self.chunk_tokens is not None:
            parts.append(f"{self.chunk_tokens} tokens")
        if self.reranker != base.reranker:
            parts.append("not reranked" if self.reranker == NO_RERANKER else self.reranker)
        return " · ".join(parts)


@dataclass(frozen=True, slots=True)
class Opened:
    """An index that can be searched; `notices` say what it lacks."""

    search: Search
    chunks: int
    notices: tuple[Notice, ...] = ()


def systems(
    modes: Sequence[Mode],
    embedders: Sequence[str],
    chunk_tokens: Sequence[int | None],
    rerankers: Sequence[str] = (NO_RERANKER,),
) -> tuple[System, ...]:
    """All combinations, each once; keywords are the same whatever the model, so they have the first only."""
    combined = [
        System(mode, embedders[0] if mode == "keyword" else embedder, size, reranker)
        for reranker in dict.fromkeys(rerankers)
        for size in dict.fromkeys(chunk_tokens)
        for embedder in dict.fromkeys(embedders)
        for mode in dict.fromkeys(modes)
    ]
    return tuple(dict.fromkeys(combined))


@contextmanager
def open_system(
    engine: Engine,
    collection: Collection,
    system: System,
    *,
    on_step: OnStep = lambda *_: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Opened]:
    """The collection's own index or its second one, else one that is made now and gone afterwards.

    `on_step` is told what is done, how far it is and of how much. Raises UsageError, ProviderError,
    StoreError, Cancelled.
    """
    if system.chunk_tokens is None and (there := _index_there(engine, collection, system.embedder)):
        yield Opened(partial(engine.search, there), engine.catalog.chunks.count(collection.id))
        return
    filling = _Filling(engine, collection, system.chunk_tokens, on_step, cancelled)
    with temporary_index(engine.settings, system.embedder, models=engine.models) as index:
        chunks = filling.fill(index)
        yield Opened(index.search, chunks, tuple(filling.notices))


def _index_there(engine: Engine, collection: Collection, embedder: str) -> Collection | None:
    if embedder == collection.fingerprint.id:
        return collection
    other = engine.catalog.collections.other_index(collection)
    if other and other.is_complete and other.fingerprint.id == embedder:
        return other.of(collection)
    return None


class _Filling:
    """Copies a collection's documents to a temporary index, cut anew from their originals if asked to."""

    def __init__(
        self,
        engine: Engine,
        collection: Collection,
        tokens: int | None,
        on_step: OnStep,
        cancelled: Callable[[], bool],
    ) -> None:
        self._engine = engine
        self._collection = collection
        self._size = _size(engine, tokens) if tokens else None
        self._on_step = on_step
        self._cancelled = cancelled
        self.notices: list[Notice] = []

    def fill(self, index: TemporaryIndex) -> int:
        """Write all documents; the number of their chunks. Raises ProviderError, Cancelled."""
        documents = ready_documents(self._engine.catalog, self._collection)
        waiting: list[tuple[Document, Sequence[Chunk]]] = []
        written = 0
        for done, document in enumerate(documents, 1):
            waiting.append((document, self._chunks(document, index)))
            if done == len(documents) or sum(len(chunks) for _, chunks in waiting) >= BATCH_CHUNKS:
                written += index.write(
                    waiting,
                    are_cut_for_it=self._size is not None,
                    known=self._engine.catalog,
                    before_batch=partial(self._told, done, len(documents)),
                )
                waiting = []
        return written

    def _told(self, documents: int, all_documents: int, done: int, total: int) -> None:
        before = (documents - 1) / all_documents
        share = before + done / max(1, total) / all_documents
        self._step(Notice("Embedding passages"), round(1000 * share), 1000)

    def _chunks(self, document: Document, index: TemporaryIndex) -> Sequence[Chunk]:
        self._step(Notice("Reading “{name}”", {"name": document.name}), 0, 1)
        chunks = [stored.chunk for stored in self._engine.catalog.documents.chunks(document.id)]
        if self._size is not None:
            path = self._engine.catalog.originals.path(document.sha256)
            read = self._engine.preflight.read(self._collection, document.name, path)
            if read.error:
                self.notices.append(
                    Notice(
                        "“{name}” could not be read again, so its passages are as they were cut. {reason}",
                        {"name": document.name, "reason": read.error},
                    )
                )
            elif read.parsed:
                chunks = split_for(index.embedder, read.parsed.sections, self._size)
        sees = takes_pictures(index.embedder)
        return [chunk for chunk in chunks if sees or not chunk.picture]

    def _step(self, what: Notice, done: int, total: int) -> None:
        if self._cancelled():
            raise Cancelled("Stopped.")
        self._on_step(what, done, total)


def _size(engine: Engine, tokens: int) -> ChunkSize:
    """Chunks of so many tokens that share as large a part as by the settings."""
    usual = engine.settings.chunk_size
    return ChunkSize(tokens, min(tokens // 3, round(tokens * usual.overlap / usual.tokens)))
