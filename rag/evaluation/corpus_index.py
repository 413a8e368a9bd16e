"""A test corpus made into a collection of its own, by the parts that the app is made of."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rag.catalog import Catalog, Collection, text_hash, vector_key
from rag.documents import Chunk, Document, Section
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
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="passage-evaluation-")))
        catalog = stack.enter_context(closing(Catalog(folder)))
        vectors = stack.enter_context(closing(VectorIndex(folder)))
        keywords = stack.enter_context(closing(KeywordIndex(folder)))
        models = stack.enter_context(closing(Models(settings, catalog)))
        started = time.perf_counter()
        fingerprint = models.fingerprint(embedder or settings.embedder)
        collection = catalog.collections.create("evaluation", fingerprint)
        vectors.create(collection.index_name, collection.hnsw)
        vectors.trust(collection.index_name)
        writer = _Writer(settings, catalog, vectors, keywords, collection, models.embedder_of(collection))
        chunks = 0
        for start in range(0, len(corpus), BATCH_DOCUMENTS):
            if on_progress:
                on_progress(start, len(corpus))
            chunks += writer.write(corpus[start : start + BATCH_DOCUMENTS])
        seconds = time.perf_counter() - started
        retriever = Retriever(catalog, vectors, keywords, models.embedder_of)
        yield CorpusIndex(partial(retriever.search, collection), fingerprint.id, len(corpus), chunks, seconds)


class _Writer:
    """Writes documents to the catalogue and both indexes, many at a time."""

    def __init__(
        self,
        settings: Settings,
        catalog: Catalog,
        vectors: VectorIndex,
        keywords: KeywordIndex,
        collection: Collection,
        embedder: Embedder,
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._vectors = vectors
        self._keywords = keywords
        self._collection = collection
        self._embedder = embedder

    def write(self, documents: Sequence[CorpusDocument]) -> int:
        """Make documents searchable; the number of their chunks."""
        split = [(each, self._split(each)) for each in documents]
        self._embed([chunk for _, chunks in split for chunk in chunks])
        added = [(self._document(document, chunks), chunks) for document, chunks in split]
        for document, chunks in added:
            self._catalog.documents.add(document, chunks)
        return self._index([document for document, _ in added])

    def _split(self, document: CorpusDocument) -> list[Chunk]:
        title = document.title.strip()
        section = Section(document.text.strip() or title, headings=(title,) if title else ())
        return split_for(self._embedder, [section], self._settings.chunk_size)

    def _embed(self, chunks: Sequence[Chunk]) -> None:
        embed_missing(
            self._catalog,
            self._collection,
            {vector_key(chunk): chunk for chunk in chunks},
            self._embedder,
            self._catalog.originals.read,
            are_cut_for_it=True,
        )

    def _document(self, document: CorpusDocument, chunks: Sequence[Chunk]) -> Document:
        return Document(
            id=document.id,
            collection_id=self._collection.id,
            name=document.id,
            sha256=text_hash(document.text),
            kind="txt",
            bytes=len(document.text.encode()),
            status="ready",
            added_at=datetime.now(UTC).isoformat(timespec="seconds"),
            title=document.title or None,
            tokens=sum(chunk.tokens for chunk in chunks),
        )

    def _index(self, documents: Sequence[Document]) -> int:
        rows = [(chunk, each) for each in documents for chunk in self._catalog.documents.chunks(each.id)]
        write_vectors(self._catalog, self._vectors, self._collection, rows)
        write_keywords(self._keywords, self._collection, rows)
        return len(rows)
