"""What embedders behind an API have in common: the window, batches, and a strict look at what comes back."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, TypeAlias

import numpy as np

from rag.documents import Notice
from rag.embedders.base import Fingerprint, Vectors
from rag.embedders.checks import too_long
from rag.embedders.estimate import estimated_tokens
from rag.embedders.prefixes import Prefixes
from rag.errors import ProviderError
from rag.providers.embedding_failures import explained_for_vectors
from rag.providers.failures import Failure, Kind, Server
from rag.providers.requests import CallLimits, in_halves, requests, sendable
from rag.providers.retrying import patiently

SPECIAL_TOKENS = 2  # at most what a model puts around a text
UNKNOWN_WINDOW = 512 - SPECIAL_TOKENS
_CUT_OFF = frozenset({Kind.UNREACHABLE, Kind.TIMEOUT, Kind.CUT, Kind.SERVER})

Row: TypeAlias = tuple[int | None, object]  # which of the texts it belongs to, and its vector as it came


class RemoteEmbedder(ABC):
    """Sends texts to a server. Nothing is asked before it is needed; safe for several threads.

    `dimensions` is the length of vectors to ask for where a model has several; None leaves it to the model.
    No tokeniser is at hand, so `count_tokens` is a cautious estimate. `was_cut_off` tells that a request
    broke down, so that a server may have been started anew, with another model; it is for others to set back.
    """

    provider: ClassVar[str]

    def __init__(
        self, server: Server, *, limits: CallLimits, prefixes: Prefixes, dimensions: int | None = None
    ) -> None:
        self._server = server
        self._asked_dimensions = dimensions
        self._limits = limits
        self._prefixes = prefixes
        self._learning = threading.RLock()
        self._dimension = dimensions
        self._fingerprint: Fingerprint | None = None
        self.was_cut_off = False

    @property
    def _name(self) -> str:
        """The model as the user names it, with the length of vectors that is asked for."""
        asked = self._asked_dimensions
        return f"{self._server.model}?dimensions={asked}" if asked else self._server.model

    @property
    def is_local(self) -> bool:
        """Whether texts stay on this machine."""
        return self._server.is_local

    @property
    def host(self) -> str:
        """Where texts are sent."""
        return self._server.host

    @property
    def fingerprint(self) -> Fingerprint:
        """What the server tells of the model, asked once. Raises ProviderError."""
        with self._learning:
            if self._fingerprint is None:
                dimension = self._dimension or self._embed(["dimension"], self._prefixes.document).shape[1]
                self._fingerprint = Fingerprint(
                    provider=self.provider,
                    model=self._name,
                    revision=self._revision(),
                    pooling="",
                    query_prefix=self._prefixes.query,
                    document_prefix=self._prefixes.document,
                    normalised=True,
                    dimension=dimension,
                )
            return self._fingerprint

    @property
    def max_tokens(self) -> int:
        """The longest text in estimated tokens, without the prefix. Ollama is asked: raises ProviderError."""
        return self._window() - max(estimated_tokens(prefix) for prefix in self._prefixes)

    def count_tokens(self, text: str) -> int:
        """A cautious estimate of the tokens of `text`."""
        return estimated_tokens(text)

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of all texts, shape (n, dimension), or ProviderError; one too long is refused unsent."""
        if not texts:
            return np.empty((0, self.fingerprint.dimension), np.float32)
        self._check_lengths(texts)
        prefix = self._prefixes.document
        around = estimated_tokens(prefix) + SPECIAL_TOKENS
        tokens = [around + self.count_tokens(text) for text in texts]
        return np.concatenate([self._embed(texts[part], prefix) for part in requests(tokens, self._limits)])

    def embed_query(self, text: str) -> Vectors:
        """The vector of a question, shape (dimension,). Raises ProviderError."""
        self._check_lengths([text])
        return np.asarray(self._embed([text], self._prefixes.query)[0])

    @abstractmethod
    def _ask(self, texts: list[str], prefix: str) -> Sequence[Row]:
        """The server's reply to one request for texts with this prefix. Raises Failure."""

    @abstractmethod
    def _window(self) -> int:
        """The tokens of a text and its prefix that the model reads."""

    def _revision(self) -> str:
        return ""

    def _check_lengths(self, texts: Sequence[str]) -> None:
        window = self.max_tokens
        longest = max(map(self.count_tokens, texts))
        if longest > window:
            raise too_long(longest, window, f"{self.provider}:{self._server.model}")

    def _embed(self, texts: Sequence[str], prefix: str) -> Vectors:
        def ask(part: Sequence[str]) -> Vectors:
            sent = [sendable(text) for text in part]
            return self._received(lambda: self._ask(sent, prefix), len(sent), explained_for_vectors)

        return in_halves(ask, texts)

    def _received(
        self,
        ask: Callable[[], Sequence[Row]],
        count: int,
        explain: Callable[[Failure, Server], ProviderError],
    ) -> Vectors:
        """Unit vectors by one request for `count` of them, sent again where that is sensible."""

        def once() -> Vectors:
            try:
                return self._checked(ask(), count)
            except Failure as failure:
                self.was_cut_off |= failure.kind in _CUT_OFF
                raise

        return patiently(once, self._server, explain)

    def _checked(self, rows: Sequence[Row], texts: int) -> Vectors:
        vectors = _unit_vectors(_in_order(rows, texts))
        found = vectors.shape[1]
        with self._learning:
            self._dimension = self._dimension or found
            if found != self._dimension:
                about = {"found": found, "expected": self._dimension}
                raise Failure(Kind.VECTORS, Notice("dimension {found} instead of {expected}", about))
        return vectors


def not_numbers() -> Failure:
    """What is said of an answer that holds no vectors."""
    return Failure(Kind.VECTORS, Notice("a vector is not a list of numbers, all of one length"))


def _in_order(rows: Sequence[Row], texts: int) -> list[object]:
    """The vectors in the order of the texts; servers may number them and answer in another."""
    if len(rows) != texts:
        about = {"texts": texts, "found": len(rows)}
        raise Failure(Kind.VECTORS, Notice("vectors asked for: {texts}, received: {found}", about))
    by_number = {number: vector for number, vector in rows if number is not None}
    if not by_number:
        return [vector for _, vector in rows]
    if set(by_number) != set(range(texts)):
        raise Failure(Kind.VECTORS, Notice("the vectors are numbered wrongly"))
    return [by_number[number] for number in range(texts)]


def _unit_vectors(rows: list[object]) -> Vectors:
    """Raises Failure for what is no matrix of finite numbers, or has a row without a direction."""
    try:
        matrix = np.array(rows, np.float64)
    except (TypeError, ValueError):
        matrix = np.empty(0)
    if matrix.ndim != 2 or not matrix.shape[1]:
        raise not_numbers()
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and lengths.all()):
        about_numbers = Notice("a vector has only zeros, or something that is not a number")
        raise Failure(Kind.VECTORS, about_numbers)
    return np.asarray(matrix / lengths, np.float32)
