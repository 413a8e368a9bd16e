"""Texts that are longer than what a question leaves of a model's window."""

from collections.abc import Callable, Sequence

import numpy as np

from rag.documents import readable
from rag.embedders.window import pieces
from rag.errors import ProviderError
from rag.rerankers.base import Reranker, Scores


def best_of_pieces(
    reranker: Reranker, question: str, texts: Sequence[str], score: Callable[[str, Sequence[str]], Scores]
) -> Scores:
    """A score a text by `score`, which gets what fits the window: of a longer text the best piece's.

    Raises ProviderError for a question that takes more than half the window.
    """
    if not texts:
        return np.empty(0, np.float32)
    question, count = readable(question), reranker.count_tokens
    room = _room(reranker, question)
    whole = map(readable, texts)
    parts = [[text] if room is None else list(pieces(text, count, room)) for text in whole]
    found = score(question, [piece for each in parts for piece in each])
    starts = np.cumsum([0, *(len(each) for each in parts[:-1])])
    return np.asarray(np.maximum.reduceat(found, starts), np.float32)


def _room(reranker: Reranker, question: str) -> int | None:
    """The tokens that are left for a text."""
    window = reranker.max_tokens
    if window is None:
        return None
    tokens = reranker.count_tokens(question)
    if tokens > window // 2:
        raise ProviderError(
            "The question has {tokens} tokens, more than half of the {window} that {model} reads at once. "
            "Ask a shorter question.",
            tokens=tokens,
            window=window,
            model=reranker.id,
        )
    return window - tokens
