"""Texts and what a model reads of them at once."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from rag.embedders.base import Embedder, Vectors


def fitting(text: str, embedder: Embedder) -> str:
    """`text`, or the longest beginning of it that the model's window takes."""
    most = embedder.max_tokens
    return text if most is None else _beginning(text, embedder.count_tokens, most)


def embed_whole(texts: Sequence[str], embedder: Embedder) -> Vectors:
    """Vectors of texts that may be longer than the window: shape (n, dimension), unit length.

    A longer one is embedded in pieces; its vector is their mean, each weighted by its tokens.
    """
    most, count = embedder.max_tokens, embedder.count_tokens
    split = [[text] if most is None else list(pieces(text, count, most)) for text in texts]
    found = embedder.embed_documents([piece for parts in split for piece in parts])
    vectors = np.empty((len(texts), found.shape[1]), np.float32)
    start = 0
    for row, parts in enumerate(split):
        end = start + len(parts)
        vectors[row] = found[start]
        if len(parts) > 1:
            weights = np.array([max(1, embedder.count_tokens(part)) for part in parts], np.float32)
            mean = weights @ found[start:end]
            vectors[row] = mean / np.linalg.norm(mean)
        start = end
    return vectors


def pieces(text: str, count: Callable[[str], int], most: int) -> Iterator[str]:
    """The text, or consecutive pieces of it of `most` tokens, cut at white space where there is some."""
    while (piece := _beginning(text, count, most)) != text:
        at_space = max(piece.rfind(" "), piece.rfind("\n")) + 1
        piece = piece[:at_space] if at_space > len(piece) // 2 else piece
        yield piece
        text = text[len(piece) :]
    yield text


def _beginning(text: str, count: Callable[[str], int], most: int) -> str:
    """`text`, or the longest beginning of it that has at most `most` tokens, and one character at least."""
    if count(text) <= most:
        return text
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if count(text[:middle]) <= most else (low, middle - 1)
    return text[:low]
