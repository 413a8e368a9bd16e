"""Pictures as passages: added, found, deleted; with an embedder of colours and with a tiny CLIP."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rag.answering import Answer
from rag.catalog import Job
from rag.conversing import converse
from rag.engine import Engine
from rag.errors import DocumentError, UsageError
from rag.ingestion.other_index import OtherIndexes
from rag.retrieval import Query, SearchResult
from rag.settings import Settings
from tests.commands import Run, read
from tests.fakes import WordEmbedder
from tests.library import Library
from tests.pictures import ColourEmbedder, pdf, picture

RED, GREEN, BLUE = (picture(colour, "JPEG") for colour in ("red", "green", "blue"))


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(tmp_path, ColourEmbedder())  # type: ignore[arg-type]
    yield opened
    opened.close()


def add(library: Library, name: str, content: bytes) -> Job:
    number = library.catalog.queue(library.collection.id, name, io.BytesIO(content), {}, most_mb=9)
    job = library.catalog.jobs.take(number)
    assert job
    library.run(job)
    return library.catalog.jobs.get(number)


def search(library: Library, question: str = "", **options: object) -> SearchResult:
    return library.retriever.search(library.collection, Query(question, **options))  # type: ignore[arg-type]


def names(found: SearchResult) -> list[str]:
    return [passage.name for passage in found.passages]


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_a_question_finds_a_picture_by_what_it_shows(library: Library) -> None:
    for name, content in (("1.jpg", RED), ("2.png", picture("green")), ("3.webp", picture("blue", "WEBP"))):
        assert add(library, name, content).status == "added"
    found = search(library, "something green", mode="dense")
    assert names(found)[0] == "2.png"
    first = found.passages[0]
    assert first.picture == hashlib.sha256(picture("green")).hexdigest()
    assert (first.text, first.relevance) == ("2.png", None)
    assert first.cosine == pytest.approx(
        (128 / 255 + 0.8) / 5.04**0.5 / (4.04 + (128 / 255) ** 2) ** 0.5, abs=0.01
    )
    assert names(search(library, "3.webp", mode="keyword")) == ["3.webp"]


def test_a_picture_finds_what_looks_like_it(library: Library) -> None:
    add(library, "1.jpg", RED)
    add(library, "2.jpg", BLUE)
    add(library, "note.txt", b"The red lamp.")
    found = search(library, picture=picture("red", "WEBP"), mode="hybrid")
    assert names(found) == ["1.jpg", "2.jpg", "note.txt"]
    assert found.mode == "dense"
    assert found.passages[0].cosine == pytest.approx(1, abs=1e-3)
    with pytest.raises(DocumentError, match="The picture cannot be read as a picture"):
        search(library, picture=b"words")


def test_a_fitting_picture_stands_before_texts_that_have_nothing_to_do_with_the_question(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.retrieval.POOL", 4)
    for number in range(6):
        add(library, f"{number}.txt", f"Words about thing number {number}.".encode())
    add(library, "red.txt", b"Tomatoes are red.")
    add(library, "book.pdf", pdf(("A page of words", [GREEN, RED])))
    found = search(library, "What is red?", k=4, mode="dense")
    assert names(found)[:2] == ["red.txt", "book.pdf"]
    assert found.passages[1].picture and found.passages[1].page == 1
    assert found.passages[1].cosine < found.passages[2].cosine  # type: ignore[operator]
    assert not any(passage.picture for passage in found.passages[2:])
    only = search(library, "What is red?", k=4, where={"page": 1})
    assert [bool(passage.picture) for passage in only.passages].count(True) == 2


def test_nothing_of_a_deleted_picture_is_left(library: Library, tmp_path: Path) -> None:
    add(library, "book.pdf", pdf(("A page", [GREEN, RED])))
    (book,) = library.documents()
    shared = [
        chunk.chunk.picture for chunk in library.catalog.documents.chunks(book.id) if chunk.chunk.picture
    ]
    kept = library.catalog.originals.read(str(shared[0]))
    add(library, "copy.jpg", kept)
    before = library.embedder.pictures
    add(library, "copy.pdf", pdf(("Another page", [RED, GREEN])))
    assert library.embedder.pictures == before  # the same pictures have their vectors
    for document in library.documents():
        if document.name != "copy.jpg":
            library.indexing.delete(document.id)
    assert files_in(tmp_path / "originals") == {shared[0]}
    assert files_in(tmp_path / "reading") == set()
    fingerprint = library.collection.fingerprint
    assert library.catalog.vectors.missing(fingerprint, map(str, shared)) == [shared[1]]
    assert library.is_clean()
    library.indexing.delete(library.documents()[0].id)
    assert files_in(tmp_path / "originals") == set()


def test_a_stopped_reading_leaves_no_files(library: Library, tmp_path: Path) -> None:
    number = library.catalog.queue(
        library.collection.id, "a.pdf", io.BytesIO(pdf(("", [RED]))), {}, most_mb=9
    )
    job = library.catalog.jobs.take(number)
    assert job
    library.catalog.cancel(number)
    library.run(job)
    assert library.catalog.jobs.get(number).state == "cancelled"
    left = tmp_path / "reading" / "7"
    left.mkdir(parents=True)
    (left / "x").touch()
    library.indexing.finish()
    assert files_in(tmp_path / "reading") | files_in(tmp_path / "originals") == set()


def test_an_index_is_rebuilt_without_looking_at_the_pictures_again(library: Library) -> None:
    add(library, "1.jpg", RED)
    before = library.embedder.pictures
    library.indexing.rebuild_vectors(library.collection)
    library.collection = library.catalog.collections.get(library.collection.id)
    assert library.is_clean()
    assert names(search(library, "red")) == ["1.jpg"]
    assert library.embedder.pictures == before + 10  # the plain ones that pictures are compared with


def test_another_collection_refuses_a_picture(tmp_path: Path) -> None:
    library = Library(tmp_path, WordEmbedder("red"))
    assert "rag collections create NAME --embedder clip:" in str(add(library, "1.jpg", RED).error)
    assert add(library, "a.pdf", pdf(("A red page", [RED]))).status == "added"
    assert not library.catalog.chunks.pictures(library.collection.id)
    with pytest.raises(UsageError, match="fake:words reads text only"):
        search(library, picture=RED)
    library.close()


def test_pictures_move_only_to_a_model_that_reads_them(library: Library) -> None:
    add(library, "1.jpg", RED)
    add(library, "note.txt", b"The green lamp.")
    embedders = {"words": WordEmbedder("red"), "other": ColourEmbedder()}
    other = replace(library.collection.fingerprint, model="other")
    embedders["other"].fingerprint = other
    indexes = OtherIndexes(
        library.catalog,
        library.indexing,
        lambda collection: embedders.get(collection.fingerprint.model) or library.embedder,  # type: ignore[arg-type, return-value]
    )
    with pytest.raises(UsageError, match="reads text only"):
        indexes.build(library.collection, embedders["words"].fingerprint, lambda *_: None, lambda: False)
    assert library.catalog.collections.other_index(library.collection) is None
    indexes.build(library.collection, other, lambda *_: None, lambda: False)
    indexes.swap(library.collection)
    switched = library.catalog.collections.get("test")
    assert switched.fingerprint == other
    assert [each.name for each in library.retriever.search(switched, Query("red")).passages] == [
        "1.jpg",
        "note.txt",
    ]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("transformers", reason="pip install 'passage[sentence-transformers]'")
    from tests.tiny_models import save_clip

    return save_clip(tmp_path_factory.mktemp("tiny") / "clip")


def test_with_a_real_clip_an_answer_rests_on_texts_only(tmp_path: Path, clip: Path) -> None:
    settings = Settings(data_dir=tmp_path, embedder=f"clip:{clip}", chat_model="extractive")
    with Engine(settings) as engine:
        collection = engine.collection()
        assert engine.takes_pictures(collection)
        files = {"1.jpg": RED, "note.txt": b"The cat sleeps on a warm red mat all day."}
        jobs = [engine.intake.add(collection, name, io.BytesIO(data)) for name, data in files.items()]
        assert [job.state for job in engine.intake.run(jobs)] == ["done", "done"]
        *_, answer = engine.ask(collection, Query("Where does the cat sleep?"))
        assert isinstance(answer, Answer)
        assert [passage.name for passage in answer.passages] == ["note.txt"]
        conversation = engine.catalog.conversations.start(collection.id, "cat")
        *_, turn = converse(engine, conversation, Query("Where does the cat sleep?"))
        (found,) = [passage for passage in turn.passages if passage.picture]
        assert engine.picture(str(found.picture)) == RED
        assert "Pictures were found" in str(turn.notices[0])
        by_picture = engine.search(collection, Query("", picture=RED))
        assert by_picture.passages[0].cosine == pytest.approx(1, abs=1e-4)


def test_on_the_command_line(run: Run, tmp_path: Path, clip: Path) -> None:
    model = f"clip:{clip}"
    (tmp_path / "red.jpg").write_bytes(RED)
    (tmp_path / "book.pdf").write_bytes(pdf(("", [BLUE])))
    added = read(run("ingest", "red.jpg", "book.pdf", "--json", RAG_EMBEDDER=model))["documents"]
    assert [(each["status"], each["chunks"]) for each in added] == [("added", 1), ("added", 1)]
    found = read(run("search", "--picture", "red.jpg", "--json", RAG_EMBEDDER=model))["passages"][0]
    assert (found["name"], found["picture"]) == ("red.jpg", hashlib.sha256(RED).hexdigest())
    run("search", "red", "--picture", "red.jpg", status=2, RAG_EMBEDDER=model)
    run("search", "--picture", "nowhere.jpg", status=2, RAG_EMBEDDER=model)
    run("search", status=2, RAG_EMBEDDER=model)
