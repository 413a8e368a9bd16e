"""Passages that add something to those before them."""

from collections.abc import Sequence

import numpy as np

from rag.embedders.base import Vectors


def diverse_order(scores: Sequence[float], vectors: Vectors, *, diversity: float, n: int) -> list[int]:
    """The places of n: each the best by (1 - diversity) · score - diversity · cosine to those before it.

    The cosine is that to the most alike of them; `vectors` have length 1, shape (len(scores), dimension).
    Scores should lie on the scale of cosines. With diversity 0 the order is that of the scores, equal ones as
    they stand. Carbonell & Goldstein 1998, "The Use of MMR, Diversity-Based Reranking".
    """
    worth = (1 - diversity) * np.asarray(scores, np.float64)
    alike = np.full(len(scores), -1.0)  # the first is chosen by its score alone
    left = np.ones(len(scores), bool)
    order: list[int] = []
    for _ in range(min(n, len(scores))):
        best = int(np.argmax(np.where(left, worth - diversity * alike, -np.inf)))
        order.append(best)
        left[best] = False
        alike = np.maximum(alike, vectors @ vectors[best])
    return order
