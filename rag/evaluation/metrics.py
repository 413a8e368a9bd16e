"""Metrics of one ranking of documents by their standard definitions, as in trec_eval and BEIR. Pure.

`ranking` holds document ids, best first, each once; `relevance` is by document id, 0 or less for a document
that was judged not to be relevant. A document that was not judged counts as not relevant.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

Relevance: TypeAlias = Mapping[str, int]

RESAMPLES = 1000


def ndcg(ranking: Sequence[str], relevance: Relevance, *, k: int) -> float:
    """Normalised discounted cumulative gain in [0, 1]: gain is the relevance, discount log2(rank + 1).

    Järvelin & Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques", as trec_eval computes it.
    Raises ValueError where no document is relevant.
    """
    best = sorted(_relevant(relevance).values(), reverse=True)
    found = [max(0, relevance.get(document, 0)) for document in ranking]
    return _discounted(found[:k]) / _discounted(best[:k])


def recall(ranking: Sequence[str], relevance: Relevance, *, k: int) -> float:
    """The share of the relevant documents that is among the first k. Raises ValueError without any."""
    relevant = _relevant(relevance)
    return len(relevant.keys() & set(ranking[:k])) / len(relevant)


def reciprocal_rank(ranking: Sequence[str], relevance: Relevance, *, k: int) -> float:
    """1 / rank of the first relevant document; 0 where it is not among the first k."""
    relevant = _relevant(relevance)
    ranks = (rank for rank, document in enumerate(ranking[:k], 1) if document in relevant)
    return 1 / next(ranks, math.inf)


METRICS: Mapping[str, Callable[[Sequence[str], Relevance], float]] = MappingProxyType(
    {
        "ndcg@10": partial(ndcg, k=10),
        "recall@5": partial(recall, k=5),
        "recall@10": partial(recall, k=10),
        "mrr@10": partial(reciprocal_rank, k=10),
    }
)


def bootstrap_interval(
    values: Sequence[float], *, confidence: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """The interval that the mean of `values` lies in, (low, high); the same for the same values and seed.

    Percentiles of the means of resampled values: Efron & Tibshirani 1993, "An Introduction to the Bootstrap",
    chapter 13. Raises ValueError where there are no values.
    """
    if not values:
        raise ValueError("no values")
    random = np.random.default_rng(seed)
    means = [random.choice(values, len(values)).mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _relevant(relevance: Relevance) -> dict[str, int]:
    relevant = {document: grade for document, grade in relevance.items() if grade > 0}
    if not relevant:
        raise ValueError("no relevant document")
    return relevant


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))
