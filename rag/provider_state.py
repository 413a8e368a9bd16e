"""Which providers can be used now, what each offers, and what to do where one cannot be used."""

import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, Literal, TypeAlias

from rag import model_files
from rag.chat_models.ollama import local_ollama
from rag.documents import Notice
from rag.errors import ProviderError
from rag.model_catalogue import Task
from rag.providers.dashscope_api import dashscope_server
from rag.providers.failures import Failure, Kind, Server, explained, failure_of_status, missing_key
from rag.providers.ollama_api import LOOK_SECONDS, is_cloud_model, ollama_server, quick_look
from rag.providers.openai_api import openai_server
from rag.settings import Settings

State: TypeAlias = Literal["ready", "no key", "no server", "not installed"]

_STATES: Mapping[Kind, State] = {Kind.ACCESS: "no key", Kind.BUSY: "ready"}

_DASHSCOPE_TASKS: tuple[Task, ...] = ("embedding", "multimodal", "chat")

_TORCH = {
    "sentence-transformers": ("torch", "sentence_transformers"),
    "transformers": ("torch", "transformers"),
    "clip": ("torch", "transformers"),
}


@dataclass(frozen=True, slots=True)
class ProviderModel:
    """A model that a provider has ready; `tasks` are those it may be for, `bytes` its size, if told."""

    name: str
    tasks: tuple[Task, ...]
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class ProviderState:
    """Whether a provider can be used for `tasks`; `notice` says what to do next, or None.

    `models` are those that it says it has, not all it could run. `host` is where texts are sent, "" where
    they are not; `is_local` tells whether they stay on this machine.
    """

    provider: str
    tasks: tuple[Task, ...]
    state: State
    notice: Notice | None = None
    models: tuple[ProviderModel, ...] = ()
    host: str = ""
    is_local: bool = True


def provider_states(settings: Settings) -> list[ProviderState]:
    """Every provider's state, this machine's first. It takes at most about LOOK_SECONDS and never raises.

    `builtin` comes twice, for its embedders and for its chat models.
    """
    import httpx  # noqa: F401 - the first imports take longer than a look
    import ollama  # noqa: F401

    ollama_state, openai_state = _at_once(lambda: _ollama(settings), lambda: _openai(settings))
    return [
        _builtin(settings, "embedding"),
        _builtin(settings, "chat"),
        ollama_state or _no_ollama(settings),
        *(_torch(provider) for provider in _TORCH),
        _chroma(),
        openai_state or _unanswered(openai_server(settings, "")),
        _dashscope(settings),
    ]


def _at_once(*looks: Callable[[], Any]) -> list[Any]:
    """What each look gives within LOOK_SECONDS, all taken at the same time; None for one that is late."""
    found: list[Any] = [None] * len(looks)

    def take(number: int) -> None:
        found[number] = looks[number]()

    # Name look-ups know no time-out, so a late thread is left behind rather than waited for.
    threads = [threading.Thread(target=take, args=(number,), daemon=True) for number in range(len(looks))]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + LOOK_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return list(found)


def _builtin(settings: Settings, task: Literal["embedding", "chat"]) -> ProviderState:
    try:
        here = tuple(ProviderModel(name, (task,), size) for name, size in _installed(settings, task).items())
    except OSError as error:
        unreadable = Notice(
            "The models folder {folder} cannot be read: {reason}. "
            "Check its permissions, or set RAG_MODELS_DIR.",
            {"folder": str(settings.models_dir), "reason": error.strerror or str(error)},
        )
        return ProviderState("builtin", (task,), "not installed", unreadable)
    if here:
        return ProviderState("builtin", (task,), "ready", models=here)
    default = next(each.name for each in model_files.MODELS.values() if each.task == task and each.default)
    install = Notice("The model {name} is not installed. Run: rag models install {name}", {"name": default})
    return ProviderState("builtin", (task,), "not installed", install)


def _installed(settings: Settings, task: str) -> dict[str, int | None]:
    """The installed models for a task with their download's size; folders of the user's own embed."""
    known = {
        each.model.name: each.model.size
        for each in model_files.state(settings)
        if each.installed and each.model.task == task
    }
    if task == "chat" or not settings.models_dir.is_dir():
        return dict(known)
    folders = sorted(folder.name for folder in settings.models_dir.iterdir() if folder.is_dir())
    own = (name for name in folders if name not in model_files.MODELS)
    return {**known, **{name: None for name in own if model_files.installed(settings, name)}}


def _ollama(settings: Settings) -> ProviderState:
    server = ollama_server(settings, "")
    chats, listed = _at_once(
        lambda: local_ollama(settings), lambda: quick_look(server, lambda client: client.list().models)
    )
    if listed is None:
        return _no_ollama(settings)
    models = tuple(
        ProviderModel(each.model, _ollama_tasks(each.model, chats), each.size)
        for each in listed
        if each.model and not is_cloud_model(each.model)
    )
    empty = Notice("Ollama has no models yet. Run: ollama pull {model}", {"model": "bge-m3"})
    return _of(server, "ollama", "ready", None if models else empty, models)


