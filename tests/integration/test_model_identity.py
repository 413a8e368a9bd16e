"""A model is known by its vectors: one that was replaced under its name is refused, with a way on."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.answering import Answer
from rag.engine import Engine
from rag.errors import ProviderError
from rag.retrieval import Query
from tests import provider_server as server_module
from tests.provider_server import ProviderServer, settings_at

provider_server = server_module.provider_server

MODEL = "openai:embedder-x"


@pytest.fixture
def engine(tmp_path: Path, provider_server: ProviderServer) -> Iterator[Engine]:
    with open_at(tmp_path, provider_server) as opened:
        collection = opened.create_collection("books")
        jobs = [opened.add_file(collection, "rules.txt", io.BytesIO(b"Books may be kept for four weeks."))]
        assert [job.state for job in opened.run_jobs(jobs)] == ["done"]
        yield opened


def open_at(folder: Path, server: ProviderServer) -> Engine:
    return Engine(settings_at(server.url, data_dir=folder, embedder=MODEL, chat_model="extractive"))


def names(engine: Engine, mode: str = "dense") -> list[str]:
    query = Query("How long?", mode=mode)  # type: ignore[arg-type]
    return [passage.name for passage in engine.search(engine.collection("books"), query).passages]


def test_the_same_model_is_known_again(
    engine: Engine, tmp_path: Path, provider_server: ProviderServer
) -> None:
    fingerprint = engine.collection("books").fingerprint
    assert fingerprint.revision  # the server tells none: the canary's
    engine.close()
    with open_at(tmp_path, provider_server) as again:
        assert names(again) == ["rules.txt"]
        assert again.create_collection("more").fingerprint == fingerprint


def test_a_replaced_model_is_refused_and_both_are_named(
    engine: Engine, tmp_path: Path, provider_server: ProviderServer
) -> None:
    first = engine.collection("books").fingerprint
    engine.close()
    provider_server.weights = "other"
    with open_at(tmp_path, provider_server) as again:
        with pytest.raises(ProviderError) as refused:
            names(again)
        second = again.models.fingerprint(MODEL)
        for words in ("“books”", MODEL, first.revision, second.revision, "switch the collection"):
            assert words in str(refused.value)
        found = again.search(again.collection("books"), Query("How long may books be kept?"))
        assert (found.mode, [passage.name for passage in found.passages]) == ("keyword", ["rules.txt"])
        job = again.add_file(again.collection("books"), "new.txt", io.BytesIO(b"Dogs stay outside."))
        assert [each.state for each in again.run_jobs([job])] == ["failed"]


def test_the_way_on_is_to_switch_to_what_is_there_now(
    engine: Engine, tmp_path: Path, provider_server: ProviderServer
) -> None:
    first = engine.collection("books").fingerprint
    engine.close()
    provider_server.weights = "other"
    with open_at(tmp_path, provider_server) as again:
        again.switching.build(again.collection("books"), MODEL)
        again.switching.swap(again.collection("books"))
        assert names(again) == ["rules.txt"]
        assert again.collection("books").fingerprint != first
    provider_server.weights = ""
    with open_at(tmp_path, provider_server) as back:
        assert back.models.fingerprint(MODEL) == first
        with pytest.raises(ProviderError, match="answers under that name now"):
            names(back)


def test_a_server_that_is_away_leaves_the_words(
    engine: Engine, tmp_path: Path, provider_server: ProviderServer
) -> None:
    engine.close()
    settings = settings_at("http://127.0.0.1:1", data_dir=tmp_path, embedder=MODEL, chat_model="extractive")
    with Engine(settings) as alone:
        found = alone.search(alone.collection("books"), Query("How long may books be kept?"))
        assert [passage.name for passage in found.passages] == ["rules.txt"]
        assert found.mode == "keyword" and found.notices
        *_, last = alone.ask(alone.collection("books"), Query("How long may books be kept?"))
        assert isinstance(last, Answer)
        assert last.text == "“Books may be kept for four weeks.” [1]"
