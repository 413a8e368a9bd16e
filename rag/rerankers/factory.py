"""Makes the reranker that a name like "dashscope:qwen3-rerank" means."""

from collections.abc import Callable, Mapping

from rag.errors import ProviderError, UsageError
from rag.rerankers.base import Reranker
from rag.settings import Settings


def make_reranker(settings: Settings, id: str) -> Reranker:
    """The reranker "provider:model"; loads and asks nothing yet.

    Raises UsageError naming the known providers, or ProviderError for a missing key or address.
    """
    provider, _, model = id.partition(":")
    if provider not in _PROVIDERS or not model:
        raise UsageError(
            "There is no reranker {id}. Name it as provider:model, or say none; the providers are "
            "{providers}.",
            id=id,
            providers=", ".join(_PROVIDERS),
        )
    return _PROVIDERS[provider](settings, model)


def _sentence_transformers(settings: Settings, model: str) -> Reranker:
    from rag.rerankers.sentence_transformers import SentenceTransformersReranker

    return SentenceTransformersReranker(model, cache=settings.models_dir / "hub", hub_url=settings.hub_url)


def _openai(settings: Settings, model: str) -> Reranker:
    from rag.providers.openai_api import openai_server, server_at
    from rag.rerankers.openai import OpenAIReranker

    if settings.reranker_url:
        return OpenAIReranker(
            server_at(
                settings.reranker_url,
                model,
                timeout=settings.request_timeout,
                key=settings.reranker_key,
                url_setting="RAG_RERANKER_URL",
                key_setting="RAG_RERANKER_KEY",
            )
        )
    if not settings.openai_base_url:
        raise ProviderError(
            "OpenAI itself has no rerankers. Set RAG_RERANKER_URL to a server that has, or choose another "
            "reranker than {id}.",
            id=f"openai:{model}",
        )
    return OpenAIReranker(openai_server(settings, model))


def _dashscope(settings: Settings, model: str) -> Reranker:
    from rag.providers.dashscope_api import dashscope_server
    from rag.rerankers.dashscope import DashScopeReranker

    return DashScopeReranker(dashscope_server(settings, model))


_PROVIDERS: Mapping[str, Callable[[Settings, str], Reranker]] = {
    "sentence-transformers": _sentence_transformers,
    "openai": _openai,
    "dashscope": _dashscope,
}
