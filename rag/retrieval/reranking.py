"""The best candidates in the order of a reranker, which reads each together with the question."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rag.catalog import Catalog, Collection
from rag.documents import Notice
from rag.errors import ProviderError
from rag.rerankers.base import Reranker
from rag.retrieval.query import Query
from rag.retrieval.ready import first_ready

RERANKED = 30  # candidates that are read: what answers is hardly further down, and each takes its time

RerankerOf = Callable[[str | None], Reranker | None]


@dataclass(frozen=True, slots=True)
class Reranked:
    """All candidates, best first; `scores` are of those that `reranker` read, by chunk id."""

    order: Sequence[str]
    scores: Mapping[str, float] = field(default_factory=dict)
    reranker: str | None = None
    seconds: float = 0.0
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class _Kept:
    """The scores of one question, by text."""

    reranker: Reranker
    question: str
    scores: Mapping[str, float]


class Reranking:
    """Reorders the first RERANKED candidates, and keeps the scores of the question asked last.

    The same question is asked again in other modes, and to explain what it found.
    """

    def __init__(self, catalog: Catalog, reranker_of: RerankerOf) -> None:
        self._catalog = catalog
        self._reranker_of = reranker_of
        self._kept: _Kept | None = None

    def reorder(self, collection: Collection, query: Query, order: Sequence[str]) -> Reranked:
        """The candidates of `order`, the first of them as a reranker would have them.

        Where it fails, or there is none, the order stays as it is. Raises UsageError for a name that is none.
        """
        if query.picture is not None or not order:
            return Reranked(order)
        started = time.perf_counter()
        try:
            reranker = self._reranker_of(query.reranker)
            if reranker is None:
                return Reranked(order)
            texts = self._texts(collection, order)
            scores = self._scores(reranker, query.question, list(texts.values()))
        except ProviderError as error:
            notice = Notice("The passages were not reranked. {reason}", {"reason": Notice.of(error)})
            return Reranked(order, seconds=time.perf_counter() - started, notices=(notice,))
        found = {key: scores[text] for key, text in texts.items()}
        seconds = time.perf_counter() - started
        return Reranked(reranked_order(order, found), found, reranker.id, seconds)

    def _texts(self, collection: Collection, order: Sequence[str]) -> dict[str, str]:
        """What the embedder read of the first candidates, by chunk id; a picture is more than its caption."""
        best = first_ready(self._catalog, collection, order, RERANKED)
        return {chunk.id: chunk.chunk.embedded_text for chunk, _ in best if not chunk.chunk.picture}

    def _scores(self, reranker: Reranker, question: str, texts: Sequence[str]) -> Mapping[str, float]:
        kept = self._kept  # another thread may put other scores in its place
        known = kept.scores if kept and (kept.reranker, kept.question) == (reranker, question) else {}
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        found = dict(zip(missing, map(float, reranker.scores(question, missing)), strict=True))
        scores = {**known, **found}
        self._kept = _Kept(reranker, question, scores)
        return scores


def reranked_order(order: Sequence[str], scores: Mapping[str, float]) -> list[str]:
    """Candidates with a score by it, in the places that these had; all others stay in theirs.

    Equal ones keep their order.
    """
    scored = [key for key in order if key in scores]
    by_score = iter(sorted(scored, key=lambda key: -scores[key]))
    return [next(by_score) if key in scores else key for key in order]
