"""Embedders behind the OpenAI API, and behind every server that speaks it."""

import base64
from collections.abc import Mapping, Sequence

import numpy as np

from rag.embedders.prefixes import prefixes_of
from rag.embedders.remote import UNKNOWN_WINDOW, RemoteEmbedder, Row
from rag.providers.failures import Server
from rag.providers.openai_api import openai_client
from rag.providers.requests import CallLimits

# OpenAI takes 2,048 texts and 300,000 tokens; a model on this machine should answer before the time-out.
_LIMITS = CallLimits(texts=64, tokens=100_000)
_WINDOWS: Mapping[str, int] = {
    "text-embedding-3-small": 8191,
    "text-embedding-3-large": 8191,
    "text-embedding-ada-002": 8191,
}


class OpenAIEmbedder(RemoteEmbedder):
    """A model of OpenAI, vLLM, TEI, LM Studio, llama.cpp or another server that speaks OpenAI's API.

    A model that is not OpenAI's own is given 512 tokens, which every common one reads.
    """

    provider = "openai"

    def __init__(self, server: Server, *, dimensions: int | None = None) -> None:
        super().__init__(server, limits=_LIMITS, prefixes=prefixes_of(server.model), dimensions=dimensions)

    def _window(self) -> int:
        return _WINDOWS.get(self._server.model, UNKNOWN_WINDOW)

    def _ask(self, texts: list[str], prefix: str) -> Sequence[Row]:
        from openai import omit

        with openai_client(self._server) as client:
            reply = client.embeddings.create(
                model=self._server.model,
                input=[prefix + text for text in texts],
                # Left to itself the SDK asks for base64, which many servers refuse, or answer with nothing.
                encoding_format="float",
                dimensions=self._asked_dimensions or omit,
            )
            return [(item.index, _numbers(item.embedding)) for item in reply.data or ()]


def _numbers(embedding: object) -> object:
    """The numbers of a vector that a server wrote in base64 all the same."""
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding, validate=True), "<f4")
    return embedding
