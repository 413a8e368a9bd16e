"""Rerankers of Alibaba Cloud's DashScope (Model Studio)."""

from collections.abc import Sequence
from typing import Any

from rag.providers.dashscope_api import check_reply, dashscope_call
from rag.providers.failures import Server
from rag.providers.requests import CallLimits
from rag.rerankers.remote import RemoteReranker, Row, rows_of

_WINDOW = 4000  # of one text; DashScope cuts what is longer
_TOKENS = 30_000  # of a request to gte-rerank-v2; others take more
_TEXTS = 100


class DashScopeReranker(RemoteReranker):
    """A model such as gte-rerank-v2 or qwen3-rerank."""

    provider = "dashscope"

    def __init__(self, server: Server) -> None:
        super().__init__(server, limits=CallLimits(texts=_TEXTS, tokens=_TOKENS), window=_WINDOW)

    def _ask(self, question: str, texts: list[str]) -> Sequence[Row]:
        import dashscope

        with dashscope_call(self._server) as options:
            reply: Any = dashscope.TextReRank.call(
                self._server.model, question, texts, return_documents=False, top_n=len(texts), **options
            )
            check_reply(reply)
            return rows_of((reply.output or {}).get("results"))
