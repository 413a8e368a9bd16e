"""Embedders of an Ollama server, on this machine or another."""

from collections.abc import Sequence
from typing import Any

from rag.embedders.prefixes import prefixes_of
from rag.embedders.remote import (
    SPECIAL_TOKENS,
    UNKNOWN_WINDOW,
    RemoteEmbedder,
    Row,
    not_numbers,
)
from rag.providers.embedding_failures import explained_for_vectors
from rag.providers.failures import Server
from rag.providers.ollama_api import CLOUD_HOST, is_cloud_model, ollama_client
from rag.providers.requests import CallLimits
from rag.providers.retrying import patiently

# Without a graphics card Ollama should answer before the time-out.
_LIMITS = CallLimits(texts=16, tokens=8192)
# Whatever num_ctx says, Ollama 0.34 read no more of bge-m3 and cut the rest unseen (its issue 14259).
_WIDEST_WINDOW = 2048


class OllamaEmbedder(RemoteEmbedder):
    """A model that an Ollama server runs, known by the digest of its weights.

    `keep_alive` is how long Ollama keeps the model in memory: seconds, or a text like "5m"; None is its own.
    """

    provider = "ollama"

    def __init__(
        self, server: Server, *, dimensions: int | None = None, keep_alive: float | str | None = None
    ) -> None:
        super().__init__(server, limits=_LIMITS, prefixes=prefixes_of(server.model), dimensions=dimensions)
        self._context: int | None = None
        self._keep_alive = keep_alive

    @property
    def is_local(self) -> bool:
        """False too for a model that Ollama runs on its company's machines."""
        return super().is_local and not is_cloud_model(self._server.model)

    @property
    def host(self) -> str:
        """Where texts are sent in the end."""
        return CLOUD_HOST if is_cloud_model(self._server.model) else super().host

    def _window(self) -> int:
        with self._learning:
            if self._context is None:
                self._context = patiently(self._ask_context, self._server, explained_for_vectors)
            return self._context - SPECIAL_TOKENS

    def _revision(self) -> str:
        return patiently(self._ask_digest, self._server, explained_for_vectors)

    def _ask_context(self) -> int:
        with ollama_client(self._server) as client:
            told = client.show(self._server.model).modelinfo or {}
            lengths = [int(value) for key, value in told.items() if key.endswith(".context_length")]
        return min([*lengths, _WIDEST_WINDOW]) if lengths else UNKNOWN_WINDOW + SPECIAL_TOKENS

    def _ask_digest(self) -> str:
        """The digest of the model's weights; "" where Ollama does not list it."""
        names = (self._server.model, f"{self._server.model}:latest")
        with ollama_client(self._server) as client:
            listed = client.list().models
            return next((model.digest or "" for model in listed if model.model in names), "")

    def _ask(self, texts: list[str], prefix: str) -> Sequence[Row]:
        from pydantic import ValidationError

        options: dict[str, Any] = {"num_ctx": self._window() + SPECIAL_TOKENS}
        sent = [prefix + text for text in texts]
        with ollama_client(self._server) as client:
            try:
                reply = client.embed(
                    self._server.model,
                    sent,
                    truncate=False,
                    options=options,
                    dimensions=self._asked_dimensions,
                    keep_alive=self._keep_alive,
                )
            except ValidationError as error:
                raise not_numbers() from error
        return list(enumerate(reply.embeddings))
