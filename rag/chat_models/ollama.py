"""Chat models of an Ollama server, on this machine or another."""

import re
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import Any, cast

from rag.chat_models.base import Message
from rag.chat_models.streaming import check_end, stream_answer
from rag.providers.failures import Server
from rag.providers.ollama_api import (
    CLOUD_HOST,
    LOOK_SECONDS,
    is_cloud_model,
    ollama_client,
    ollama_server,
    quick_look,
)
from rag.settings import Settings

SMALL_MODEL = 4e9
# Ollama cuts a longer prompt unseen, and its own default is only 2,048 or 4,096 tokens.
WINDOW_TOKENS = 8192

_NOT_CHAT = re.compile(r"embed|bert|minilm|(^|[/-])(bge|gte|e5|jina)-|rerank", re.IGNORECASE)


class OllamaChat:
    """A model that an Ollama server runs. The server's `timeout` is the longest silence in seconds.

    `keep_alive` is how long Ollama keeps the model in memory: seconds, or a text like "5m"; None is its own.
    """

    context_tokens = 4000

    def __init__(self, server: Server, *, keep_alive: float | str | None = None) -> None:
        self.id = f"ollama:{server.model}"
        self._server = server
        self._keep_alive = keep_alive
        self._parameters: float | None = None

    @property
    def follows_citation_rules(self) -> bool:
        """False for a model below four billion parameters, and as long as Ollama does not tell its size."""
        if self._parameters is None:
            self._parameters = _parameters(self._server)
        return (self._parameters or 0) >= SMALL_MODEL

    @property
    def is_local(self) -> bool:
        return self._server.is_local and not is_cloud_model(self._server.model)

    @property
    def host(self) -> str:
        """Where questions are sent in the end."""
        return CLOUD_HOST if is_cloud_model(self._server.model) else self._server.host

    def stream(self, messages: Sequence[Message]) -> Iterator[str]:
        """Pieces of the answer as they come; closing it closes the request. Raises ProviderError."""
        turns = [{"role": message.role, "content": message.content} for message in messages]
        return stream_answer(lambda: _pieces(self._server, turns, self._keep_alive), self._server)


def local_ollama(settings: Settings) -> list[str] | None:
    """The chat models of the Ollama that answers within 0.3 seconds, or None. Never raises.

    Embedding models, and models that Ollama would run in its cloud, are left out.
    """
    import ollama  # noqa: F401 - the first import takes longer than the look itself

    answer: list[list[str] | None] = []
    server = ollama_server(settings, "")
    look = threading.Thread(target=lambda: answer.append(_chat_models(server)), daemon=True)
    # Name look-ups know no time-out, so a late thread is left behind rather than waited for.
    look.start()
    look.join(LOOK_SECONDS)
    return answer[0] if answer else None


def _chat_models(server: Server) -> list[str] | None:
    listed = quick_look(server, lambda client: client.list().models)
    if listed is None:
        return None
    return [model.model for model in listed if model.model and _can_chat(model)]


def _can_chat(model: Any) -> bool:
    details = model.details
    names = [model.model, *(details.families or () if details else ())]
    return not is_cloud_model(model.model) and not any(_NOT_CHAT.search(name) for name in names)


def _parameters(server: Server) -> float | None:
    details = quick_look(server, lambda client: client.show(server.model).details)
    return parameter_count(details.parameter_size if details else None)


def parameter_count(size: str | None) -> float | None:
    """The number that Ollama writes as "7.6B" or "134.52M"; None where it is not written like that."""
    match = re.fullmatch(r"\s*([\d.]+)\s*([KMBT])\s*", size or "", re.IGNORECASE)
    if not match:
        return None
    return float(match[1]) * {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}[match[2].upper()]


def _pieces(server: Server, turns: list[dict[str, str]], keep_alive: float | str | None) -> Generator[str]:
    options = {"temperature": 0.0, "num_ctx": WINDOW_TOKENS}
    with ollama_client(server) as client:
        parts = client.chat(server.model, turns, stream=True, options=options, keep_alive=keep_alive)
        with closing(cast(Generator[Any], parts)):
            yield from _texts(parts)


def _texts(parts: Iterator[Any]) -> Generator[str]:
    finished = None
    for part in parts:
        if part.message.content:
            yield part.message.content
        if part.done:
            finished = part.done_reason or "stop"
    check_end(finished)
