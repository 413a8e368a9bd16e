"""Rerankers behind an OpenAI-compatible server's /rerank, as vLLM, llama.cpp, Jina and others speak it."""

from collections.abc import Mapping, Sequence

from rag.providers.failures import Server
from rag.providers.openai_api import openai_client
from rag.providers.requests import CallLimits
from rag.rerankers.remote import RemoteReranker, Row, rows_of

# All candidates of a question in one request where they fit: some models compare texts with one another.
_LIMITS = CallLimits(texts=64, tokens=100_000)
_UNKNOWN_WINDOW = 512  # every common reranker reads as much


class OpenAIReranker(RemoteReranker):
    """A model of a server that takes {model, query, documents, top_n} and tells {index, relevance_score}."""

    provider = "openai"

    def __init__(self, server: Server) -> None:
        super().__init__(server, limits=_LIMITS, window=_UNKNOWN_WINDOW)

    def _ask(self, question: str, texts: list[str]) -> Sequence[Row]:
        body = {"model": self._server.model, "query": question, "documents": texts, "top_n": len(texts)}
        with openai_client(self._server) as client:
            reply = client.post("/rerank", cast_to=object, body=body)
            return rows_of(reply.get("results") if isinstance(reply, Mapping) else None)
