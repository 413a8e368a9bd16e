"""Chat models behind the OpenAI API, and behind every server that speaks it."""

from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rag.chat_models.base import Message
from rag.chat_models.streaming import check_end, stream_answer
from rag.providers.failures import Failure, Kind, Server
from rag.providers.openai_api import openai_client

if TYPE_CHECKING:
    import openai


class OpenAIChat:
    """A model of OpenAI, vLLM, LM Studio, llama.cpp, DeepSeek or another server that speaks OpenAI's API.

    The server's `timeout` is the longest silence in seconds.
    """

    context_tokens = 6000
    follows_citation_rules = True

    def __init__(self, server: Server, *, temperature: float | None = 0.0) -> None:
        self.id = f"openai:{server.model}"
        self._temperature = temperature
        self._server = server

    @property
    def is_local(self) -> bool:
        return self._server.is_local

    @property
    def host(self) -> str:
        return self._server.host

    def stream(self, messages: Sequence[Message]) -> Iterator[str]:
        """Pieces of the answer as they come; closing it closes the request. Raises ProviderError."""
        return stream_chat(self._server, messages, temperature=self._temperature)


def stream_chat(
    server: Server, messages: Sequence[Message], *, temperature: float | None = 0.0
) -> Iterator[str]:
    """Stream the answer of any server that speaks OpenAI's chat completions. Raises ProviderError."""
    body: dict[str, Any] = {
        "model": server.model,
        "messages": [{"role": message.role, "content": message.content} for message in messages],
    }
    if temperature is not None:
        body["temperature"] = temperature
    return stream_answer(lambda: _pieces(server, body), server)


def _pieces(server: Server, body: dict[str, Any]) -> Generator[str]:
    with openai_client(server) as client, _open(client, body) as stream:
        yield from _texts(stream)


def _open(client: "openai.OpenAI", body: dict[str, Any]) -> "openai.Stream[Any]":
    import openai

    try:
        return client.chat.completions.create(**body, stream=True)  # type: ignore[no-any-return]
    except openai.BadRequestError as error:
        # Reasoning models accept their own temperature only.
        if error.param != "temperature" or "temperature" not in body:
            raise
        del body["temperature"]
        return client.chat.completions.create(**body, stream=True)  # type: ignore[no-any-return]


def _texts(stream: "openai.Stream[Any]") -> Generator[str]:
    finished = None
    chunks = 0
    for chunk in stream:
        chunks += 1
        for choice in chunk.choices or ():
            if choice.delta.content:
                yield choice.delta.content
            if getattr(choice.delta, "refusal", None):
                raise Failure(Kind.REFUSED, choice.delta.refusal)
            finished = choice.finish_reason or finished
    content_type = stream.response.headers.get("content-type", "")
    if not chunks and "event-stream" not in content_type:
        raise Failure(Kind.FORMAT, content_type)
    check_end(finished)
