"""Which reranker is made from a name, with which key, and that none is used unless it was chosen."""

from pathlib import Path

import pytest

from rag.engine import Engine, open_engine
from rag.errors import ProviderError, UsageError
from rag.rerankers.factory import make_reranker
from rag.settings import load_settings
from rag.whereabouts import reranked_by
from tests.provider_server import KEY, OPENAI_RERANK, ProviderServer

VARIABLES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "DASHSCOPE_API_KEY", "RAG_RERANKER")


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("id", ["rerank", "nobody:model", "openai:", "ollama:bge-reranker", ""])
def test_an_unknown_name_lists_the_providers(id: str) -> None:
    with pytest.raises(UsageError, match="sentence-transformers, openai, dashscope"):
        make_reranker(load_settings(), id)


@pytest.mark.parametrize(
    ("id", "name"), [("dashscope:qwen3-rerank", "DASHSCOPE_API_KEY"), ("openai:m", "RAG_RERANKER_URL")]
)
def test_what_is_missing_is_named(id: str, name: str) -> None:
    with pytest.raises(ProviderError, match=name):
        make_reranker(load_settings(openai_api_key="k"), id)


def test_a_reranker_may_have_a_server_and_a_key_of_its_own(provider_server: ProviderServer) -> None:
    settings = load_settings(
        openai_base_url="http://127.0.0.1:1/v1",
        openai_api_key="sk-of-the-other-server",
        reranker_url=f"{provider_server.url}/v1",
        reranker_key=KEY,
    )
    assert make_reranker(settings, "openai:m").scores("a", ["a"]).tolist() == [1.0]
    without_key = settings.model_copy(update={"reranker_key": None})
    make_reranker(without_key, "openai:m").scores("a", ["a"])
    sent = [request.headers["authorization"] for request in provider_server.requests]
    assert sent == [f"Bearer {KEY.get_secret_value()}", "Bearer none"]


def test_an_address_of_its_own_that_is_wrong_is_named() -> None:
    settings = load_settings(reranker_url="http://127.0.0.1:1/v1", reranker_key=KEY)
    with pytest.raises(ProviderError, match="RAG_RERANKER_URL is right"):
        make_reranker(settings, "openai:m").scores("a", ["a"])


def opened(tmp_path: Path, **given: object) -> Engine:
    return open_engine(load_settings(data_dir=tmp_path, models_dir=tmp_path, **given))


@pytest.mark.parametrize("chosen", [None, "none"])
def test_there_is_none_unless_it_was_chosen(chosen: str | None, tmp_path: Path) -> None:
    with opened(tmp_path, reranker=chosen) as engine:
        assert engine.models.reranker() is None
        assert engine.models.reranker_id is None
        assert engine.models.measure_reranker() == 0.0


def test_it_is_made_once_and_anew_for_other_settings(
    tmp_path: Path, provider_server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_CONFIG", str(tmp_path / "rag.toml"))
    (tmp_path / "rag.toml").touch()
    here = f"{provider_server.url}/v1"
    with opened(tmp_path, reranker="openai:m", openai_base_url=here) as engine:
        first = engine.models.reranker()
        assert first is not None and first is engine.models.reranker("openai:m")
        assert engine.models.reranker("none") is None
        assert engine.models.measure_reranker() > 0
        assert {request.path for request in provider_server.requests} == {OPENAI_RERANK}
        engine.configure({"openai_base_url": "http://127.0.0.1:1/v1"}, save=False)
        assert engine.models.reranker() is not first


RECEIVERS = {
    "dashscope:qwen3-rerank": (
        "Questions and the passages found are sent to dashscope.aliyuncs.com, where dashscope:qwen3-rerank "
        "reranks them."
    ),
    "openai:m": None,
    "sentence-transformers:BAAI/bge-reranker-v2-m3": None,
    "nobody:model": "Where passages are reranked cannot be told yet. There is no reranker nobody:model.",
}


@pytest.mark.parametrize("reranker", RECEIVERS)
def test_who_gets_the_passages_is_told(reranker: str, tmp_path: Path) -> None:
    given = {"dashscope_api_key": "k", "openai_base_url": "http://127.0.0.1:1/v1", "chat_model": "extractive"}
    with opened(tmp_path, reranker=reranker, **given) as engine:
        told, expected = reranked_by(engine.models), RECEIVERS[reranker]
        receivers = [str(notice) for notice in engine.receivers("chroma:default")]
    assert str(told).startswith(expected) if expected else told is None
    assert receivers == ([str(told)] if expected else [])
