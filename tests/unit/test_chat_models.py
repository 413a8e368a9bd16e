"""OpenAI, Ollama and DashScope against a real local server, on good days and bad ones."""

import traceback
from collections.abc import Generator
from dataclasses import replace
from typing import cast

import pytest
from pydantic import SecretStr

from rag.chat_models.base import ChatModel
from rag.chat_models.factory import make_chat_model
from rag.errors import ProviderError
from rag.providers.failures import Failure, Kind, Server, drop_secret
from rag.providers.openai_api import openai_server
from tests import provider_server as server_module
from tests.chat_model_conformance import QUESTION, ChatModelConformance
from tests.faults import HTML, Fault, cut, hang, status, stop
from tests.provider_server import KEY, PIECES, ProviderServer, settings_at

provider_server = server_module.provider_server

NOW = {"retry_after": "0"}
# Which model a provider is asked for, and where.
MODELS = {
    "openai": ("openai:m", server_module.OPENAI_CHAT),
    "ollama": ("ollama:qwen3:8b", server_module.OLLAMA_CHAT),
    "dashscope": ("dashscope:m", server_module.DASHSCOPE_CHAT),
}


def _chat(provider: str, url: str) -> ChatModel:
    return make_chat_model(settings_at(url), MODELS[provider][0])


def _name(provider: str, url: str) -> str:
    host = url.removeprefix("http://")
    return {"openai": f"{host} (OpenAI API)", "ollama": "Ollama", "dashscope": "DashScope"}[provider]


@pytest.fixture(params=MODELS)
def provider(request: pytest.FixtureRequest) -> str:
    return cast(str, request.param)


@pytest.fixture
def path(provider: str) -> str:
    return MODELS[provider][1]


@pytest.fixture
def chat(provider: str, provider_server: ProviderServer, monkeypatch: pytest.MonkeyPatch) -> ChatModel:
    monkeypatch.setenv("OLLAMA_API_KEY", KEY.get_secret_value())
    monkeypatch.setenv("OLLAMA_HOST", provider_server.url)
    return _chat(provider, provider_server.url)


class TestConformance(ChatModelConformance):
    pass


def test_the_answer_arrives_whole(chat: ChatModel) -> None:
    assert tuple(chat.stream(QUESTION)) == PIECES


def test_sends_the_conversation(chat: ChatModel, provider_server: ProviderServer) -> None:
    list(chat.stream(QUESTION))
    body = provider_server.requests[-1].body
    turns = body["input"]["messages"] if "input" in body else body["messages"]
    assert [(turn["role"], turn["content"]) for turn in turns] == [(m.role, m.content) for m in QUESTION]


@pytest.mark.parametrize(("kept", "sent"), [(None, None), ("10m", "10m"), ("-1", -1), ("0", 0)])
def test_ollama_is_told_how_long_to_keep_the_model(
    kept: str | None, sent: str | int | None, provider_server: ProviderServer
) -> None:
    settings = settings_at(provider_server.url, ollama_keep_alive=kept)
    list(make_chat_model(settings, "ollama:qwen3:8b").stream(QUESTION))
    assert provider_server.requests[-1].body.get("keep_alive") == sent


def test_closing_the_stream_hangs_up(chat: ChatModel, path: str, provider_server: ProviderServer) -> None:
    provider_server.script(path, [hang(after=2)])
    stream = cast(Generator[str], chat.stream(QUESTION))
    assert next(stream) == PIECES[0]
    assert not provider_server.requests[-1].disconnected.is_set()
    stream.close()
    assert provider_server.requests[-1].disconnected.wait(5)


