"""Embedders of Alibaba Cloud's DashScope (Model Studio)."""

from collections.abc import Sequence
from typing import Any

from rag.embedders.prefixes import Prefixes
from rag.embedders.remote import RemoteEmbedder, Row
from rag.providers.dashscope_api import check_reply, dashscope_call
from rag.providers.failures import Server
from rag.providers.requests import CallLimits

_OLD = ("text-embedding-v1", "text-embedding-v2")
_TEXT_TYPES = Prefixes("text_type=query", "text_type=document")  # a parameter rather than a prefix
_WIDE = ("text-embedding-v3", "text-embedding-v4")


class DashScopeEmbedder(RemoteEmbedder):
    """A model such as text-embedding-v4. DashScope itself tells questions from documents, by `text_type`."""

    provider = "dashscope"

    def __init__(self, server: Server, *, dimensions: int | None = None) -> None:
        limits = CallLimits(texts=25 if server.model in _OLD else 10, tokens=30_000)
        super().__init__(server, limits=limits, prefixes=_TEXT_TYPES, dimensions=dimensions)

    def _window(self) -> int:
        return 8192 if self._server.model in _WIDE else 2048

    def _ask(self, texts: list[str], prefix: str) -> Sequence[Row]:
        import dashscope

        with dashscope_call(self._server) as options:
            if self._asked_dimensions:
                options["dimension"] = self._asked_dimensions
            reply: Any = dashscope.TextEmbedding.call(
                self._server.model, texts, text_type=prefix.partition("=")[2], **options
            )
            check_reply(reply)
            rows = (reply.output or {}).get("embeddings") or ()
            return [(row["text_index"], row["embedding"]) for row in rows]
