"""From a question to passages: candidates from both indexes, filters, an order."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from rag.catalog import Catalog, Collection, vector_key
from rag.comparison import Comparison, stored_vectors
from rag.documents import Chunk, Notice, Passage
from rag.embedders.base import Embedder, Vectors
from rag.embedders.pictures import picture_embedder, takes_pictures
from rag.embedders.window import fitting
from rag.errors import ProviderError, StoreError
from rag.keyword_index import KeywordIndex
from rag.loaders.picture import check_picture
from rag.picture_scale import PictureScale
from rag.retrieval.exact import ExactSearch
from rag.retrieval.filtering import Filters
from rag.retrieval.ordering import Ordering
from rag.retrieval.phrases import chunks_with, phrases_of
from rag.retrieval.query import POOL, Mode, Query, SearchResult
from rag.retrieval.ranking import Candidates
from rag.retrieval.reranking import RerankerOf, Reranking
from rag.vector_index import VectorIndex

__all__ = ["POOL", "Mode", "Query", "Retriever", "SearchResult"]

NO_MATCH = Notice("No passage matches the search options.")
NO_PHRASE = Notice("No passage has the quoted words as they stand: they were searched like all others.")

log = logging.getLogger(__name__)


class Retriever:
    """Searches one collection at a time."""

    def __init__(
        self,
        catalog: Catalog,
        vectors: VectorIndex,
        keywords: KeywordIndex,
        embedder_of: Callable[[Collection], Embedder],
        reranker_of: RerankerOf = lambda _id: None,
    ) -> None:
        self._catalog = catalog
        self._vectors = vectors
        self._keywords = keywords
        self._embedder_of = embedder_of
        self.exact = ExactSearch(catalog)
        self._filters = Filters(catalog)
        self._comparison = Comparison(catalog, embedder_of)
        self._ordering = Ordering(
            catalog, self._comparison, PictureScale(catalog, embedder_of), Reranking(catalog, reranker_of)
        )

    def search(self, collection: Collection, query: Query) -> SearchResult:
        """The best passages for a question or a picture.

        Raises UsageError for a bad filter or a model that reads no pictures, DocumentError for what is no
        picture, ProviderError, StoreError.
        """
        started = time.perf_counter()
        mode, vector, notices = self._question_vector(collection, query)
        embedded = time.perf_counter()
        allowed, phrases, more = self._allowed(collection, query)
        notices += more
        found = Candidates({}, {})
        if mode != "dense":
            mode, found, more = self._keyword_candidates(collection, query, mode, allowed)
            notices += more
        if vector is not None:
            found = self._with_cosines(collection, query, vector, found, allowed)
        passages, reranked = self._ordering.best(collection, query, mode, vector, found)
        notices += reranked.notices
        has_least = query.min_similarity is not None and vector is not None
        if not passages and (allowed is not None or has_least):
            notices += (NO_MATCH,)
        searching = time.perf_counter() - embedded - reranked.seconds
        seconds = {"embed": embedded - started, "search": searching}
        if reranked.seconds:
            seconds["rerank"] = reranked.seconds
        return SearchResult(query.question, mode, passages, seconds, notices, phrases, reranked.reranker)

    def warm_up(self, collection: Collection) -> None:
        """Load the model and the background before the first question needs them."""
        asked = "warm up"
        self._comparison.backgrounds(collection, asked, self._embedder_of(collection).embed_query(asked))

    def relevance(self, collection: Collection, text: str, passages: Sequence[Passage]) -> Sequence[float]:
        """How likely each passage is about a text: in [0, 1], by its stored vector; 0 where that is gone."""
        embedder = self._embedder_of(collection)
        vector = embedder.embed_query(fitting(text, embedder))
        base = self._comparison.backgrounds(collection, text, vector)
        chunks = self._catalog.chunks.ready(collection.id, [each.chunk_id for each in passages])
        keys = [
            chunks[each.chunk_id][0].text_hash if each.chunk_id in chunks else _key(each) for each in passages
        ]
        stored = stored_vectors(self._catalog, collection, keys)
        return [
            base.of(each.text, each.document_id).relevance(float(stored[key] @ vector))
            if key in stored
            else 0.0
            for each, key in zip(passages, keys, strict=True)
        ]

    def _question_vector(
        self, collection: Collection, query: Query
    ) -> tuple[Mode, Vectors | None, tuple[Notice, ...]]:
        notices: tuple[Notice, ...] = ()
        if query.picture is not None:
            pictured = picture_embedder(self._embedder_of(collection))
            check_picture(query.picture, Notice("The picture"))
            return "dense", pictured.embed_pictures([query.picture])[0], ()
        try:
            embedder = self._embedder_of(collection)
            read = fitting(query.question, embedder)
            if read != query.question:
                notices = (Notice("The question is long: only its beginning is compared by meaning."),)
            return query.mode, embedder.embed_query(read), notices
        except ProviderError as error:
            if query.mode == "dense":
                raise
            reason = Notice("Searched by keywords only. {reason}", {"reason": Notice.of(error)})
            notices = (reason,) if query.mode == "hybrid" else ()
            if query.min_similarity is not None:
                notices += (Notice("The minimum similarity could not be applied."),)
            return "keyword", None, notices

    def _allowed(
        self, collection: Collection, query: Query
    ) -> tuple[frozenset[str] | None, tuple[str, ...], tuple[Notice, ...]]:
        """The chunks that pass the filters and hold the quoted phrases, and these; None for all chunks."""
        allowed = self._filters.matching(collection, query)
        phrases = phrases_of(query.question)
        if not phrases:
            return allowed, (), ()
        try:
            holding = chunks_with(self._catalog, self._keywords, collection, phrases, allowed)
        except StoreError as error:
            reason = {"reason": Notice.of(error)}
            return allowed, (), (Notice("Quoted words were searched like all others. {reason}", reason),)
        if not holding:
            return allowed, (), (NO_PHRASE,)
        return holding, tuple(phrases), ()

    def _keyword_candidates(
        self, collection: Collection, query: Query, mode: Mode, allowed: frozenset[str] | None
    ) -> tuple[Mode, Candidates, tuple[Notice, ...]]:
        try:
            hits, full_score = self._keywords.search(collection.id, query.question, n=POOL, among=allowed)
        except StoreError as error:
            if mode == "keyword":
                raise
            notice = Notice(
                "Searched by meaning only, not by keywords. {reason}", {"reason": Notice.of(error)}
            )
            return "dense", Candidates({}, {}), (notice,)
        return mode, Candidates({}, dict(hits), full_score), ()

    def _with_cosines(
        self,
        collection: Collection,
        query: Query,
        vector: Vectors,
        found: Candidates,
        allowed: frozenset[str] | None,
    ) -> Candidates:
        """The dense pool's cosines (but in keyword mode), and those of the keyword pool, looked up.

        A question of words has a second dense pool of pictures, which texts would crowd out of the first.
        """
        cosines: dict[str, float] = {}
        pictures = {} if query.picture is not None else self._pictures(collection, allowed)
        if query.picture is not None or query.mode != "keyword":
            cosines = dict(self._nearest(collection, vector, allowed))
            if pictures and len(cosines) == POOL:
                cosines.update(self._nearest(collection, vector, frozenset(pictures)))
        unknown = [key for key in found.keyword_scores if key not in cosines]
        cosines.update(self.exact.cosines(collection, vector, unknown))
        return replace(found, cosines=cosines, pictures=pictures)

    def _nearest(
        self, collection: Collection, vector: Vectors, allowed: frozenset[str] | None
    ) -> list[tuple[str, float]]:
        """The dense pool: by the index, or exactly where a filter would make that slow or it is no good."""
        if allowed is None and self._vectors.is_trusted(collection.index_name):
            try:
                found = self._vectors.query(collection.index_name, vector, n=POOL)
                # Where many vectors are alike, an HNSW graph may fall apart and find a few of them only.
                if len(found) == POOL or len(found) == self._catalog.chunks.count(collection.id):
                    return found
            except StoreError as error:
                log.warning("searching without the index: %s", error)
                self._vectors.distrust(collection.index_name)
        return self.exact.nearest(collection, vector, n=POOL, ids=allowed)

    def _pictures(self, collection: Collection, allowed: frozenset[str] | None) -> dict[str, str]:
        """The digests of the pictures that may be found, by chunk id."""
        if not takes_pictures(self._embedder_of(collection)):
            return {}
        pictures = self._catalog.chunks.pictures(collection.id)
        return {key: digest for key, digest in pictures.items() if allowed is None or key in allowed}


def _key(passage: Passage) -> str:
    """The key of a passage's vector, where its chunk is gone."""
    return vector_key(Chunk(passage.text, 0, headings=passage.headings, picture=passage.picture))
