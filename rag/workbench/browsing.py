"""Looking into a collection: records page by page, one by one, and by what is near them."""

import logging
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rag.catalog import Catalog, Collection, RecordFilter, no_record
from rag.embedders.base import Embedder, Vectors
from rag.embedders.window import fitting
from rag.errors import StoreError
from rag.retrieval.exact import ExactSearch
from rag.vector_index import ChromaFacts, Hit, VectorIndex
from rag.vector_index.hnsw import distance_of
from rag.workbench.given import checked_vector
from rag.workbench.query import QueryResult, RecordQuery
from rag.workbench.record import Record, RecordDetail, RecordHit, RecordPage
from rag.workbench.snippets import client_code, query_with_chroma

PER_PAGE = 50

log = logging.getLogger(__name__)
_EVERYTHING = RecordFilter()


class Browsing:
    """Reads the records of collections; what is shown is the catalogue's."""

    def __init__(
        self,
        catalog: Catalog,
        vectors: VectorIndex,
        exact: ExactSearch,
        embedder_of: Callable[[Collection], Embedder],
        prepare: Callable[[], None],
    ) -> None:
        self._catalog = catalog
        self._vectors = vectors
        self._exact = exact
        self._embedder_of = embedder_of
        self._prepare = prepare

    def page(
        self,
        collection: Collection,
        wanted: RecordFilter = _EVERYTHING,
        *,
        after: str | None = None,
        before: str | None = None,
        from_end: bool = False,
        number: int | None = None,
        most: int = PER_PAGE,
    ) -> RecordPage:
        """The records after or before one, those from the `number`-th on, or at the beginning or the end.

        Raises UsageError for a bad filter or an unknown id.
        """
        pages = self._catalog.record_pages
        if before is not None or from_end:
            found = pages.before(collection.id, before, wanted, most=most + 1)
            kept = tuple(map(Record.of, found[-most:]))
            return RecordPage(kept, len(found) > most, before is not None)
        if number is not None:
            found = pages.at(collection.id, number, wanted, most=most + 1)
            return RecordPage(tuple(map(Record.of, found[:most])), number > 1, len(found) > most)
        found = pages.after(collection.id, after, wanted, most=most + 1)
        return RecordPage(tuple(map(Record.of, found[:most])), after is not None, len(found) > most)

    def count(self, collection: Collection, wanted: RecordFilter = _EVERYTHING) -> int:
        """How many records pass a filter. Raises UsageError for a bad one."""
        return self._catalog.record_pages.count(collection.id, wanted)

    def get(self, collection: Collection, ids: Sequence[str]) -> list[Record]:
        """The records of these ids, in their order. Raises UsageError where there is none of one."""
        found = self._catalog.chunks.ready(collection.id, list(ids))
        for each in ids:
            if each not in found:
                raise no_record(each)
        return [Record.of(found[each]) for each in ids]

    def detail(self, collection: Collection, record_id: str) -> RecordDetail:
        """A record with its vector. Raises UsageError where there is none of this id."""
        record = self.get(collection, [record_id])[0]
        return RecordDetail(record, self._vector(collection, record_id))

    def nearest(self, collection: Collection, record_id: str, *, n: int = 5) -> QueryResult:
        """The records nearest to one by its vector, itself left out. Raises UsageError, StoreError."""
        self.get(collection, [record_id])
        found = self._near(collection, self._vector(collection, record_id), n + 1, None)
        others = [hit for hit in found.hits if hit.record.id != record_id][:n]
        hits = (
            RecordHit(rank, each.record, each.distance, each.cosine) for rank, each in enumerate(others, 1)
        )
        return QueryResult(tuple(hits), found.space, found.is_exact)

    def query(self, collection: Collection, query: RecordQuery) -> QueryResult:
        """The nearest records to a text or a vector.

        A text that is longer than the model's window is compared by its beginning. Raises UsageError for a
        bad filter or vector, ProviderError, StoreError.
        """
        ids = None
        if query.where or query.contains:
            found = self._catalog.chunks.matching(collection.id, query.where, query.contains)
            ids = frozenset(found)
        return self._near(collection, self.query_vector(collection, query), query.n, ids)

    def query_vector(self, collection: Collection, query: RecordQuery) -> Vectors:
        """What is looked for, of unit length: shape (dimension,). Raises UsageError, ProviderError."""
        if query.vector is not None:
            return checked_vector(query.vector, collection.fingerprint.dimension)
        embedder = self._embedder_of(collection)
        return embedder.embed_query(fitting(query.text, embedder))

    def chroma(self) -> ChromaFacts:
        """What Chroma tells of itself. Raises StoreError where it does not answer."""
        self._prepare()
        return self._vectors.facts()

    def chroma_code(self, collection: Collection, query: RecordQuery) -> str:
        """The query in plain Chroma, as Python. Raises UsageError, ProviderError."""
        vectors = self._vectors
        client = client_code(
            self._catalog.data_dir,
            vectors.server_url,
            in_memory=vectors.server_url is None and not vectors.is_in_folder,
            is_cloud=vectors.is_in_cloud,
        )
        vector = self.query_vector(collection, query).tolist()
        return query_with_chroma(collection, query, vector, client=client)

    def _near(
        self, collection: Collection, vector: Vectors, n: int, ids: frozenset[str] | None
    ) -> QueryResult:
        self._prepare()
        space = str(collection.hnsw.get("space", "cosine"))
        total = self._catalog.chunks.count(collection.id)
        if ids is None and self._vectors.is_trusted(collection.index_name):
            hits = self._hits(collection, vector, n)
            if len(hits) == min(n, total):  # an HNSW graph may have fallen apart, and find a few of them only
                measured = {hit.id: (hit.distance, hit.cosine) for hit in hits}
                return QueryResult(self._shown(collection, measured), space, is_exact=False)
        found = self._exact.nearest(collection, vector, n=n, ids=ids)
        exact = {key: (distance_of(space, cosine), cosine) for key, cosine in found}
        return QueryResult(self._shown(collection, exact), space, is_exact=True)

    def _hits(self, collection: Collection, vector: Vectors, n: int) -> list[Hit]:
        """What the index finds; nothing where it cannot be read, which is then mended."""
        try:
            return self._vectors.hits(collection.index_name, vector, n=n)
        except StoreError as error:
            log.warning("querying without the index: %s", error)
            self._vectors.distrust(collection.index_name)
            return []

    def _shown(
        self, collection: Collection, measured: Mapping[str, tuple[float, float]]
    ) -> tuple[RecordHit, ...]:
        found = self._catalog.chunks.ready(collection.id, list(measured))
        present = [(Record.of(found[key]), *measures) for key, measures in measured.items() if key in found]
        return tuple(RecordHit(rank, *each) for rank, each in enumerate(present, 1))

    def _vector(self, collection: Collection, record_id: str) -> Vectors:
        for _, vectors in self._catalog.chunks.ready_vectors(
            collection.id, collection.fingerprint, [record_id]
        ):
            return np.asarray(vectors[0])
        raise no_record(record_id)
