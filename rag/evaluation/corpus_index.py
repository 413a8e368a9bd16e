"""Texts made into a collection of their own that is gone afterwards, by the parts the app is made of."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rag.catalog import Catalog, Collection, text_hash, vector_key
from rag.documents import Chunk, ChunkSize, Document, Section
from rag.embedders.base import Embedder
from rag.evaluation.question_sets import CorpusDocument
from rag.evaluation.running import Search
from rag.ingestion.embedding import embed_missing
from rag.ingestion.reading import split_for
from rag.ingestion.rows import write_keywords, write_vectors
from rag.keyword_index import KeywordIndex
from rag.models import Models
from rag.retrieval import Retriever
from rag.settings import Settings
from rag.vector_index import VectorIndex

BATCH_DOCUMENTS = 1000  # as one file each, every document would cost a transaction and two index commits
BATCH_VECTORS = 500

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class CorpusIndex:
    """A searchable corpus: its documents' ids are those of the corpus; `seconds` is what indexing took."""

    search: Search
    embedder: str
    documents: int
    chunks: int
    seconds: float


@contextmanager
def index_corpus(
    settings: Settings,
    corpus: Sequence[CorpusDocument],
    *,
    embedder: str | None = None,
    on_progress: OnProgress | None = None,
) -> Iterator[CorpusIndex]:
    """Split, embed and index a corpus in a temporary data folder, which is gone afterwards.

    A title becomes a heading, as in a file. `embedder` is "provider:model", else the one of the settings.
    `on_progress` is told the documents indexed and all of them. Raises UsageError, ProviderError, StoreError.
    """
    with temporary_index(settings, embedder or settings.embedder) as index:
        started = time.perf_counter()
        chunks = 0
        for start in range(0, len(corpus), BATCH_DOCUMENTS):
            if on_progress:
                on_progress(start, len(corpus))
            batch = corpus[start : start + BATCH_DOCUMENTS]
            split = [(each, _split(each, index.embedder, settings.chunk_size)) for each in batch]
            chunks += index.write([(_document(each, pieces), pieces) for each, pieces in split])
        seconds = time.perf_counter() - started
        name = index.collection.fingerprint.id
        yield CorpusIndex(index.search, name, len(corpus), chunks, seconds)


@contextmanager
def temporary_index(
    settings: Settings, embedder: str, *, models: Models | None = None
) -> Iterator["TemporaryIndex"]:
    """An empty collection of this model in a temporary data folder, which is gone afterwards.

    `models` lends models that are loaded already. Raises UsageError, ProviderError, StoreError.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="passage-evaluation-")))
        catalog = stack.enter_context(closing(Catalog(folder)))
        vectors = stack.enter_context(closing(VectorIndex(folder)))
        keywords = stack.enter_context(closing(KeywordIndex(folder)))
        used = models or stack.enter_context(closing(Models(settings, catalog)))
        collection = catalog.collections.create("evaluation", used.fingerprint(embedder))
        vectors.create(collection.index_name, collection.hnsw)
        vectors.trust(collection.index_name)
        yield TemporaryIndex(catalog, vectors, keywords, collection, used)


class TemporaryIndex:
    """Writes documents to the catalogue and both indexes, many at a time, and searches them."""

    def __init__(
        self,
        catalog: Catalog,
        vectors: VectorIndex,
        keywords: KeywordIndex,
        collection: Collection,
        models: Models,
    ) -> None:
        self.collection = collection
        self.embedder: Embedder = models.embedder_of(collection)
        self.search: Search = partial(
            Retriever(catalog, vectors, keywords, models.embedder_of, models.reranker).search, collection
        )
        self._catalog = catalog
        self._vectors = vectors
        self._keywords = keywords

    def write(
        self,
        documents: Sequence[tuple[Document, Sequence[Chunk]]],
        *,
        are_cut_for_it: bool = True,
        known: Catalog | None = None,
        before_batch: OnProgress = lambda *_: None,
    ) -> int:
        """Make documents searchable under their ids; the number of their chunks.

        Vectors that the catalogue `known` has are taken from there, and its pictures are read there.
        `before_batch` is told the texts embedded and all of them, and may raise Cancelled.
        """
        chunks = {vector_key(chunk): chunk for _, pieces in documents for chunk in pieces}
        if known:
            self._take_vectors(known, list(chunks))
        embed_missing(
            self._catalog,
            self.collection,
            chunks,
            self.embedder,
            (known or self._catalog).originals.read,
            are_cut_for_it=are_cut_for_it,
            before_batch=before_batch,
        )
        for document, pieces in documents:
            self._catalog.documents.add(replace(document, collection_id=self.collection.id), pieces)
        return self._index([document for document, _ in documents])

    def _take_vectors(self, known: Catalog, keys: Sequence[str]) -> None:
        fingerprint = self.collection.fingerprint
        missing = set(known.vectors.missing(fingerprint, keys))
        there = [key for key in keys if key not in missing]
        for start in range(0, len(there), BATCH_VECTORS):
            batch = there[start : start + BATCH_VECTORS]
            self._catalog.vectors.save(fingerprint, batch, known.vectors.load(fingerprint, batch))

    def _index(self, documents: Sequence[Document]) -> int:
        rows = [(chunk, each) for each in documents for chunk in self._catalog.documents.chunks(each.id)]
        write_vectors(self._catalog, self._vectors, self.collection, rows)
        write_keywords(self._keywords, self.collection, rows)
        return len(rows)


def _split(document: CorpusDocument, embedder: Embedder, size: ChunkSize) -> list[Chunk]:
    title = document.title.strip()
    section = Section(document.text.strip() or title, headings=(title,) if title else ())
    return split_for(embedder, [section], size)


def _document(document: CorpusDocument, chunks: Sequence[Chunk]) -> Document:
    return Document(
        id=document.id,
        collection_id="",
        name=document.id,
        sha256=text_hash(document.text),
        kind="txt",
        bytes=len(document.text.encode()),
        status="ready",
        added_at=datetime.now(UTC).isoformat(timespec="seconds"),
        title=document.title or None,
        tokens=sum(chunk.tokens for chunk in chunks),
    )
