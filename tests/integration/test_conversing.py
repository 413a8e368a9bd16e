"""Conversations: every turn is kept as it was shown, whatever ends it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.conversing import LiveTurn, Turn, converse, turns
from rag.engine import Engine
from rag.retrieval import NO_MATCH, Query
from rag.settings import Settings
from tests.faults import cut, hang
from tests.provider_server import OPENAI_CHAT, ProviderServer


@pytest.fixture
def engine(tmp_path: Path, models_dir: Path, provider_server: ProviderServer) -> Iterator[Engine]:
    settings = Settings(
        data_dir=tmp_path / "store",
        models_dir=models_dir,
        chat_model="openai:test",
        openai_base_url=f"{provider_server.url}/v1",
        request_timeout=30,
    )
    (tmp_path / "rules.txt").write_text("Dogs stay outside. Books may be kept for four weeks.")
    with Engine(settings) as opened:
        with (tmp_path / "rules.txt").open("rb") as source:
            list(opened.intake.run([opened.intake.add(opened.collection(), "rules.txt", source)]))
        yield opened


def ask(engine: Engine, conversation_id: str, question: str) -> list[Turn]:
    conversation = engine.catalog.conversations.find(conversation_id)
    assert conversation
    return list(converse(engine, conversation, Query(question)))


def start(engine: Engine) -> str:
    return engine.catalog.conversations.start(engine.collection().id, "How long?").id


def test_a_turn_is_kept_with_its_passages(engine: Engine, provider_server: ProviderServer) -> None:
    provider_server.pieces = ("Books may be kept ", "for four weeks [1].")
    conversation = start(engine)
    first, *_, last = ask(engine, conversation, "How long may books be kept?")
    assert first.passages and not first.text
    assert (last.state, last.text) == ("done", "Books may be kept for four weeks [1].")
    assert turns(engine, conversation) == [last]
    engine.delete_document(last.passages[0].document_id)
    assert turns(engine, conversation)[0].passages == last.passages


def test_a_follow_up_is_searched_with_its_question(engine: Engine, provider_server: ProviderServer) -> None:
    provider_server.pieces = ("Books may be kept for four weeks [1].",)
    conversation = start(engine)
    ask(engine, conversation, "How long may books be kept?")
    last = ask(engine, conversation, "And what about dogs?")[-1]
    assert last.searched == "How long may books be kept? And what about dogs?"
    sent = provider_server.requests[-1].body["messages"]
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "user"]


def test_an_answer_that_breaks_off_keeps_its_beginning(
    engine: Engine, provider_server: ProviderServer
) -> None:
    provider_server.pieces = ("Books may ", "be kept ", "for ever")
    provider_server.script(OPENAI_CHAT, [cut(after=2)])
    conversation = start(engine)
    last = ask(engine, conversation, "How long may books be kept?")[-1]
    assert (last.state, last.text) == ("failed", "Books may be kept ")
    assert last.error
    assert turns(engine, conversation) == [last]


def test_leaving_a_silent_model_keeps_what_is_there(engine: Engine, provider_server: ProviderServer) -> None:
    provider_server.pieces = ("Books may ", "be kept ", "for ever")
    provider_server.script(OPENAI_CHAT, [hang(after=2)])
    conversation = engine.catalog.conversations.find(start(engine))
    assert conversation
    live = LiveTurn(engine, conversation, Query("How long may books be kept?"), beat=0.01)
    for turn in live:
        if turn and turn.text == "Books may be kept ":
            break
    live.stop()
    (kept,) = turns(engine, conversation.id)
    assert (kept.state, kept.text) == ("stopped", "Books may be kept ")


def test_a_document_may_be_deleted_while_it_is_answered_from(
    engine: Engine, provider_server: ProviderServer
) -> None:
    provider_server.pieces = ("Books may be kept ", "for four weeks [1].")
    conversation = engine.catalog.conversations.find(start(engine))
    assert conversation
    growing = converse(engine, conversation, Query("How long may books be kept?"))
    engine.delete_document(next(growing).passages[0].document_id)
    assert list(growing)[-1].state == "done"
    passages = turns(engine, conversation.id)[0].passages
    assert engine._retriever.relevance(engine.collection(), "Something else.", passages) == [0.0]


def test_a_defect_ends_the_turn_in_words(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_options: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr(engine, "search", broken)
    conversation = start(engine)
    (last,) = ask(engine, conversation, "How long?")
    assert last.state == "failed"
    assert last.error and "KeyError" in str(last.error)
    assert turns(engine, conversation) == [last]


def test_a_long_question_is_cut_and_told(engine: Engine, provider_server: ProviderServer) -> None:
    provider_server.pieces = ("For four weeks [1].",)
    question = "How long may books be kept? " + "I read slowly. " * 1000
    last = ask(engine, start(engine), question)[-1]
    assert last.state == "done"
    assert [str(notice) for notice in last.notices[:1]] == [
        "The question is long: only its beginning is compared by meaning."
    ]


def test_options_that_no_passage_meets_are_told(engine: Engine) -> None:
    collection = engine.collection()
    assert NO_MATCH in engine.search(collection, Query("books", contains="no such text")).notices
    assert NO_MATCH in engine.search(collection, Query("books", min_similarity=0.999)).notices
    assert engine.search(collection, Query("books")).notices == ()


def test_the_background_follows_the_documents(engine: Engine) -> None:
    collection, comparison = engine.collection(), engine._retriever._comparison
    first = (
        engine.search(collection, Query("books"))
        and comparison._samples[(collection.id, collection.fingerprint.key)]
    )
    assert (
        engine.search(collection, Query("dogs"))
        and comparison._samples[(collection.id, collection.fingerprint.key)] is first
    )
    engine.delete_document(first.sample[0].document_id)
    engine.search(collection, Query("dogs"))
    assert comparison._samples[(collection.id, collection.fingerprint.key)].sample == []
