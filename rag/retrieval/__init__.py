"""From a question to passages: candidates from both indexes, one score, filters, thresholds."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np

from rag.calibration import Backgrounds
from rag.catalog import Catalog, Collection, StoredChunk, vector_key
from rag.comparison import Comparison, stored_vectors
from rag.documents import Chunk, Document, Notice, Passage
from rag.embedders.base import Embedder, Vectors
from rag.embedders.pictures import picture_embedder, takes_pictures
from rag.embedders.window import fitting
from rag.errors import ProviderError, StoreError, UsageError
from rag.keyword_index import KeywordIndex
from rag.loaders.picture import check_picture
from rag.picture_scale import PictureScale
from rag.retrieval.diversity import diverse_order
from rag.retrieval.exact import ExactSearch
from rag.vector_index import VectorIndex

POOL = 100  # candidates a side: k only cuts, it never reorders
FILTERED_POOL = 1000  # keyword candidates before a filter
KEYWORD_WEIGHT = 10.0  # standard deviations of the background that a perfect keyword match is worth

NO_MATCH = Notice("No passage matches the search options.")

log = logging.getLogger(__name__)

Mode = Literal["dense", "keyword", "hybrid"]


@dataclass(frozen=True, slots=True)
class Query:
    """A question and how to look: `where` and `contains` as Chroma's where and where_document $contains.

    `min_similarity` is a cosine; passages below it are left out. `picture`, a PNG, JPEG or WebP file, is
    searched for in place of a question, by its vector only. `diversity` in [0, 1] is how much a passage loses
    by being like one before it.
    """

    question: str
    k: int = 5
    mode: Mode = "hybrid"
    where: Mapping[str, Any] | None = None
    contains: str | None = None
    min_similarity: float | None = None
    diversity: float = 0.0
    picture: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.question.strip() and self.picture is None:
            raise UsageError("The question is empty. Type what you would like to know.")
        if not 1 <= self.k <= POOL:
            raise UsageError("The number of passages must be between 1 and {most}.", most=POOL)
        if self.mode not in get_args(Mode):
            raise UsageError("The mode is “{mode}”; it can be dense, keyword or hybrid.", mode=self.mode)
        if not 0 <= self.diversity <= 1:
            raise UsageError("The diversity must be between 0 and 1.")


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The passages, nearest first; `mode` is the one that answered; times in seconds."""

    question: str
    mode: Mode
    passages: tuple[Passage, ...]
    seconds: Mapping[str, float]
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Scores by chunk id; `pictures` are digests by chunk id, where the question is one of words."""

    cosines: Mapping[str, float]
    keyword_scores: Mapping[str, float]
    bound: float = 0.0
    pictures: Mapping[str, str] = field(default_factory=dict)


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
        allowed = self._allowed(collection, query)
        found = _Candidates({}, {})
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
        return SearchResult(query.question, mode, passages, seconds, notices)

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

    def _allowed(self, collection: Collection, query: Query) -> list[str] | None:
        """The chunks that pass the filters; None where there are none."""
        if not (query.where or query.contains):
            return None
        return self._catalog.documents.matching(collection.id, query.where, query.contains)

    def _keyword_candidates(
        self, collection: Collection, query: Query, mode: Mode, allowed: Sequence[str] | None
    ) -> tuple[Mode, _Candidates, tuple[Notice, ...]]:
        try:
            hits, bound = self._keywords.search(
                collection.id, query.question, n=POOL if allowed is None else FILTERED_POOL
            )
        except StoreError as error:
            if mode == "keyword":
                raise
            notice = Notice(
                "Searched by meaning only, not by keywords. {reason}", {"reason": Notice.of(error)}
            )
            return "dense", _Candidates({}, {}), (notice,)
        if allowed is not None:
            kept = set(allowed)
            hits = [hit for hit in hits if hit[0] in kept]
        scores = dict(hits[:POOL])
        return mode, _Candidates({}, scores, bound), ()

    def _with_cosines(
        self,
        collection: Collection,
        query: Query,
        vector: Vectors,
        found: _Candidates,
        allowed: Sequence[str] | None,
    ) -> _Candidates:
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
        chunks = self._catalog.documents.ready_chunks(collection.id, unknown)
        hashes = {key: chunk.text_hash for key, (chunk, _) in chunks.items()}
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
        found: _Candidates,
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
        scores = _scores(mode, scored, base)
        order = sorted(scores, key=lambda key: (-scores[key], key))
        if query.min_similarity is not None and vector is not None:
            order = [key for key in order if found.cosines.get(key, -1.0) >= query.min_similarity]
        chunks = self._catalog.documents.ready_chunks(collection.id, order)
        best = [key for key in order if key in chunks]
        if query.diversity and mode != "keyword":
            hashes = {key: chunks[key][0].text_hash for key in best}
            best = self._diverse(collection, query, scores, hashes)
        best = best[: query.k]
        return tuple(
            _passage(rank, scores[key], found, base, *chunks[key]) for rank, key in enumerate(best, 1)
        )

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


def _scores(mode: Mode, found: _Candidates, base: Backgrounds | None) -> dict[str, float]:
    """What the passages are ranked by.

    Hybrid: cosine + weight · BM25 / bound, the weight in units of the model's own spread. The bound leaves a
    question that shares no words with the texts, as across languages, to the vectors.
    """
    if mode == "keyword":
        return dict(found.keyword_scores)
    if mode == "dense" or base is None or not found.bound:
        return dict(found.cosines)
    weight = KEYWORD_WEIGHT * base.deviation / found.bound
    return {
        key: cosine + weight * found.keyword_scores.get(key, 0.0) for key, cosine in found.cosines.items()
    }


def _passage(
    rank: int,
    score: float,
    found: _Candidates,
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
