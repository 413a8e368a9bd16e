"""Makes the embedder that a name like "builtin:multilingual-e5-small" means."""

from collections.abc import Callable, Mapping

from rag.embedders.base import Embedder
from rag.errors import UsageError
from rag.settings import Settings

MOST_DIMENSIONS = 65_536


def make_embedder(settings: Settings, id: str) -> Embedder:
    """The embedder "provider:model"; loads nothing yet.

    Raises UsageError naming the known providers, or ProviderError if the model is not there.
    """
    provider, _, model = id.partition(":")
    if provider not in _PROVIDERS or not model:
        raise UsageError(
            "There is no embedder {id}. Name it as provider:model; the providers are {providers}.",
            id=id,
            providers=", ".join(_PROVIDERS),
        )
    return _PROVIDERS[provider](settings, model)


def _builtin(settings: Settings, model: str) -> Embedder:
    from rag.embedders.builtin import BuiltinEmbedder
    from rag.model_files import MODELS, model_path

    if model in MODELS and MODELS[model].task != "embedding":
        raise UsageError("{model} is a chat model, not an embedder.", model=model)
    return BuiltinEmbedder(model_path(settings, model), engine=settings.embedder_engine)


def _openai(settings: Settings, model: str) -> Embedder:
    from rag.embedders.openai import OpenAIEmbedder
    from rag.providers.openai_api import openai_server

    name, dimensions = _dimensions(model)
    return OpenAIEmbedder(openai_server(settings, name), dimensions=dimensions)


def _ollama(settings: Settings, model: str) -> Embedder:
    from rag.embedders.ollama import OllamaEmbedder
    from rag.providers.ollama_api import ollama_server

    name, dimensions = _dimensions(model)
    return OllamaEmbedder(
        ollama_server(settings, name), dimensions=dimensions, keep_alive=settings.ollama_keep_alive
    )


def _dashscope(settings: Settings, model: str) -> Embedder:
    from rag.embedders.dashscope import DashScopeEmbedder
    from rag.embedders.dashscope_multimodal import DashScopeMultimodalEmbedder, is_multimodal
    from rag.providers.dashscope_api import dashscope_server

    name, dimensions = _dimensions(model)
    kind = DashScopeMultimodalEmbedder if is_multimodal(name) else DashScopeEmbedder
    return kind(dashscope_server(settings, name), dimensions=dimensions)


def _dimensions(model: str) -> tuple[str, int | None]:
    """A model's name and the length of vectors asked for in it: "text-embedding-3-large?dimensions=256"."""
    name, asked, number = model.partition("?dimensions=")
    if not asked:
        return model, None
    if not number.isascii() or not number.isdigit() or not 0 < int(number) <= MOST_DIMENSIONS:
        raise UsageError(
            "The dimensions of {model} should be a number between 1 and {most}.",
            model=model,
            most=MOST_DIMENSIONS,
        )
    return name, int(number)


def _sentence_transformers(settings: Settings, model: str) -> Embedder:
    from rag.embedders.sentence_transformers import SentenceTransformersEmbedder

    return SentenceTransformersEmbedder(model, cache=settings.models_dir / "hub", hub_url=settings.hub_url)


def _transformers(settings: Settings, model: str) -> Embedder:
    from rag.embedders.transformers import TransformersEmbedder

    return TransformersEmbedder(model, cache=settings.models_dir / "hub", hub_url=settings.hub_url)


def _clip(settings: Settings, model: str) -> Embedder:
    from rag.embedders.clip import ClipEmbedder

    return ClipEmbedder(model, cache=settings.models_dir / "hub", hub_url=settings.hub_url)


def _chroma(_settings: Settings, model: str) -> Embedder:
    from rag.embedders.chroma import ChromaEmbedder

    return ChromaEmbedder(model)


_PROVIDERS: Mapping[str, Callable[[Settings, str], Embedder]] = {
    "builtin": _builtin,
    "sentence-transformers": _sentence_transformers,
    "transformers": _transformers,
    "openai": _openai,
    "ollama": _ollama,
    "dashscope": _dashscope,
    "chroma": _chroma,
    "clip": _clip,
}
