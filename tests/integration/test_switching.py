"""Another model for a collection: built beside the present index, swapped, swapped back, with real models."""

import io
import threading
from pathlib import Path

import numpy as np
import pytest

from rag.catalog import Collection
from rag.embedders.factory import make_embedder
from rag.embedders.window import embed_whole
from rag.engine import Engine
from rag.errors import Cancelled, UsageError
from rag.model_files import install
from rag.retrieval import Query
from rag.settings import load_settings
from tests.models import opened_at

E5, MINILM = "builtin:multilingual-e5-small", "builtin:all-minilm-l6-v2"
TEXTS = {
    "treaty.txt": "The treaty of Saint-Clair-sur-Epte was signed in 911.",
    "library.txt": "Books may be kept for four weeks.",
    "水.txt": "国家游泳中心恢复游泳项目运营。",
    "long.txt": "\n\n".join(f"Paragraph {n} tells of ships, sails and harbours. " * 20 for n in range(12)),
}
QUESTIONS = ("When was the treaty signed?", "How long may books be kept?", "游泳")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Path:
    """A data folder with the texts, embedded by the first model; both are installed."""
    folder = tmp_path_factory.mktemp("filled")
    with opened_at(folder, models_dir) as engine:
        for model in (E5, MINILM):
            install(engine.settings, model.partition(":")[2])
        for name, text in TEXTS.items():
            add(engine, name, text)
    return folder


def add(engine: Engine, name: str, text: str) -> None:
    jobs = [engine.intake.add(engine.collection(), name, io.BytesIO(text.encode()))]
    assert [job.state for job in engine.intake.run(jobs)] == ["done"]


def found(engine: Engine, question: str, collection: Collection | None = None) -> list[tuple[str, float]]:
    result = engine.search(collection or engine.collection(), Query(question, k=20, mode="dense"))
    return [(passage.chunk_id, round(passage.cosine or 0, 5)) for passage in result.passages]


def test_there_and_back_is_exact(engine: Engine) -> None:
    before = {question: found(engine, question) for question in QUESTIONS}
    collection = engine.collection()
    engine.switching.build(collection, MINILM)
    assert {question: found(engine, question) for question in QUESTIONS} == before
    engine.switching.swap(collection)
    assert engine.collection().fingerprint.id == MINILM
    assert {question: found(engine, question) for question in QUESTIONS} != before
    assert found(engine, "When was the treaty signed?")[0][0].startswith(document_id(engine, "treaty.txt"))
    assert engine.check().clean
    # A search that began before the swap ends in the index it began with.
    assert found(engine, QUESTIONS[0], collection) == before[QUESTIONS[0]]
    engine.switching.swap(engine.collection())
    assert engine.collection() == collection
    assert {question: found(engine, question) for question in QUESTIONS} == before


def test_what_changed_after_the_swap_is_there_after_the_way_back(engine: Engine) -> None:
    engine.switching.build(engine.collection(), MINILM)
    engine.switching.swap(engine.collection())
    add(engine, "dogs.txt", "Dogs stay outside.")
    engine.delete_document(document_id(engine, "library.txt"))
    engine.switching.swap(engine.collection())
    dogs = document_id(engine, "dogs.txt")
    assert found(engine, "Where do dogs stay?")[0][0].startswith(dogs)
    known = {document.id for document in engine.catalog.documents.all(engine.collection().id)}
    assert {key.rpartition("-")[0] for key, _ in found(engine, "books")} <= known
    assert engine.check().clean


def test_a_deleted_document_is_in_neither_index_nor_their_vectors(engine: Engine) -> None:
    engine.switching.build(engine.collection(), MINILM)
    collection = engine.collection()
    other = engine.catalog.collections.other_index(collection)
    assert other
    deleted = document_id(engine, "long.txt")
    hashes = [chunk.text_hash for chunk in engine.catalog.documents.chunks(deleted)]
    engine.delete_document(deleted)
    for each in (collection, other.of(collection)):
        assert engine.catalog.vectors.missing(each.fingerprint, hashes) == list(dict.fromkeys(hashes))
        assert not [key for key, _ in found(engine, "ships", each) if key.startswith(deleted)]


def test_the_users_questions_are_compared(engine: Engine) -> None:
    collection = engine.collection()
    with pytest.raises(UsageError, match="no second index"):
        engine.switching.compare(collection, QUESTIONS)
    engine.switching.build(collection, MINILM)
    compared = engine.switching.compare(collection, [*QUESTIONS, QUESTIONS[0]], k=2)
    assert [each.question for each in compared] == list(QUESTIONS)
    assert compared[0].same_first
    assert compared[0].present[0] == compared[0].other[0]
    assert all(0 <= each.shared <= 1 for each in compared)


