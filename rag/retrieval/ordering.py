"""From candidates to passages: scored, reranked, without what is too far, apart from what is alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rag.calibration import Backgrounds
from rag.catalog import Catalog, Collection, StoredChunk
from rag.comparison import Comparison
from rag.documents import Document, Passage
from rag.embedders.base import Vectors
from rag.picture_scale import PictureScale
from rag.retrieval.diversity import diverse_order
from rag.retrieval.query import Mode, Query
from rag.retrieval.ranking import MOST_BESIDE, Candidates, best_first, scores_of, with_texts_beside
from rag.retrieval.ready import first_ready
from rag.retrieval.reranking import Reranked, Reranking


@dataclass(frozen=True, slots=True)
class _Scored:
    """Candidates with what a passage tells of each: `scores` are by chunk id."""

    found: Candidates
    base: Backgrounds | None
    scores: Mapping[str, float]


class Ordering:
    """Puts the candidates of a question in order and takes the first of them."""

    def __init__(
        self, catalog: Catalog, comparison: Comparison, picture_scale: PictureScale, reranking: Reranking
    ) -> None:
        self._catalog = catalog
        self._comparison = comparison
        self._picture_scale = picture_scale
        self._reranking = reranking

    def best(
        self, collection: Collection, query: Query, mode: Mode, vector: Vectors | None, found: Candidates
    ) -> tuple[tuple[Passage, ...], Reranked]:
        """The first `query.k` passages, and what the reranker did. Raises UsageError, StoreError."""
        scored = self._scored(collection, query, mode, vector, found)
        order = best_first(scored.scores)
        if query.min_similarity is not None and vector is not None:
            order = [key for key in order if found.cosines.get(key, -1.0) >= query.min_similarity]
        reranked = self._reranking.reorder(collection, query, order)
        # A place is worth as much as before: a reranker's scores are on a scale of their own.
        worth = dict(zip(reranked.order, (scored.scores[key] for key in order), strict=True))
        final = reranked.order
        if query.diversity and mode != "keyword":
            final = self._diverse(collection, query, worth)
        best = first_ready(self._catalog, collection, final, query.k)
        passages = (
            _passage(rank, scored, reranked, chunk, document)
            for rank, (chunk, document) in enumerate(best, 1)
        )
        return tuple(passages), reranked

    def _scored(
        self, collection: Collection, query: Query, mode: Mode, vector: Vectors | None, found: Candidates
    ) -> _Scored:
        base = None
        levelled = found
        if vector is not None and query.picture is None:
            base = self._comparison.backgrounds(collection, query.question, vector)
            if found.pictures:
                cosines = self._picture_scale.levelled(
                    collection, vector, found.cosines, found.pictures, base.of(query.question, "")
                )
                levelled = replace(found, cosines=cosines)
        scores = scores_of(mode, levelled, base)
        if mode == "hybrid" and vector is not None:
            firsts = best_first(scores)[:MOST_BESIDE]
            beside = self._catalog.chunks.vectors_beside(collection.fingerprint, firsts)
            scores = with_texts_beside(scores, levelled.cosines, beside, vector)
        return _Scored(found, base, scores)

    def _diverse(self, collection: Collection, query: Query, worth: Mapping[str, float]) -> Sequence[str]:
        """The candidates of `worth`, best first, so that those alike are further apart."""
        stored = self._catalog.chunks.ready_vectors(collection.id, collection.fingerprint, worth)
        found = {key: row for part, rows in stored for key, row in zip(part, rows, strict=True)}
        keys = [key for key in worth if key in found]
        if not keys:
            return []
        vectors = np.stack([found[key] for key in keys])
        places = diverse_order([worth[key] for key in keys], vectors, diversity=query.diversity, n=query.k)
        return [keys[place] for place in places]


def _passage(
    rank: int, scored: _Scored, reranked: Reranked, stored: StoredChunk, document: Document
) -> Passage:
    cosine, text = scored.found.cosines.get(stored.id), stored.chunk.text
    base = None if stored.chunk.picture else scored.base  # relevance was fitted to texts
    return Passage(
        rank=rank,
        chunk_id=stored.id,
        document_id=document.id,
        name=document.name,
        text=text,
        score=scored.scores[stored.id],
        cosine=cosine,
        relevance=base.of(text, document.id).relevance(cosine) if cosine is not None and base else None,
        keyword_score=scored.found.keyword_scores.get(stored.id),
        rerank_score=reranked.scores.get(stored.id),
        page=stored.chunk.page,
        page_label=stored.chunk.page_label,
        headings=stored.chunk.headings,
        metadata={**document.metadata, **stored.metadata},
        picture=stored.chunk.picture,
    )
