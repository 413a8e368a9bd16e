"""From a name like "ollama:qwen3:8b" to a chat model, and the choice where none is named."""

from collections.abc import Callable

from rag import model_files
from rag.chat_models.base import ChatModel
from rag.errors import UsageError
from rag.providers.dashscope_api import dashscope_server
from rag.providers.ollama_api import ollama_server
from rag.providers.openai_api import openai_server
from rag.settings import Settings

BUILTIN_MODEL = "qwen2.5-coder-1.5b"
EXTRACTIVE = "extractive"


def make_chat_model(settings: Settings, id: str) -> ChatModel:
    """The chat model "provider:model"; nothing is loaded or asked yet.

    Raises UsageError for a name nobody knows, ProviderError for a missing key or model file.
    """
    provider, _, model = id.partition(":")
    if provider not in _PROVIDERS or not model:
        raise UsageError(
            "There is no chat model {id}. Name it as provider:model; the providers are {providers}.",
            id=repr(id),
            providers=", ".join(_PROVIDERS),
        )
    return _PROVIDERS[provider](settings, model)


def choose_chat_model(settings: Settings) -> ChatModel | None:
    """The configured model, else one of a local Ollama, else the built-in one; None means passages only.

    Raises as make_chat_model does, for a configured model.
    """
    if settings.chat_model == EXTRACTIVE:
        return None
    if settings.chat_model:
        return make_chat_model(settings, settings.chat_model)
    from rag.chat_models.ollama import local_ollama

    if models := local_ollama(settings):
        return make_chat_model(settings, f"ollama:{models[0]}")
    if model_files.installed(settings, BUILTIN_MODEL):
        return make_chat_model(settings, f"builtin:{BUILTIN_MODEL}")
    return None


def _openai(settings: Settings, model: str) -> ChatModel:
    from rag.chat_models.openai import OpenAIChat

    return OpenAIChat(openai_server(settings, model))


def _dashscope(settings: Settings, model: str) -> ChatModel:
    from rag.chat_models.dashscope import DashScopeChat

    return DashScopeChat(dashscope_server(settings, model))


def _ollama(settings: Settings, model: str) -> ChatModel:
    from rag.chat_models.ollama import OllamaChat

    return OllamaChat(ollama_server(settings, model), keep_alive=settings.ollama_keep_alive)


def _builtin(settings: Settings, model: str) -> ChatModel:
    from rag.chat_models.builtin import BuiltinChat

    if model_files.known_model(model).task != "chat":
        raise UsageError("{model} is an embedder, not a chat model.", model=model)
    # Reading a prompt on one core takes longer than any server far away.
    timeout = max(settings.request_timeout, 300.0)
    return BuiltinChat(model, gguf=model_files.model_path(settings, model), timeout=timeout)


_PROVIDERS: dict[str, Callable[[Settings, str], ChatModel]] = {
    "builtin": _builtin,
    "ollama": _ollama,
    "openai": _openai,
    "dashscope": _dashscope,
}