def test_a_stopped_building_goes_on_where_it_was(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.ingestion.embedding.FEWEST_TEXTS", 4)
    monkeypatch.setattr("rag.ingestion.embedding.MOST_TEXTS", 4)
    collection = engine.collection()
    seen: list[int] = []

    def stop_at_the_second(done: int, total: int) -> None:
        seen.append(done)
        if len(seen) == 2:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        engine.switching.build(collection, MINILM, stop_at_the_second)
    state = engine.switching.state(collection)
    assert state and state.stage == "stopped"
    with pytest.raises(UsageError, match="no second index that is complete"):
        engine.switching.swap(collection)
    went_on: list[int] = []
    engine.switching.build(collection, MINILM, lambda done, _total: went_on.append(done))
    assert went_on[0] >= seen[-1]
    state = engine.switching.state(collection)
    assert state and state.stage == "complete"


def test_removing_leaves_no_trace(engine: Engine) -> None:
    collection = engine.collection()
    engine.switching.build(collection, MINILM)
    other = engine.catalog.collections.other_index(collection)
    assert other
    engine.switching.remove(collection)
    assert engine.switching.state(collection) is None
    hashes = [
        chunk.text_hash
        for document in engine.catalog.documents.all(collection.id)
        for chunk in engine.catalog.documents.chunks(document.id)
    ]
    assert set(engine.catalog.vectors.missing(other.fingerprint, hashes)) == set(hashes)
    assert engine.catalog.vectors.missing(collection.fingerprint, hashes) == []
    engine.switching.remove(collection)


def test_in_the_background(engine: Engine) -> None:
    collection = engine.collection()
    engine.switching.start(collection, MINILM)
    for thread in threading.enumerate():
        if thread.name == "passage-switch":
            thread.join(60)
    state = engine.switching.state(collection)
    assert state and (state.model, state.stage) == (MINILM, "complete")
    with pytest.raises(UsageError, match="second index by builtin:all-minilm"):
        engine.switching.start(collection, "builtin:nobody")
    engine.switching.remove(collection)
    engine.switching.start(collection, "builtin:nobody")
    for thread in threading.enumerate():
        if thread.name == "passage-switch":
            thread.join(60)
    state = engine.switching.state(collection)
    assert state and state.stage == "failed" and "nobody" in str(state.error)


def test_a_change_over_that_comes_too_late_changes_nothing(engine: Engine) -> None:
    before = engine.collection()
    engine.switching.build(before, MINILM)
    engine.switching.swap(before)
    with pytest.raises(UsageError, match="changed meanwhile"):
        engine.switching.swap(before)
    assert engine.collection().fingerprint.id == MINILM
    engine.switching.swap(engine.collection())
    assert engine.collection() == before


def test_a_second_index_that_is_lost_is_built_anew_and_hinders_nothing(engine: Engine) -> None:
    collection = engine.collection()
    engine.switching.build(collection, MINILM)
    other = engine.catalog.collections.other_index(collection)
    assert other
    engine._vectors.drop(other.index_name)
    engine.delete_document(document_id(engine, "library.txt"))
    assert not engine._vectors.is_trusted(other.index_name)
    engine._upkeep.repair()
    engine.switching.swap(engine.collection())
    assert found(engine, "When was the treaty signed?")[0][0].startswith(document_id(engine, "treaty.txt"))


def test_a_building_can_be_stopped_while_the_index_is_written(engine: Engine) -> None:
    collection = engine.collection()
    fully_embedded: list[bool] = []

    def stopped() -> bool:
        return bool(fully_embedded)

    def progress(done: int, total: int) -> None:
        if done == total:
            fully_embedded.append(True)

    with pytest.raises(Cancelled):
        engine.switching.build(collection, MINILM, progress, stopped)
    state = engine.switching.state(collection)
    assert state and state.stage == "stopped"


def test_the_model_it_has_is_refused(engine: Engine) -> None:
    with pytest.raises(UsageError, match="has this model already"):
        engine.switching.build(engine.collection(), E5)


def document_id(engine: Engine, name: str) -> str:
    (document,) = engine.catalog.documents.named(engine.collection().id, name)
    return document.id


def test_a_text_beyond_the_window_is_embedded_whole(models_dir: Path) -> None:
    settings = load_settings(models_dir=models_dir)
    install(settings, "all-minilm-l6-v2")
    embedder = make_embedder(settings, MINILM)
    assert embedder.max_tokens
    short, long = "A cat sleeps.", "Ships sail. " * embedder.max_tokens
    vectors = embed_whole([short, long, short], embedder)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(vectors[0], embedder.embed_documents([short])[0])
    assert vectors[1] @ embedder.embed_documents(["Ships sail."])[0] > 0.5
    assert float(vectors[1] @ embed_whole([long + "Prime numbers are infinite. " * 300], embedder)[0]) < 0.99
