"""Other programs' collections searched as they stand and adopted, with the built-in models."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from chromadb.utils.embedding_functions.onnx_mini_lm_l6_v2 import ONNXMiniLM_L6_V2

from rag.adoption import Wish
from rag.catalog import StoredChunk
from rag.embedders.builtin import BuiltinEmbedder
from rag.embedders.chroma import ChromaEmbedder
from rag.engine import Engine, open_engine
from rag.errors import Cancelled, UsageError
from rag.keeping import export
from rag.retrieval import Query
from rag.settings import load_settings
from tests.foreign import ANIMALS, foreign_client, state_of, write_numbers, write_plain
from tests.unit.test_chroma_embedder import chroma_folder, minilm

__all__ = ["chroma_folder", "minilm"]  # fixtures

E5, MINILM = "builtin:multilingual-e5-small", "builtin:all-minilm-l6-v2"
QUESTION = "Which animal can open a jar?"
FOREIGN = [
    {"source": "water.txt", "page": 1, "type": "bird", "wild": True, "weight": 1.5},
    {"source": "earth.txt", "page": 1, "type": "mammal", "wild": True, "weight": 10.5},
    {"source": "air.txt", "page": 1, "type": "bird", "wild": True, "weight": 0.04},
    {"source": "water.txt", "page": 2, "type": "bird", "wild": True, "weight": 3.0},
    {"source": "air.txt", "page": 2, "type": "insect", "wild": False, "weight": 0.0001},
    {"source": "earth.txt", "page": 2, "type": "reptile", "wild": True, "weight": 200.0},
]


@pytest.fixture
def embedder(minilm: Path) -> BuiltinEmbedder:
    return BuiltinEmbedder(minilm)


@pytest.fixture
def engine(tmp_path: Path, models_dir: Path) -> Iterator[Engine]:
    with open_engine(load_settings(data_dir=tmp_path / "store", models_dir=models_dir)) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path, embedder: BuiltinEmbedder) -> Path:
    """A collection by plain chromadb code with its defaults, as the default function would embed it."""
    write_plain(tmp_path / "theirs", embedder, metadatas=FOREIGN)
    return tmp_path / "theirs"


def chunks(engine: Engine, collection: str) -> dict[str, list[StoredChunk]]:
    """The chunks of all documents of a collection, by the documents' names."""
    found = engine.catalog.documents.all(engine.collection(collection).id)
    return {each.name: engine.catalog.documents.chunks(each.id) for each in found}


def first_text(engine: Engine, collection: str, question: str = QUESTION) -> str:
    return engine.search(engine.collection(collection), Query(question)).passages[0].text


def test_a_plain_folder_is_searched_and_adopted_with_its_vectors(
    engine: Engine, folder: Path, embedder: BuiltinEmbedder
) -> None:
    before = state_of(folder)
    engine.adoption.open(str(folder))
    found = engine.adoption.search("notes", QUESTION, n=2)
    assert (found.embedder, found.space, found.notices) == (MINILM, "l2", ())
    assert found.agreement == pytest.approx(1.0, abs=1e-3)
    first = found.hits[0]
    assert (first.record.text, first.record.metadata) == (ANIMALS[3], FOREIGN[3])
    assert first.distance == pytest.approx(2 - 2 * first.cosine, abs=1e-4)  # of unit vectors

    told: list[tuple[int, int]] = []
    done = engine.adoption.adopt(Wish("notes", "animals"), lambda *step: told.append(step))
    assert (done.embedder, done.documents, done.records, done.chunks) == (MINILM, 3, 6, 6)
    assert (done.kept, done.embedded, done.why_embedded, done.group_by) == (6, 0, None, "source")
    assert (done.renamed, done.differing) == ({"type"}, {"type", "weight", "wild"})
    assert (told[0], told[-1]) == ((0, 6), (6, 6))
    held = chunks(engine, "animals")
    assert {name: [(each.chunk.text, each.chunk.page) for each in parts] for name, parts in held.items()} == {
        "water.txt": [(ANIMALS[0], 1), (ANIMALS[3], 2)],
        "earth.txt": [(ANIMALS[1], 1), (ANIMALS[5], 2)],
        "air.txt": [(ANIMALS[2], 1), (ANIMALS[4], 2)],
    }
    ours = engine.collection("animals")
    water = next(each for each in engine.catalog.documents.all(ours.id) if each.name == "water.txt")
    assert dict(water.metadata) == {
        "source": "water.txt",
        "foreign_type": "bird",
        "wild": True,
        "adopted_from": "notes",
    }
    key = held["water.txt"][0].text_hash
    kept = engine.catalog.vectors.load(ours.fingerprint, [key])[0]
    assert kept == pytest.approx(embedder.embed_documents(ANIMALS[:1])[0], abs=1e-6)
    assert first_text(engine, "animals") == ANIMALS[3]
    assert engine.check().clean
    assert state_of(folder) == before


