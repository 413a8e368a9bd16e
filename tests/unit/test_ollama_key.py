"""OLLAMA_API_KEY goes to Ollama's company, or where the same environment points, and nowhere else."""

from collections.abc import Callable

import pytest

from rag.chat_models.factory import make_chat_model
from rag.chat_models.ollama import local_ollama
from rag.embedders.factory import make_embedder
from rag.errors import ProviderError
from rag.provider_state import provider_states
from rag.providers.ollama_api import ollama_server, pull
from rag.settings import Settings, load_settings
from tests.chat_model_conformance import QUESTION
from tests.faults import status
from tests.provider_server import KEY, OLLAMA_EMBED, ProviderServer, settings_at

SECRET = KEY.get_secret_value()

CALLS: dict[str, Callable[[Settings], object]] = {
    "embed": lambda settings: make_embedder(settings, "ollama:bge-m3").embed_query("q"),
    "fingerprint": lambda settings: make_embedder(settings, "ollama:bge-m3").fingerprint,
    "chat": lambda settings: list(make_chat_model(settings, "ollama:qwen3:8b").stream(QUESTION)),
    "size": lambda settings: make_chat_model(settings, "ollama:qwen3:8b").follows_citation_rules,
    "choice": local_ollama,
    "states": provider_states,
    "pull": lambda settings: pull(settings, "bge-m3", lambda *_: None),
}


@pytest.fixture(autouse=True)
def _a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", SECRET)
    for name in ("RAG_OLLAMA_HOST", "OLLAMA_HOST"):
        monkeypatch.delenv(name, raising=False)


def sent(server: ProviderServer) -> set[str | None]:
    """What came as authorisation with the requests in Ollama's format."""
    found = [each.headers.get("authorization") for each in server.requests if each.path.startswith("/api/")]
    assert found
    return set(found)


@pytest.mark.parametrize("call", CALLS)
def test_an_address_from_elsewhere_does_not_get_the_key(call: str, provider_server: ProviderServer) -> None:
    CALLS[call](settings_at(provider_server.url))
    assert sent(provider_server) == {None}


@pytest.mark.parametrize("variable", ["OLLAMA_HOST", "RAG_OLLAMA_HOST"])
@pytest.mark.parametrize("call", CALLS)
def test_the_environments_own_address_gets_it(
    call: str, variable: str, provider_server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, provider_server.url)
    CALLS[call](load_settings())
    assert sent(provider_server) == {f"Bearer {SECRET}"}


def test_an_address_typed_over_the_environments_does_not_get_it(
    provider_server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "http://gpu.example:11434")
    CALLS["embed"](load_settings(ollama_host=provider_server.url))
    assert sent(provider_server) == {None}


def test_a_name_in_the_address_does_not_bring_it(provider_server: ProviderServer) -> None:
    CALLS["embed"](load_settings(ollama_host=provider_server.url.replace("//", "//ollama.com:x@")))
    assert sent(provider_server) == {None}  # Ollama's SDK leaves names in addresses out


@pytest.mark.parametrize(
    ("url", "gets_it"),
    [
        ("https://ollama.com", True),
        ("https://api.ollama.com:443/", True),
        ("ollama.com", True),
        ("https://ollama.com.example.org", False),
        ("https://notollama.com", False),
        ("https://ollama.com@example.org", False),
        ("https://example.org/ollama.com", False),
        (None, False),
    ],
)
def test_ollamas_company_gets_it(url: str | None, gets_it: bool) -> None:
    key = ollama_server(load_settings(ollama_host=url), "m").key
    assert (key.get_secret_value() if key else None) == (SECRET if gets_it else None)


def test_a_server_that_wants_a_key_it_did_not_get_is_told_with_both_variables(
    provider_server: ProviderServer,
) -> None:
    provider_server.script(OLLAMA_EMBED, [status(401, "unauthorized")])
    with pytest.raises(ProviderError) as refused:
        CALLS["embed"](settings_at(provider_server.url))
    message = "Ollama refused the key (401: unauthorized). Check OLLAMA_API_KEY, OLLAMA_HOST."
    assert str(refused.value) == message
