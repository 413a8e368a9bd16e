"""Texts cut to what a model reads at once."""

from rag.embedders.base import Embedder


def fitting(text: str, embedder: Embedder) -> str:
    """`text`, or the longest beginning of it that the model's window takes."""
    most = embedder.max_tokens
    if most is None or embedder.count_tokens(text) <= most:
        return text
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if embedder.count_tokens(text[:middle]) <= most else (low, middle - 1)
    return text[:low]