def test_chromas_own_function_wrote_it(
    engine: Engine, tmp_path: Path, chroma_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chroma embeds by itself here, with its ONNX MiniLM; its vectors are the built-in model's."""
    monkeypatch.setattr(ONNXMiniLM_L6_V2, "DOWNLOAD_PATH", chroma_folder)
    with foreign_client(tmp_path / "theirs") as client:
        client.create_collection("notes").add(ids=list("abcdef"), documents=list(ANIMALS))
    before = state_of(tmp_path / "theirs")
    engine.adoption.open(str(tmp_path / "theirs"))
    for model in (None, "chroma:default"):
        found = engine.adoption.search("notes", QUESTION, embedder=model)
        assert found.hits[0].record.text == ANIMALS[3]
        assert found.agreement is not None
        assert found.agreement >= 0.999
    done = engine.adoption.adopt(Wish("notes", "ours", vectors="keep"))
    assert (done.embedder, done.kept, done.documents) == (MINILM, 6, 1)
    done = engine.adoption.adopt(Wish("notes", "chromas", embedder="chroma:default", vectors="keep"))
    assert (done.embedder, done.kept) == ("chroma:default", 6)
    assert state_of(tmp_path / "theirs") == before
    assert isinstance(engine.models.embedder("chroma:default"), ChromaEmbedder)


def test_a_folder_by_langchain(engine: Engine, tmp_path: Path, embedder: BuiltinEmbedder) -> None:
    from langchain_chroma import Chroma
    from langchain_core.documents import Document
    from langchain_core.embeddings import Embeddings

    class MiniLM(Embeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return embedder.embed_documents(texts).tolist()

        def embed_query(self, text: str) -> list[float]:
            return embedder.embed_query(text).tolist()

    store = Chroma("papers", MiniLM(), persist_directory=str(tmp_path / "theirs"))
    places = [("/home/me/a.pdf", 1), ("/home/me/a.pdf", 0), ("/home/me/b.pdf", 4)]
    store.add_documents(
        [
            Document(text, metadata={"source": source, "page": page, "total_pages": 5, "start_index": 0})
            for text, (source, page) in zip(ANIMALS[:3], places, strict=True)
        ]
    )
    store._client.close()
    before = state_of(tmp_path / "theirs")
    theirs = engine.adoption.open(str(tmp_path / "theirs")).collection("papers")
    assert (theirs.space, theirs.function) == ("l2", None)
    assert engine.adoption.search("papers", "high above").hits[0].record.text == ANIMALS[2]
    done = engine.adoption.adopt(Wish("papers", "papers"))
    assert (done.embedder, done.kept, done.documents, done.differing) == (MINILM, 3, 2, set())
    held = chunks(engine, "papers")
    assert [(each.chunk.text, each.chunk.page) for each in held["a.pdf"]] == [
        (ANIMALS[1], 1),
        (ANIMALS[0], 2),
    ]
    assert [(each.chunk.text, each.chunk.page) for each in held["b.pdf"]] == [(ANIMALS[2], 5)]
    assert first_text(engine, "papers", "old trees") == ANIMALS[1]
    assert engine.check().clean
    assert state_of(tmp_path / "theirs") == before


def test_a_server_is_searched_and_adopted(
    engine: Engine, chroma_server: str, embedder: BuiltinEmbedder
) -> None:
    import chromadb

    client = chromadb.HttpClient(port=int(chroma_server.rpartition(":")[2]))
    collection = client.create_collection("notes")
    collection.add(ids=list("abcdef"), documents=list(ANIMALS), embeddings=embedder.embed_documents(ANIMALS))
    before = collection.get(include=["documents", "metadatas"])
    engine.adoption.open(chroma_server)
    assert engine.adoption.search("notes", QUESTION).hits[0].record.text == ANIMALS[3]
    assert engine.adoption.adopt(Wish("notes", "animals")).kept == 6
    assert first_text(engine, "animals") == ANIMALS[3]
    assert collection.get(include=["documents", "metadatas"]) == before
    assert [each.name for each in client.list_collections()] == ["notes"]
    client.delete_collection("notes")
    client.close()
    client._server._session.close()
    client._admin_client._server._session.close()


def test_vectors_of_another_model_are_not_kept(
    engine: Engine, tmp_path: Path, embedder: BuiltinEmbedder
) -> None:
    """The same length from another model: what looks right is told from what is."""
    shifted = np.roll(embedder.embed_documents(ANIMALS), 1, axis=1)
    with foreign_client(tmp_path / "theirs") as client:
        collection = client.create_collection("notes")
        collection.add(ids=list("abcdef"), documents=list(ANIMALS), embeddings=shifted)
    engine.adoption.open(str(tmp_path / "theirs"))
    found = engine.adoption.search("notes", QUESTION)
    assert "did not make the vectors there" in str(found.notices[0])
    with pytest.raises(UsageError, match=r"The vectors cannot be kept\. builtin:all-minilm"):
        engine.adoption.adopt(Wish("notes", "animals", embedder=MINILM, vectors="keep"))
    assert engine.catalog.collections.find("animals") is None
    done = engine.adoption.adopt(Wish("notes", "animals"))
    assert (done.embedder, done.kept, done.embedded) == (E5, 0, 6)
    assert "The texts were embedded again. builtin:all-minilm" in str(done.why_embedded)
    assert first_text(engine, "animals") == ANIMALS[3]


def test_one_wrong_vector_among_many_is_noticed(
    engine: Engine, tmp_path: Path, embedder: BuiltinEmbedder
) -> None:
    vectors = embedder.embed_documents(ANIMALS)
    vectors[5] = vectors[0]
    with foreign_client(tmp_path / "theirs") as client:
        collection = client.create_collection("notes")
        collection.add(ids=list("abcdef"), documents=list(ANIMALS), embeddings=vectors)
    engine.adoption.open(str(tmp_path / "theirs"))
    assert engine.adoption.adopt(Wish("notes", "animals")).kept == 0


def test_the_user_says_to_embed_again(engine: Engine, folder: Path) -> None:
    engine.adoption.open(str(folder))
    done = engine.adoption.adopt(Wish("notes", "animals", embedder=E5, vectors="again", one_each=True))
    assert (done.embedder, done.kept, done.embedded, done.documents) == (E5, 0, 6, 6)
    ours = engine.collection("animals")
    document = next(each for each in engine.catalog.documents.all(ours.id) if each.name == "n4")
    assert document.metadata["foreign_type"] == "insect"
    assert document.metadata["record_id"] == "n4"
    found = engine.search(ours, Query("dance", where={"weight": {"$lt": 0.01}})).passages
    assert [each.text for each in found] == [ANIMALS[4]]


def test_damaged_vectors_are_embedded_again(engine: Engine, tmp_path: Path) -> None:
    write_numbers(tmp_path / "theirs", "numbers", 30, dimension=384)
    for path in (tmp_path / "theirs").glob("*/data_level0.bin"):
        path.unlink()
    engine.adoption.open(str(tmp_path / "theirs"))
    done = engine.adoption.adopt(Wish("numbers", "numbers"))
    assert (done.kept, done.embedded, done.records) == (0, 30, 30)
    assert "cannot be read" in str(done.why_embedded)
    assert engine.check().clean


def test_long_and_missing_texts_are_told(engine: Engine, tmp_path: Path, embedder: BuiltinEmbedder) -> None:
    vectors = embedder.embed_documents(ANIMALS[:2])
    with foreign_client(tmp_path / "theirs") as client:
        collection = client.create_collection("notes")
        collection.add(ids=["short"], documents=[ANIMALS[0]], embeddings=vectors[:1])
        collection.add(ids=["long"], documents=[f"{ANIMALS[1]} " * 60], embeddings=vectors[1:])
        collection.add(ids=["none", "blank"], embeddings=vectors, metadatas=[{"a": 1}, {"b": 1}])
    engine.adoption.open(str(tmp_path / "theirs"))
    done = engine.adoption.adopt(Wish("notes", "animals"))
    assert (done.kept, done.split, done.textless, done.records) == (1, 1, 2, 2)
    assert done.examples == ["none", "blank"]
    assert done.embedded == done.chunks - 1 > 1
    texts = [each.chunk.text for each in chunks(engine, "animals")["notes"]]
    assert sum(text.count("badger") for text in texts) >= 60
    assert max(each.chunk.tokens for each in chunks(engine, "animals")["notes"]) <= 256


@pytest.mark.parametrize(("name", "message"), [("bare", "without texts"), ("empty", "holds no records")])
def test_nothing_to_adopt(engine: Engine, tmp_path: Path, name: str, message: str) -> None:
    with foreign_client(tmp_path / "theirs") as client:
        client.create_collection("bare").add(ids=["a"], embeddings=[[1.0, 0.0]])
        client.create_collection("empty")
    engine.adoption.open(str(tmp_path / "theirs"))
    with pytest.raises(UsageError, match=message):
        engine.adoption.adopt(Wish(name, "ours"))
    assert engine.catalog.collections.find("ours") is None


def test_an_interrupted_adoption_goes_on(engine: Engine, folder: Path) -> None:
    engine.adoption.open(str(folder))
    wish = Wish("notes", "animals", embedder=E5)
    reached: list[int] = []

    def stop_at_the_third(done: int, _total: int) -> None:
        reached.append(done)
        if done >= 4:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        engine.adoption.adopt(wish, stop_at_the_third)
    assert len(chunks(engine, "animals")) == 2
    assert engine.check().clean
    done = engine.adoption.adopt(wish)
    assert (done.documents, done.unchanged, done.embedded) == (1, 2, 2)
    assert len(chunks(engine, "animals")) == 3
    assert engine.adoption.adopt(wish).unchanged == 3
    assert len(chunks(engine, "animals")) == 3
    assert engine.check().clean
    with pytest.raises(UsageError, match="with other documents"):
        engine.adoption.adopt(Wish("notes", "animals", one_each=True))
    with pytest.raises(UsageError, match=f"with the model {E5}"):
        engine.adoption.adopt(Wish("notes", "animals", embedder=MINILM))


def test_a_collection_of_other_documents_is_left_alone(engine: Engine, folder: Path) -> None:
    engine.create_collection("mine", embedder=MINILM)
    (folder.parent / "a.txt").write_text("A text of my own.")
    with (folder.parent / "a.txt").open("rb") as source:
        list(engine.intake.run([engine.intake.add(engine.collection("mine"), "a.txt", source)]))
    engine.adoption.open(str(folder))
    with pytest.raises(UsageError, match="There is a collection named “mine” with other documents"):
        engine.adoption.adopt(Wish("notes", "mine"))


def test_originals_can_be_exported_and_added_again(engine: Engine, folder: Path, tmp_path: Path) -> None:
    engine.adoption.open(str(folder))
    engine.adoption.adopt(Wish("notes", "animals"))
    done = export(engine.catalog, tmp_path / "out", collections=[engine.collection("animals")])
    assert (done.documents, done.chunks, done.lost) == (3, 6, ())
    path = next((tmp_path / "out" / "originals").glob("*water.txt.jsonl"))
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"id": f"n{number}", "text": ANIMALS[number], "metadata": FOREIGN[number]} for number in (0, 3)
    ]
    engine.create_collection("again", embedder=MINILM)
    with path.open("rb") as source:
        ended = list(engine.intake.run([engine.intake.add(engine.collection("again"), path.name, source)]))
    assert [each.error for each in ended] == [None]
    texts = "\n".join(each.chunk.text for parts in chunks(engine, "again").values() for each in parts)
    assert ANIMALS[0] in texts
    assert ANIMALS[3] in texts


def test_in_the_background(engine: Engine, folder: Path, wait_until: Callable[..., None]) -> None:
    adoption = engine.adoption
    adoption.open(str(folder))
    adoption.start(Wish("notes", "animals"))
    wait_until(lambda: adoption.state is not None and adoption.state.stage != "running")
    assert adoption.state
    assert adoption.state.adopted
    assert (adoption.state.stage, adoption.state.adopted.documents) == ("done", 3)
    adoption.start(Wish("nothing", "animals"))
    wait_until(lambda: adoption.state is not None and adoption.state.stage != "running")
    assert adoption.state.stage == "failed"
    assert "There is no collection “nothing”" in str(adoption.state.error)
    adoption.close()
    with pytest.raises(UsageError, match="No Chroma folder or server is open"):
        adoption.search("notes", QUESTION)


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """Waits for a condition in another thread."""

    def wait(condition: Callable[[], bool]) -> None:
        turn = threading.Event()
        while not condition():
            turn.wait(0.01)

    return wait
