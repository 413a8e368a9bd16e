"""Chat models of Alibaba Cloud's DashScope (Model Studio)."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

from rag.chat_models.base import Message
from rag.chat_models.streaming import check_end, stream_answer
from rag.providers.dashscope_api import check_reply, dashscope_call
from rag.providers.failures import Server


class DashScopeChat:
    """A model such as qwen-plus. The server's `timeout` is the longest silence in seconds."""

    context_tokens = 6000
    follows_citation_rules = True

    def __init__(self, server: Server) -> None:
        self.id = f"dashscope:{server.model}"
        self._server = server

    @property
    def is_local(self) -> bool:
        return self._server.is_local

    @property
    def host(self) -> str:
        return self._server.host

    def stream(self, messages: Sequence[Message]) -> Iterator[str]:
        """Pieces of the answer as they come; closing it closes the request. Raises ProviderError."""
        return stream_answer(lambda: _pieces(self._server, messages), self._server)


def _pieces(server: Server, messages: Sequence[Message]) -> Generator[str]:
    import dashscope

    turns: list[Any] = [{"role": message.role, "content": message.content} for message in messages]
    with dashscope_call(server) as options:
        replies: Any = dashscope.Generation.call(
            server.model,
            messages=turns,
            stream=True,
            incremental_output=True,
            result_format="message",
            temperature=0.0,
            **options,
        )
        yield from _texts(replies)


def _texts(replies: Generator[Any]) -> Generator[str]:
    finished = None
    with closing(replies):
        for reply in replies:
            check_reply(reply)
            choice = reply.output.choices[0]
            if choice.message.content:
                yield choice.message.content
            # While the answer goes on, DashScope writes the word "null".
            if choice.finish_reason not in (None, "", "null"):
                finished = choice.finish_reason
    check_end(finished)
