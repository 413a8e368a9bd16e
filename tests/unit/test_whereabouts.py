"""What is said to stay on this computer does, whichever model and store is elsewhere."""

from itertools import product
from pathlib import Path

import pytest

from rag.cli.common import tell_where_texts_go
from rag.engine import open_engine
from rag.errors import UsageError
from rag.settings import load_settings

EMBEDDERS = {"chroma:default": None, "dashscope:text-embedding-v4": (
    "Texts and questions are sent to dashscope.aliyuncs.com, "
    "for about 0.5 CNY (2025-08-14) a million tokens."
), "ollama:bge-m3": "Texts and questions are sent to gpu.example:11434."}  # fmt: skip
CHAT_MODELS = {
    "extractive": None,
    "ollama:qwen3:8b": (
        "Questions and the passages found are sent to gpu.example:11434, where ollama:qwen3:8b answers."
    ),
    "ollama:gpt-oss:120b-cloud": (
        "Questions and the passages found are sent to ollama.com, where ollama:gpt-oss:120b-cloud answers."
    ),
    "openai:m": None,  # the server with OpenAI's API is on this machine
    "builtin:nobody": "Where questions go cannot be told yet. There is no built-in model nobody.",
}  # fmt: skip
STORES = {None: None, "http://localhost:8000": None, "https://me:hunter2@chroma.example:8000": (
    "Vectors, and the names and other details of documents, are kept by the Chroma server at "
    "chroma.example:8000."
)}  # fmt: skip


@pytest.mark.parametrize(("embedder", "chat", "store"), list(product(EMBEDDERS, CHAT_MODELS, STORES)))
def test_who_gets_what_is_told_in_full(embedder: str, chat: str, store: str | None, tmp_path: Path) -> None:
    settings = load_settings(
        data_dir=tmp_path,
        chat_model=chat,
        chroma_url=store,
        ollama_host="http://gpu.example:11434",
        openai_base_url="http://127.0.0.1:1/v1",
        dashscope_api_key="k",
    )
    expected = [each for each in (EMBEDDERS[embedder], CHAT_MODELS[chat], STORES[store]) if each]
    with open_engine(settings) as engine:
        told = [str(notice) for notice in engine.receivers(embedder)]
    assert len(told) == len(expected)
    assert all(said.startswith(words) for said, words in zip(told, expected, strict=True)), told


def test_an_embedder_that_cannot_be_had_is_an_error(tmp_path: Path) -> None:
    with open_engine(load_settings(data_dir=tmp_path)) as engine, pytest.raises(UsageError):
        engine.receivers("nobody:model")


@pytest.mark.parametrize(
    ("embedder", "cost"),
    [
        ("openai:text-embedding-3-small", (0.02, "USD")),
        ("dashscope:text-embedding-v4?dimensions=256", (0.5, "CNY")),
        ("dashscope:tongyi-embedding-vision-plus", (0.09, "USD")),
        ("openai:nobody-knows", None),
        ("chroma:default", None),
    ],
)
def test_what_a_million_tokens_cost(
    embedder: str, cost: tuple[float, str] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    settings = load_settings(data_dir=tmp_path, openai_api_key="k", dashscope_api_key="k")
    with open_engine(settings) as engine:
        told = engine.models.cost_of(embedder, 1_000_000)
        assert told == (pytest.approx(cost[0]), cost[1]) if cost else told is None


def test_a_server_on_this_machine_costs_nothing(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, openai_base_url="http://localhost:1/v1")
    with open_engine(settings) as engine:
        assert engine.models.cost_of("openai:text-embedding-3-small", 1_000_000) is None


@pytest.mark.parametrize(
    ("embedder", "tokens", "told"),
    [
        (
            "dashscope:text-embedding-v4",
            356_000,
            "Texts and questions are sent to dashscope.aliyuncs.com, for about 0.5 CNY (2025-08-14) a "
            "million tokens.\nAbout 356,000 tokens, about 0.18 CNY.\n",
        ),
        ("ollama:bge-m3", 1000, "Texts and questions are sent to gpu.example:11434.\nAbout 1,000 tokens.\n"),
        ("ollama:bge-m3", None, "Texts and questions are sent to gpu.example:11434.\n"),
        ("chroma:default", 1000, ""),
        ("openai:nobody", 1000, ""),
    ],
)
def test_the_command_tells_before_a_remote_model_embeds(
    embedder: str,
    tokens: int | None,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    settings = load_settings(data_dir=tmp_path, ollama_host="http://gpu.example:11434", dashscope_api_key="k")
    with open_engine(settings) as engine:
        tell_where_texts_go(engine, embedder, tokens)
    assert tuple(capsys.readouterr()) == ("", told)
