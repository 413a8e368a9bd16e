"""What is checked of every text and vector, whoever computes it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rag.embedders.base import Vectors
from rag.errors import ProviderError


def too_long(tokens: int, window: int, model: str) -> ProviderError:
    """What is said of a text beyond the model's window."""
    return ProviderError(
        "A text of {tokens} tokens is longer than the {window} that {model} reads at once. "
        "Split it into smaller chunks.",
        tokens=tokens,
        window=window,
        model=model,
    )


def unit_rows(rows: Sequence[Any] | Vectors, count: int, model: str) -> Vectors:
    """`rows` as float32 of unit length, shape (count, dimension). Raises ProviderError for anything else."""
    try:
        vectors = np.asarray(rows, np.float32)
    except (TypeError, ValueError):
        vectors = np.empty((0, 0), np.float32)
    if vectors.ndim != 2 or len(vectors) != count:
        raise ProviderError(
            "{model} did not give one vector for each of {count} texts. "
            "Try again, or choose another embedder.",
            model=model,
            count=count,
        )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.all(np.isfinite(lengths)) and np.all(lengths > 0)):
        raise ProviderError(
            "{model} produced an invalid vector (not a number, or all zeros). "
            "Install the model again, or choose another embedder.",
            model=model,
        )
    return np.asarray(vectors / lengths, np.float32)
