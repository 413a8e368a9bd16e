"""Maximal marginal relevance: what is like a passage before it comes later."""

import numpy as np
import pytest

from rag.retrieval.diversity import diverse_order

VECTORS = np.array([[1, 0], [1, 0], [0.6, 0.8], [0, 1]], np.float32)
SCORES = [0.9, 0.88, 0.7, 0.2]


@pytest.mark.parametrize(
    ("diversity", "expected"),
    [
        (0.0, [0, 1, 2, 3]),
        (0.4, [0, 2, 1, 3]),  # the second says the same as the first
        (1.0, [0, 3, 2, 1]),
    ],
)
def test_what_is_alike_comes_later(diversity: float, expected: list[int]) -> None:
    assert diverse_order(SCORES, VECTORS, diversity=diversity, n=4) == expected


def test_no_more_than_there_are_and_no_more_than_wanted() -> None:
    assert diverse_order(SCORES, VECTORS, diversity=0.4, n=9) == [0, 2, 1, 3]
    assert diverse_order(SCORES, VECTORS, diversity=0.4, n=2) == [0, 2]
    assert diverse_order([], np.empty((0, 2), np.float32), diversity=0.4, n=2) == []
