"""What rerankers behind an API have in common: the window, batches, and a strict look at what comes back."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeAlias

import numpy as np

from rag.documents import Notice
from rag.embedders.estimate import estimated_tokens
from rag.providers.failures import Failure, Kind, Server
from rag.providers.requests import CallLimits, in_halves, requests, sendable
from rag.providers.rerank_failures import explained_for_scores
from rag.providers.retrying import patiently
from rag.rerankers.base import Scores
from rag.rerankers.pieces import best_of_pieces

SPECIAL_TOKENS = 4  # at most what a model puts around a question and a text

Row: TypeAlias = tuple[object, object]  # the number of a text and its score, as they came


class RemoteReranker(ABC):
    """Sends a question and texts to a server; safe for several threads.

    `window` is in tokens of a question and a text together. No tokeniser is at hand, so `count_tokens` is a
    cautious estimate. The question counts once for each text in the tokens of a request.
    """

    provider: ClassVar[str]

    def __init__(self, server: Server, *, limits: CallLimits, window: int) -> None:
        self._server = server
        self._limits = limits
        self.max_tokens = window - SPECIAL_TOKENS

    @property
    def id(self) -> str:
        """The model as the user names it."""
        return f"{self.provider}:{self._server.model}"

    @property
    def is_local(self) -> bool:
        """Whether texts stay on this machine."""
        return self._server.is_local

    @property
    def host(self) -> str:
        """Where texts are sent."""
        return self._server.host

    def count_tokens(self, text: str) -> int:
        """A cautious estimate of the tokens of `text`."""
        return estimated_tokens(text)

    def scores(self, question: str, texts: Sequence[str]) -> Scores:
        """A score a text, shape (n,), or ProviderError."""
        return best_of_pieces(self, question, texts, self._scores)

    def close(self) -> None:  # noqa: B027 - there is nothing to do
        """Nothing is held between requests."""

    @abstractmethod
    def _ask(self, question: str, texts: list[str]) -> Sequence[Row]:
        """The server's reply to one request. Raises Failure."""

    def _scores(self, question: str, texts: Sequence[str]) -> Scores:
        around = self.count_tokens(question) + SPECIAL_TOKENS
        tokens = [around + self.count_tokens(text) for text in texts]

        def ask(part: Sequence[str]) -> Scores:
            sent = [sendable(text) for text in part]
            return patiently(
                lambda: _in_order(self._ask(sendable(question), sent), len(sent)),
                self._server,
                explained_for_scores,
            )

        return np.concatenate([in_halves(ask, texts[part]) for part in requests(tokens, self._limits)])


def rows_of(results: object) -> list[Row]:
    """What a reply tells of each text. Raises Failure for what is no list of results."""
    if not isinstance(results, list) or not all(isinstance(each, Mapping) for each in results):
        raise Failure(Kind.FORMAT, Notice("there is no list of results"))
    return [(each.get("index"), each.get("relevance_score")) for each in results]


def _in_order(rows: Sequence[Row], texts: int) -> Scores:
    """The scores in the order of the texts; servers answer with the best first. Raises Failure."""
    if len(rows) != texts:
        about = {"texts": texts, "found": len(rows)}
        raise Failure(Kind.SCORES, Notice("scores asked for: {texts}, received: {found}", about))
    by_number = dict(rows)
    if set(by_number) != set(range(texts)) or any(isinstance(number, bool) for number in by_number):
        raise Failure(Kind.SCORES, Notice("the scores are numbered wrongly"))
    return np.array([_number(by_number[number]) for number in range(texts)], np.float32)


def _number(score: object) -> float:
    if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
        raise Failure(Kind.SCORES, Notice("a score is not a number"))
    return float(score)
