"""Which chat model is made from a name, and which is chosen where none is named."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rag.chat_models.factory import choose_chat_model, make_chat_model
from rag.chat_models.ollama import OllamaChat, local_ollama, parameter_count
from rag.engine import open_engine
from rag.errors import ProviderError, UsageError
from rag.model_files import install
from rag.providers.ollama_api import ollama_server
from rag.settings import Settings, load_settings
from tests import provider_server as server_module
from tests.faults import HTML, hang
from tests.provider_server import ProviderServer, ollama_model

provider_server = server_module.provider_server

NOWHERE = "http://127.0.0.1:1"
VENDOR_VARIABLES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "DASHSCOPE_API_KEY", "OLLAMA_HOST", "RAG_CHAT_MODEL")

MakeSettings = Callable[..., Settings]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeSettings]:
    """Settings with no key, no model and no Ollama, but for what a test gives."""
    for name in VENDOR_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    yield lambda **given: load_settings(**{"ollama_host": NOWHERE, "models_dir": tmp_path, **given})


@pytest.mark.parametrize("id", ["openai:gpt-x:1", "dashscope:qwen-plus", "ollama:qwen3:8b"])
def test_makes_what_is_named(id: str, settings: MakeSettings) -> None:
    keys = {"openai_api_key": "k", "dashscope_api_key": "k"}
    assert make_chat_model(settings(**keys), id).id == id


@pytest.mark.parametrize("id", ["gpt-4o", "nobody:model", "openai:", ""])
def test_an_unknown_name_lists_the_providers(id: str, settings: MakeSettings) -> None:
    with pytest.raises(UsageError, match="builtin, ollama, openai, dashscope"):
        make_chat_model(settings(), id)


@pytest.mark.parametrize(
    ("id", "names"),
    [
        ("openai:gpt-x", ("OPENAI_API_KEY", "openai_api_key")),
        ("dashscope:qwen-plus", ("DASHSCOPE_API_KEY", "dashscope_api_key")),
    ],
)
def test_a_missing_key_names_where_it_goes(id: str, names: tuple[str, ...], settings: MakeSettings) -> None:
    with pytest.raises(ProviderError) as caught:
        make_chat_model(settings(), id)
    assert all(name in str(caught.value) for name in names)


def test_a_server_of_ones_own_needs_no_key(settings: MakeSettings) -> None:
    assert make_chat_model(settings(openai_base_url=f"{NOWHERE}/v1"), "openai:m").id == "openai:m"


def test_the_builtin_model_must_be_installed(settings: MakeSettings) -> None:
    with pytest.raises(ProviderError, match="rag models install qwen"):
        make_chat_model(settings(), "builtin:qwen2.5-coder-1.5b")


def test_an_embedder_cannot_chat(settings: MakeSettings) -> None:
    with pytest.raises(UsageError, match="is an embedder"):
        make_chat_model(settings(), "builtin:multilingual-e5-small")


def test_what_is_configured_comes_first(settings: MakeSettings, provider_server: ProviderServer) -> None:
    chat = choose_chat_model(
        settings(chat_model="openai:m", openai_api_key="k", ollama_host=provider_server.url)
    )
    assert chat
    assert chat.id == "openai:m"


@pytest.mark.usefixtures("unhurried")
def test_then_a_local_ollama(settings: MakeSettings, provider_server: ProviderServer) -> None:
    chat = choose_chat_model(settings(ollama_host=provider_server.url))
    assert chat
    assert chat.id == "ollama:qwen3:8b"


def test_nothing_there_means_passages_only(settings: MakeSettings) -> None:
    assert choose_chat_model(settings()) is None


def test_extractive_means_passages_only(settings: MakeSettings, provider_server: ProviderServer) -> None:
    assert choose_chat_model(settings(chat_model="extractive", ollama_host=provider_server.url)) is None
    assert provider_server.requests == []


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize(
    ("name", "family", "chats"),
    [
        ("qwen3:8b", "qwen3", True),
        ("llama3.2:latest", "llama", True),
        ("hf.co/someone/gemma-3-gguf:q4", "gemma3", True),
        ("gpt-oss:120b-cloud", "gptoss", False),
        ("nomic-embed-text:latest", "nomic-bert", False),
        ("mxbai-embed-large:latest", "bert", False),
        ("bge-m3:latest", "bert", False),
        ("someone/bge-large-zh:latest", "other", False),
        ("all-minilm:l6", "bert", False),
        ("qwen3-embedding:0.6b", "qwen3", False),
    ],
)
def test_embedding_and_cloud_models_are_no_chat_models(
    name: str, family: str, chats: bool, settings: MakeSettings, provider_server: ProviderServer
) -> None:
    provider_server.ollama_models = [ollama_model(name, "1B", family)]
    assert local_ollama(settings(ollama_host=provider_server.url)) == ([name] if chats else [])


@pytest.mark.parametrize(
    ("given", "local"),
    [
        ({}, True),
        ({"chat_model": "extractive"}, True),
        ({"chat_model": "ollama:qwen3:8b"}, True),
        ({"chat_model": "ollama:gpt-oss:120b-cloud"}, False),
        ({"chat_model": "ollama:qwen3:8b", "ollama_host": "http://192.0.2.1:11434"}, False),
        ({"chat_model": "openai:m", "openai_base_url": "http://localhost:8000/v1"}, True),
        ({"chat_model": "openai:m", "openai_api_key": "k"}, False),
        ({"chat_model": "dashscope:m", "dashscope_api_key": "k"}, False),
        ({"chat_model": "openai:m"}, False),
        ({"chat_model": "extractive", "chroma_url": "http://192.0.2.1:8000"}, False),
        ({"chat_model": "extractive", "chroma_url": "http://127.0.0.1:8000"}, True),
    ],
)
def test_what_is_said_to_stay_on_this_computer_does(
    given: dict[str, str], local: bool, settings: MakeSettings, tmp_path: Path, models_dir: Path
) -> None:
    install(load_settings(models_dir=models_dir), "multilingual-e5-small")
    with open_engine(settings(data_dir=tmp_path, models_dir=models_dir, **given)) as engine:
        fingerprint = engine.models.embedder("builtin:multilingual-e5-small").fingerprint
        collection = engine.catalog.collections.create("books", fingerprint)
        assert engine.stays_here(collection) is local
        elsewhere = replace(collection, fingerprint=replace(fingerprint, provider="dashscope", model="m"))
        assert not engine.stays_here(elsewhere)


def test_an_ollama_that_is_not_there_or_not_one_is_none(
    settings: MakeSettings, provider_server: ProviderServer
) -> None:
    assert local_ollama(settings()) is None
    provider_server.script("/api/tags", [HTML])
    assert local_ollama(settings(ollama_host=provider_server.url)) is None


def test_a_silent_ollama_is_not_waited_for(settings: MakeSettings, provider_server: ProviderServer) -> None:
    local_ollama(settings())
    provider_server.script("/api/tags", [hang()])
    threads, start = set(threading.enumerate()), time.monotonic()
    assert local_ollama(settings(ollama_host=provider_server.url)) is None
    assert time.monotonic() - start < 1
    for thread in set(threading.enumerate()) - threads:
        thread.join(5)


@pytest.mark.parametrize(
    ("size", "follows"), [("8.2B", True), ("4.0B", True), ("3.2B", False), ("9M", False)]
)
def test_a_small_ollama_model_writes_no_markers(
    size: str, follows: bool, provider_server: ProviderServer
) -> None:
    provider_server.ollama_models = [ollama_model("m", size)]
    assert (
        OllamaChat(ollama_server(load_settings(ollama_host=provider_server.url), "m")).follows_citation_rules
        is follows
    )


def test_an_ollama_model_of_unknown_size_writes_no_markers() -> None:
    assert not OllamaChat(ollama_server(load_settings(ollama_host=NOWHERE), "m")).follows_citation_rules


def test_parameter_counts() -> None:
    assert parameter_count("7.6B") == 7.6e9
    assert parameter_count("134.52M") == pytest.approx(134.52e6)
    assert parameter_count("large") is None
    assert parameter_count(None) is None
