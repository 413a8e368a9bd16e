"""A model is known by its vectors: one that was replaced under its name is refused, with a way on."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag import models
from rag.answering import Answer
from rag.catalog import Job, vector_key
from rag.documents import Chunk
from rag.engine import Engine
from rag.errors import ProviderError
from rag.providers import retrying
from rag.retrieval import Query
from tests import provider_server as server_module
from tests.faults import WRONG_DIMENSION, Fault, cut, status
from tests.provider_server import ProviderServer, settings_at

provider_server = server_module.provider_server

MODEL = "openai:embedder-x"


@pytest.fixture
def engine(tmp_path: Path, provider_server: ProviderServer) -> Iterator[Engine]:
    with open_at(tmp_path, provider_server) as opened:
        collection = opened.create_collection("books")
        jobs = [opened.intake.add(collection, "rules.txt", io.BytesIO(b"Books may be kept for four weeks."))]
        assert [job.state for job in opened.intake.run(jobs)] == ["done"]
        yield opened


def open_at(folder: Path, server: ProviderServer) -> Engine:
    return Engine(
        settings_at(server.url, data_dir=folder, embedder=MODEL, chat_model="extractive", request_timeout=30)
    )


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
        job = again.intake.add(again.collection("books"), "new.txt", io.BytesIO(b"Dogs stay outside."))
        assert [each.state for each in again.intake.run([job])] == ["failed"]


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


def embedded(server: ProviderServer) -> list[list[str]]:
    """The texts of each request for vectors."""
    return [each.body["input"] for each in server.requests if each.path == server_module.OPENAI_EMBED]


def add(engine: Engine, text: str) -> Job:
    number = engine.intake.add(engine.collection("books"), "new.txt", io.BytesIO(text.encode()))
    [job] = engine.intake.run([number])
    return job


def test_a_server_is_asked_again_after_some_minutes_for_one_sentence(
    engine: Engine, provider_server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(engine)
    before = len(embedded(provider_server))
    names(engine)
    assert embedded(provider_server)[before:] == [["How long?"]]
    monkeypatch.setattr(models, "CHECK_SECONDS", 0.0)
    engine.models.fingerprint(MODEL)
    assert embedded(provider_server)[before + 1 :] == [[models.CANARY]]


def test_a_model_replaced_meanwhile_is_noticed_by_then(
    engine: Engine, provider_server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = engine.collection("books").fingerprint
    provider_server.weights = "other"
    monkeypatch.setattr(models, "CHECK_SECONDS", 0.0)
    with pytest.raises(ProviderError, match="answers under that name now") as refused:
        names(engine)
    second = engine.models.fingerprint(MODEL)
    assert first.revision in str(refused.value) and second.revision in str(refused.value)
    job = add(engine, "Dogs stay outside.")
    assert job.state == "failed" and "answers under that name now" in str(job.error)
    provider_server.weights = ""
    assert engine.models.fingerprint(MODEL) == first
    assert add(engine, "Dogs stay outside.").state == "done"


@pytest.mark.parametrize("fault", [cut(), status(503, retry_after="0")])
def test_a_server_started_anew_with_another_model_leaves_no_vector_behind(
    fault: Fault, engine: Engine, provider_server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying, "FIRST_WAIT", 0.0)
    names(engine)
    kept = engine.collection("books").fingerprint
    provider_server.script(server_module.OPENAI_EMBED, [fault])
    provider_server.weights = "other"
    job = add(engine, "Dogs stay outside.")
    assert job.state == "failed" and "answers under that name now" in str(job.error)
    key = vector_key(Chunk("Dogs stay outside.", 0))
    assert engine.catalog.vectors.missing(kept, [key]) == [key]
    provider_server.weights = ""
    engine.models.configure(engine.settings)
    assert add(engine, "Dogs stay outside.").state == "done"
    assert engine.catalog.vectors.missing(kept, [key]) == []


def test_one_broken_request_is_no_other_model(
    engine: Engine, provider_server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying, "FIRST_WAIT", 0.0)
    first = engine.models.fingerprint(MODEL)
    provider_server.script(server_module.OPENAI_EMBED, [cut(), None, WRONG_DIMENSION])
    assert names(engine) == ["rules.txt"]
    assert names(engine) == ["rules.txt"]
    assert engine.models.fingerprint(MODEL) == first


def test_a_server_that_is_away_for_a_while_is_known_again(
    engine: Engine, provider_server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying, "FIRST_WAIT", 0.0)
    provider_server.script(server_module.OPENAI_EMBED, [cut()] * 6)
    found = engine.search(engine.collection("books"), Query("How long may books be kept?"))
    assert found.mode == "keyword"
    again = engine.search(engine.collection("books"), Query("How long may books be kept?"))
    assert again.mode == "keyword" and "closed the connection" in str(again.notices[0])
    assert engine.search(engine.collection("books"), Query("How long may books be kept?")).mode == "hybrid"


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