def _ollama_tasks(name: str, chats: list[str] | None) -> tuple[Task, ...]:
    if chats is None:
        return "embedding", "chat"
    return ("chat",) if name in chats else ("embedding",)


def _no_ollama(settings: Settings) -> ProviderState:
    server = ollama_server(settings, "")
    if server.is_local and not shutil.which("ollama"):
        install = Notice(
            "Ollama is not on this machine. Install it from {url}, or set {setting} to where it runs.",
            {"url": "https://ollama.com/download", "setting": server.url_setting},
        )
        return _of(server, "ollama", "not installed", install)
    start = Notice(
        "No Ollama answers at {url}. Start it with “ollama serve”, or set {setting} to where it runs.",
        {"url": server.shown_url, "setting": server.url_setting},
    )
    return _of(server, "ollama", "no server", start)


def _torch(provider: str) -> ProviderState:
    tasks: tuple[Task, ...] = ("embedding", "multimodal") if provider == "clip" else ("embedding",)
    missing = next((package for package in _TORCH[provider] if not find_spec(package)), None)
    if missing is None:
        return ProviderState(provider, tasks, "ready")
    install = Notice(
        "{model} needs the package {package}. In Passage's environment (.venv), run: "
        "pip install 'passage[sentence-transformers]'",
        {"model": provider, "package": missing},
    )
    return ProviderState(provider, tasks, "not installed", install)


def _chroma() -> ProviderState:
    later = Notice("Its default model is downloaded when it is first used.")
    return ProviderState("chroma", ("embedding",), "ready", later)


def _openai(settings: Settings) -> ProviderState:
    try:
        server = openai_server(settings, "")
    except ProviderError as no_key:
        return ProviderState("openai", ("embedding", "chat"), "no key", Notice.of(no_key))
    if not settings.openai_base_url:
        return _of(server, "openai", "ready")
    try:
        return _of(server, "openai", "ready", models=_listed(server))
    except Failure as failure:
        if failure.kind is Kind.TIMEOUT:
            return _unanswered(server)
        error = explained(failure, server, begun=False)
        if failure.kind is Kind.ACCESS and not server.key:
            error = missing_key(server.name, "OPENAI_API_KEY", "openai_api_key")
        return _of(server, "openai", _STATES.get(failure.kind, "no server"), Notice.of(error))


def _listed(server: Server) -> tuple[ProviderModel, ...]:
    """The models a server with OpenAI's API lists; none where it keeps no list. Raises Failure."""
    import httpx

    headers = {"Authorization": f"Bearer {server.key.get_secret_value()}"} if server.key else {}
    try:
        with httpx.Client(
            timeout=LOOK_SECONDS, trust_env=not server.is_local, follow_redirects=True
        ) as client:
            reply = client.get(f"{server.url.rstrip('/')}/models", headers=headers)
        if reply.status_code in (404, 405):
            return ()
        if not reply.is_success:
            raise failure_of_status(reply.status_code, reply.reason_phrase)
        return tuple(ProviderModel(str(each["id"]), ("embedding", "chat")) for each in reply.json()["data"])
    except httpx.TimeoutException as error:
        raise Failure(Kind.TIMEOUT) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Failure(Kind.UNREACHABLE, error) from error
    except UnicodeEncodeError as error:
        raise Failure(Kind.ACCESS, Notice("the key contains characters that are not allowed")) from error
    except (ValueError, TypeError, LookupError) as error:
        raise Failure(Kind.FORMAT, error) from error


def _unanswered(server: Server) -> ProviderState:
    """A server on this machine that is late is not there; one far away may only be slow."""
    late = Notice(
        "{server} has not answered at {url} within {seconds} seconds: it is slow, or not running.",
        {"server": server.name, "url": server.shown_url, "seconds": f"{LOOK_SECONDS:g}"},
    )
    return _of(server, "openai", "no server" if server.is_local else "ready", late)


def _dashscope(settings: Settings) -> ProviderState:
    try:
        return replace(_of(dashscope_server(settings, ""), "dashscope", "ready"), tasks=_DASHSCOPE_TASKS)
    except ProviderError as error:
        return ProviderState("dashscope", _DASHSCOPE_TASKS, "no key", Notice.of(error))


def _of(
    server: Server,
    provider: str,
    state: State,
    notice: Notice | None = None,
    models: tuple[ProviderModel, ...] = (),
) -> ProviderState:
    """The state of a provider behind a server, which embeds and chats."""
    return ProviderState(
        provider, ("embedding", "chat"), state, notice, models, server.host, is_local=server.is_local
    )