FAULTS: dict[str, tuple[list[Fault], str]] = {
    "wrong key": (
        [status(401, "bad key sk-secret-123")],
        "{name} refused the key (401: bad key ***). Check ",
    ),
    "no key": ([status(403)], "{name} refused the key (403: it went wrong). Check "),
    "busy": (
        [status(429, "slow down", **NOW)] * 3,
        "{name} takes no more questions now (429: slow down, Retry-After 0). Try again later.",
    ),
    "asks for too much patience": (
        [status(429, "slow down", retry_after="3600")],
        "{name} takes no more questions now (429: slow down, Retry-After 3600). Try again later.",
    ),
    "broken": (
        [status(500, "oops", **NOW)] * 3,
        "{name} reported an internal error (500: oops). Try again later.",
    ),
    "silent": ([hang()], "sent nothing for 0.5 seconds. Try again, or raise RAG_REQUEST_TIMEOUT."),
    "silent in the middle": (
        [hang(after=2)],
        "The answer broke off: {name} sent nothing more for 0.5 seconds. Ask again, or raise RAG_REQUEST_",
    ),
    "cut": ([cut(after=2)], "The answer broke off: {name} stopped in the middle ("),
    "cut cleanly": (
        [cut(after=2, cleanly=True)],
        "The answer broke off: {name} stopped in the middle (the connection closed early). Ask again.",
    ),
    "a web page": ([HTML], " does not answer as {name} does ("),
    "empty": ([stop()], "{name} returned an empty answer with "),
    "out of length": (
        [stop(after=2, finish="length")],
        "reached its length limit. Ask a narrower question.",
    ),
    "odd request": ([status(400, "no such option")], "{name} refused the request (400: no such option)."),
    "too long": ([status(400, "maximum context length is 8")], "Question and passages are too long for "),
}


@pytest.mark.parametrize("case", FAULTS)
def test_says_what_went_wrong(
    case: str, provider: str, chat: ChatModel, path: str, provider_server: ProviderServer
) -> None:
    faults, message = FAULTS[case]
    provider_server.script(path, faults)
    pieces: list[str] = []
    with pytest.raises(ProviderError) as caught:
        pieces.extend(chat.stream(QUESTION))
    assert message.format(name=_name(provider, provider_server.url)) in str(caught.value)
    assert len(provider_server.requests) == len(faults)
    assert KEY.get_secret_value() not in "".join(traceback.format_exception(caught.value))


def test_keeps_what_had_already_come(chat: ChatModel, path: str, provider_server: ProviderServer) -> None:
    provider_server.script(path, [cut(after=2)])
    pieces: list[str] = []
    with pytest.raises(ProviderError):
        for piece in chat.stream(QUESTION):
            pieces.append(piece)
    assert tuple(pieces) == PIECES[:2]


@pytest.mark.parametrize("fault", [status(429, **NOW), status(500, **NOW), status(503, **NOW), cut()])
def test_tries_again_before_the_first_piece(
    fault: Fault, chat: ChatModel, path: str, provider_server: ProviderServer
) -> None:
    provider_server.script(path, [fault])
    assert tuple(chat.stream(QUESTION)) == PIECES


def test_nobody_there(provider: str) -> None:
    with ProviderServer() as server:
        url = server.url
    with pytest.raises(ProviderError) as caught:
        list(_chat(provider, url).stream(QUESTION))
    assert str(caught.value).startswith(f"{_name(provider, url)} cannot be reached at {url}")
    assert f"RAG_{provider.upper()}_" in str(caught.value)


@pytest.mark.parametrize(
    ("provider", "fault", "message"),
    [
        (
            "openai",
            status(404, "The model m does not exist", error="model_not_found"),
            "m is not available to you at ",
        ),
        (
            "openai",
            status(404, "Not Found"),
            "does (404: Not Found). Check the address in RAG_OPENAI",
        ),
        (
            "openai",
            status(429, "pay", error="insufficient_quota"),
            "(OpenAI API) quota is used up (429: pay)",
        ),
        ("openai", stop(after=1, finish="content_filter"), "refused to answer by its content rules"),
        (
            "ollama",
            status(404, "model 'qwen3:8b' not found"),
            "has no model qwen3:8b. Run: ollama pull qwen3:8b",
        ),
        ("dashscope", status(400, "Model not exist.", error="InvalidParameter"), "m is not available to you"),
        (
            "dashscope",
            status(400, "unsafe", error="DataInspectionFailed"),
            "by its content rules (400: unsafe)",
        ),
        ("dashscope", status(400, "pay", error="Arrearage"), "Your DashScope quota is used up"),
    ],
)
def test_vendors_own_errors(
    provider: str, fault: Fault, message: str, chat: ChatModel, path: str, provider_server: ProviderServer
) -> None:
    provider_server.script(path, [fault])
    with pytest.raises(ProviderError) as caught:
        list(chat.stream(QUESTION))
    assert message in str(caught.value)
    assert len(provider_server.requests) == 1


