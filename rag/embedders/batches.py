"""Texts of like length together: batches by a budget of tokens, padded, and pooled to one vector each."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Tokens: TypeAlias = NDArray[np.int64]


def token_batches(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Indices by falling length, so that little is padded and too large a batch fails at once.

    A batch holds at most `most` tokens, padding included, or one text.
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > most:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def padded(ids: Sequence[Sequence[int]], length: int, pad_id: int) -> tuple[Tokens, Tokens]:
    """Ids and attention mask, both of shape (texts, length), padded at the end."""
    tokens = np.full((len(ids), length), pad_id, np.int64)
    mask = np.zeros_like(tokens)
    for row, values in enumerate(ids):
        tokens[row, : len(values)] = values
        mask[row, : len(values)] = 1
    return tokens, mask


def pooled(hidden: NDArray[np.float32], mask: Tokens, pooling: str) -> NDArray[np.float32]:
    """One vector a text by "mean", "cls" or "last" over (texts, tokens, dimension), not yet of unit length.

    A model that pools by itself gives two dimensions.
    """
    if hidden.ndim == 2:
        return hidden.copy()
    if pooling == "cls":
        return hidden[:, 0].copy()
    if pooling == "last":
        return np.asarray(hidden[np.arange(len(hidden)), mask.sum(axis=1) - 1])
    summed = np.matmul(mask[:, None, :].astype(np.float32), hidden)[:, 0]
    return np.asarray(summed / mask.sum(axis=1, keepdims=True, dtype=np.float32), np.float32)
