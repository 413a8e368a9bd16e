"""Makes the embedder that a name like "builtin:multilingual-e5-small" means."""

from collections.abc import Callable, Mapping

from rag.embedders.base import Embedder
from rag.errors import UsageError
from rag.settings import Settings


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


_PROVIDERS: Mapping[str, Callable[[Settings, str], Embedder]] = {"builtin": _builtin}