def test_temperature_is_left_out_where_the_model_wants_its_own(provider_server: ProviderServer) -> None:
    refusal = replace(status(400, "Unsupported value: 'temperature'"), param="temperature")
    provider_server.script(server_module.OPENAI_CHAT, [refusal])
    assert tuple(_chat("openai", provider_server.url).stream(QUESTION)) == PIECES
    assert ["temperature" in request.body for request in provider_server.requests] == [True, False]


def test_ollama_is_asked_for_a_window_that_holds_the_passages(provider_server: ProviderServer) -> None:
    chat = _chat("ollama", provider_server.url)
    list(chat.stream(QUESTION))
    assert provider_server.requests[-1].body["options"]["num_ctx"] > chat.context_tokens


def test_no_proxy_comes_between_this_machine_and_itself(
    chat: ChatModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert tuple(chat.stream(QUESTION)) == PIECES


def test_a_password_in_an_address_is_not_shown() -> None:
    server = Server("S", "https://me:hunter2@host:1/v1", "m", 1)
    assert server.shown_url == "https://host:1/v1"


@pytest.mark.parametrize(
    ("url", "shown", "host"),
    [
        ("htp://me:hunter2@host:1", "htp://host:1", "host:1"),
        ("me:hunter2@host:1/v1", "host:1/v1", "host:1"),
        ("http://me:hunter2@host?next=http://other/", "http://host?next=http://other/", "host"),
        ("http://host/@v1", "http://host/@v1", "host"),
        ("http://[abc", "http://[abc", "[abc"),
    ],
)
def test_what_is_shown_of_an_address(url: str, shown: str, host: str) -> None:
    server = Server("S", url, "m", 1)
    assert (server.shown_url, server.host) == (shown, host)
    assert "hunter2" not in str(server.masked(f"No adapters for '{url}'"))


def test_an_openai_server_is_named_without_the_password() -> None:
    server = openai_server(settings_at("http://me:hunter2@127.0.0.1:1"), "m")
    assert server.name == "127.0.0.1:1 (OpenAI API)"


@pytest.mark.parametrize("key", ["sk-one\r", "sk-one\r\nsk-two", "sk-one\0sk-two", " sk-one"])
def test_a_key_that_the_sdk_quotes_is_masked(key: str) -> None:
    server = Server("S", "http://127.0.0.1:1/v1", "m", 1, SecretStr(key))
    quoted = ValueError(f"Illegal header value {f'Bearer {key}'.encode()!r}")
    assert "sk-" not in str(server.masked(str(quoted)))
    outer = ConnectionError("Connection error.")
    outer.__cause__ = quoted
    failure = Failure(Kind.CUT, f"{quoted} {key}")
    failure.__cause__ = outer
    drop_secret(failure, server)
    assert "sk-" not in "".join(traceback.format_exception(failure)) + str(failure.detail)


@pytest.mark.parametrize("provider", ["openai", "dashscope"])
def test_a_wrong_address_with_a_password_is_told_without(provider: str) -> None:
    settings = settings_at("http://127.0.0.1:1").model_copy(
        update={f"{provider}_base_url": "htp://me:hunter2@127.0.0.1:1"}
    )
    with pytest.raises(ProviderError) as caught:
        list(make_chat_model(settings, MODELS[provider][0]).stream(QUESTION))
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
