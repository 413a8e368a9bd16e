"""From a question to passages: candidates from both indexes, filters, thresholds."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from rag.calibration import Backgrounds
from rag.catalog import Catalog, Collection, StoredChunk, vector_key
from rag.comparison import Comparison, stored_vectors
from rag.documents import Chunk, Document, Notice, Passage
from rag.embedders.base import Embedder, Vectors
from rag.embedders.pictures import picture_embedder, takes_pictures
from rag.embedders.window import fitting
from rag.errors import ProviderError, StoreError
from rag.keyword_index import KeywordIndex
from rag.loaders.picture import check_picture
from rag.picture_scale import PictureScale
from rag.retrieval.diversity import diverse_order
from rag.retrieval.exact import ExactSearch
from rag.retrieval.filtering import Filters
from rag.retrieval.phrases import chunks_with, phrases_of
from rag.retrieval.query import POOL, Mode, Query, SearchResult
from rag.retrieval.ranking import MOST_BESIDE, Candidates, best_first, scores_of, with_texts_beside
from rag.vector_index import VectorIndex

__all__ = ["POOL", "Mode", "Query", "Retriever", "SearchResult"]

FILTERED_POOL = 1000  # keyword candidates before a filter

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
    ) -> None:
        self._catalog = catalog
        self._vectors = vectors
        self._keywords = keywords
        self._embedder_of = embedder_of
        self.exact = ExactSearch(catalog)
        self._filters = Filters(catalog)
        self._comparison = Comparison(catalog, embedder_of)
        self._picture_scale = PictureScale(catalog, embedder_of)

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
        passages = self._ranked(collection, query, mode, vector, found)
        has_least = query.min_similarity is not None and vector is not None
        if not passages and (allowed is not None or has_least):
            notices += (NO_MATCH,)
        seconds = {"embed": embedded - started, "search": time.perf_counter() - embedded}
        return SearchResult(query.question, mode, passages, seconds, notices, phrases)

    def warm_up(self, collection: Collection) -> None:
        """Load the model and the background before the first question needs them."""
        self._comparison.backgrounds(collection, self._embedder_of(collection).embed_query("warm up"))

    def relevance(self, collection: Collection, text: str, passages: Sequence[Passage]) -> Sequence[float]:
        """How likely each passage is about a text: in [0, 1], by its stored vector; 0 where that is gone."""
        embedder = self._embedder_of(collection)
        vector = embedder.embed_query(fitting(text, embedder))
        base = self._comparison.backgrounds(collection, vector)
        chunks = self._catalog.documents.ready_chunks(collection.id, [each.chunk_id for each in passages])
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
    ) -> tuple[Sequence[str] | None, tuple[str, ...], tuple[Notice, ...]]:
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
        self, collection: Collection, query: Query, mode: Mode, allowed: Sequence[str] | None
    ) -> tuple[Mode, Candidates, tuple[Notice, ...]]:
        try:
            hits, full_score = self._keywords.search(
                collection.id, query.question, n=POOL if allowed is None else FILTERED_POOL
            )
        except StoreError as error:
            if mode == "keyword":
                raise
            notice = Notice(
                "Searched by meaning only, not by keywords. {reason}", {"reason": Notice.of(error)}
            )
            return "dense", Candidates({}, {}), (notice,)
        if allowed is not None:
            kept = set(allowed)
            hits = [hit for hit in hits if hit[0] in kept]
        scores = dict(hits[:POOL])
        return mode, Candidates({}, scores, full_score), ()

    def _with_cosines(
        self,
        collection: Collection,
        query: Query,
        vector: Vectors,
        found: Candidates,
        allowed: Sequence[str] | None,
    ) -> Candidates:
        """The dense pool's cosines (but in keyword mode), and those of the keyword pool, looked up.

        A question of words has a second dense pool of pictures, which texts would crowd out of the first.
        """
        cosines: dict[str, float] = {}
        pictures = {} if query.picture is not None else self._pictures(collection, allowed)
        if query.picture is not None or query.mode != "keyword":
            cosines = dict(self._nearest(collection, vector, allowed))
            if pictures and len(cosines) == POOL:
                cosines.update(self._nearest(collection, vector, list(pictures)))
        unknown = [key for key in found.keyword_scores if key not in cosines]
        hashes = self._catalog.chunks.ready_hashes(collection.id, unknown)
        stored = stored_vectors(self._catalog, collection, list(hashes.values()))
        cosines.update((key, float(stored[text] @ vector)) for key, text in hashes.items() if text in stored)
        return replace(found, cosines=cosines, pictures=pictures)

    def _nearest(
        self, collection: Collection, vector: Vectors, allowed: Sequence[str] | None
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

    def _pictures(self, collection: Collection, allowed: Sequence[str] | None) -> dict[str, str]:
        """The digests of the pictures that may be found, by chunk id."""
        if not takes_pictures(self._embedder_of(collection)):
            return {}
        pictures = self._catalog.documents.pictures(collection.id)
        kept = pictures if allowed is None else set(allowed)
        return {key: digest for key, digest in pictures.items() if key in kept}

    def _ranked(
        self,
        collection: Collection,
        query: Query,
        mode: Mode,
        vector: Vectors | None,
        found: Candidates,
    ) -> tuple[Passage, ...]:
        base = None
        scored = found
        if vector is not None and query.picture is None:
            base = self._comparison.backgrounds(collection, vector)
            if found.pictures:
                levelled = self._picture_scale.levelled(
                    collection, vector, found.cosines, found.pictures, base.of(query.question, "")
                )
                scored = replace(found, cosines=levelled)
        scores = scores_of(mode, scored, base)
        if mode == "hybrid" and vector is not None:
            firsts = best_first(scores)[:MOST_BESIDE]
            beside = self._catalog.chunks.vectors_beside(collection.fingerprint, firsts)
            scores = with_texts_beside(scores, scored.cosines, beside, vector)
        order = best_first(scores)
        if query.min_similarity is not None and vector is not None:
            order = [key for key in order if found.cosines.get(key, -1.0) >= query.min_similarity]
        if query.diversity and mode != "keyword":
            hashes = self._catalog.chunks.ready_hashes(collection.id, order)
            order = self._diverse(collection, query, scores, hashes)
        best = self._first_ready(collection, order, query.k)
        return tuple(
            _passage(rank, scores[chunk.id], found, base, chunk, document)
            for rank, (chunk, document) in enumerate(best, 1)
        )

    def _first_ready(
        self, collection: Collection, order: Sequence[str], k: int
    ) -> list[tuple[StoredChunk, Document]]:
        """The first k chunks of an order that belong to ready documents."""
        best: list[tuple[StoredChunk, Document]] = []
        for start in range(0, len(order), k):
            part = order[start : start + k]
            chunks = self._catalog.documents.ready_chunks(collection.id, part)
            best += [chunks[key] for key in part if key in chunks]
            if len(best) >= k:
                break
        return best[:k]

    def _diverse(
        self, collection: Collection, query: Query, scores: Mapping[str, float], hashes: Mapping[str, str]
    ) -> list[str]:
        """The chunks of `hashes`, best first, so that those alike are further apart."""
        stored = stored_vectors(self._catalog, collection, list(hashes.values()))
        keys = [key for key, text in hashes.items() if text in stored]
        if not keys:
            return []
        vectors = np.stack([stored[hashes[key]] for key in keys])
        places = diverse_order([scores[key] for key in keys], vectors, diversity=query.diversity, n=query.k)
        return [keys[place] for place in places]


def _key(passage: Passage) -> str:
    """The key of a passage's vector, where its chunk is gone."""
    return vector_key(Chunk(passage.text, 0, headings=passage.headings, picture=passage.picture))


def _passage(
    rank: int,
    score: float,
    found: Candidates,
    base: Backgrounds | None,
    stored: StoredChunk,
    document: Document,
) -> Passage:
    cosine, text = found.cosines.get(stored.id), stored.chunk.text
    if stored.chunk.picture:
        base = None  # relevance was fitted to texts
    return Passage(
        rank=rank,
        chunk_id=stored.id,
        document_id=document.id,
        name=document.name,
        text=text,
        score=score,
        cosine=cosine,
        relevance=base.of(text, document.id).relevance(cosine) if cosine is not None and base else None,
        keyword_score=found.keyword_scores.get(stored.id),
        page=stored.chunk.page,
        page_label=stored.chunk.page_label,
        headings=stored.chunk.headings,
        metadata={**document.metadata, **stored.metadata},
        picture=stored.chunk.picture,
    )
