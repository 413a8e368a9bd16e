"""Whatever goes wrong, the data folder can be used again and the documents are there."""

import io
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.catalog import Job, text_hash, vector_key
from rag.catalog.originals import Originals
from rag.documents import ParsedFile
from rag.engine import Engine
from rag.errors import StoreError, UsageError
from rag.ingestion import IngestionWorker, Pipeline
from rag.loaders import Parser
from rag.retrieval import Query
from rag.settings import Settings
from rag.vector_index import Row, VectorIndex
from tests.fakes import WordEmbedder
from tests.library import Library

WAIT_SECONDS = 20.0


class RefusingIndex(VectorIndex):
    """Cannot write the files of these names, nor let go of these documents."""

    refused: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    def write(self, index: str, rows: Sequence[Row], vectors: NDArray[np.float32]) -> None:
        super().write(index, rows[:1], vectors[:1])
        if any(row.metadata["document"] in self.refused for row in rows):
            raise StoreError("The disk is full.")
        super().write(index, rows, vectors)

    def delete_document(self, index: str, document_id: str) -> None:
        if document_id in self.kept:
            raise StoreError("The disk is gone.")
        super().delete_document(index, document_id)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(tmp_path, WordEmbedder("apple", "pear", "plum"), RefusingIndex(tmp_path))
    yield opened
    opened.close()


def index_of(library: Library) -> RefusingIndex:
    assert isinstance(library.vectors, RefusingIndex)
    return library.vectors


def test_what_cannot_be_indexed_fails_and_leaves_nothing(library: Library) -> None:
    library.add("pear.txt", "A pear is green.")
    index_of(library).refused = ("apple.txt",)
    job = library.add("apple.txt", "An apple is red.")
    assert (job.state, str(job.error)) == ("failed", "The disk is full.")
    assert {each.name: each.status for each in library.documents()} == {
        "pear.txt": "ready",
        "apple.txt": "failed",
    }
    assert library.is_clean()
    index_of(library).refused = ()
    assert library.add("apple.txt", "An apple is red.").status == "added"


def test_a_version_that_cannot_be_taken_out_yet_is_out_of_sight(library: Library) -> None:
    first = library.add("fruit.txt", "An apple is red.")
    index_of(library).kept = (str(first.document_id),)
    assert library.add("fruit.txt", "A pear is green.").status == "replaced"
    assert library.found("apple pear") == ["A pear is green."]
    assert not library.vectors.is_trusted(library.collection.index_name)
    library.upkeep.repair()
    library.collection = library.catalog.collections.get("test")
    assert library.is_clean() and library.vectors.is_trusted(library.collection.index_name)
    assert library.found("apple pear") == ["A pear is green."]


def test_one_document_that_cannot_be_finished_stops_no_other(library: Library) -> None:
    names = ("apple", "pear", "plum")
    jobs = {name: library.add(f"{name}.txt", f"The {name} is ripe.") for name in names}
    library.catalog.documents.set_status([str(job.document_id) for job in jobs.values()], "indexing")
    index_of(library).refused = ("pear.txt",)
    library.indexing.finish()
    assert {each.name: each.status for each in library.documents()} == {
        "apple.txt": "ready",
        "pear.txt": "failed",
        "plum.txt": "ready",
    }
    assert sorted(library.found("apple pear plum")) == ["The apple is ripe.", "The plum is ripe."]
    assert library.is_clean()


def test_an_unfinished_version_yields_to_a_newer_one(library: Library) -> None:
    old = library.add("fruit.txt", "An apple is red.")
    unfinished = library.catalog.documents.get(str(old.document_id))
    chunks = [each.chunk for each in library.catalog.documents.chunks(unfinished.id)]
    library.indexing.delete(unfinished.id)
    library.catalog.documents.add(replace(unfinished, status="indexing"), chunks)
    library.add("fruit.txt", "A pear is green.")
    library.indexing.finish()
    assert library.found("apple pear") == ["A pear is green."]
    assert len(library.documents()) == 1


def test_a_clock_that_is_put_back_makes_no_version_older(library: Library) -> None:
    library.add("fruit.txt", "An apple is red.")
    newest = library.catalog.documents.get(str(library.add("fruit.txt", "A pear is green.").document_id))
    chunks = [each.chunk for each in library.catalog.documents.chunks(newest.id)]
    library.indexing.delete(newest.id)
    library.add("fruit.txt", "An apple is red.")
    put_back = replace(newest, status="indexing", added_at="2001-01-01T00:00:00+00:00")
    library.catalog.documents.add(put_back, chunks)
    embedded = library.embedder.embed_documents([each.embedded_text for each in chunks])
    library.catalog.vectors.save(
        library.embedder.fingerprint, [vector_key(each) for each in chunks], embedded
    )
    library.indexing.finish()
    assert library.found("apple pear") == ["A pear is green."]
    assert [each.status for each in library.documents()] == ["ready"]


@pytest.mark.parametrize("stage", ["reading", "splitting", "embedding"])
def test_a_collection_deleted_under_a_job_leaves_nothing_of_it(
    library: Library, caplog: pytest.LogCaptureFixture, stage: str
) -> None:
    class Deleting(WordEmbedder):
        def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
            vectors = super().embed_documents(texts)
            library.indexing.drop(library.collection)
            return vectors

        def count_tokens(self, text: str) -> int:
            if stage == "splitting" and library.catalog.collections.all():
                library.indexing.drop(library.collection)
            return super().count_tokens(text)

    class DeletingParser(Parser):
        def parse(self, path: Path, name: str, **options: Any) -> ParsedFile:
            if stage == "reading":
                library.indexing.drop(library.collection)
            return super().parse(path, name, **options)

    library.embedder = Deleting("apple", "pear", "plum")
    number = library.queue("apple.txt", "An apple is red.")
    job = library.catalog.jobs.take(number)
    assert job
    with DeletingParser(library.settings) as parser:
        pipeline = Pipeline(
            library.settings, library.catalog, library.indexing, parser, lambda _: library.embedder
        )
        list(pipeline.run(partial(next, iter([job]), None)))
        pipeline.close()
    assert library.catalog.collections.all() == [] and library.catalog.unused_originals() == []
    assert not library.catalog.originals.path(job.sha256).exists()
    assert library.catalog.vectors.kept([text_hash("An apple is red.")]) == (0, 0)
    assert [each.message for each in caplog.records if each.exc_info] == []


def test_a_collection_is_dropped_with_all_that_is_on_its_way(library: Library) -> None:
    doomed = library.add("doomed.txt", "An apple is red.")
    library.catalog.documents.set_status([str(doomed.document_id)], "deleting")
    library.queue("waiting.txt", "A pear is green.")
    library.indexing.drop(library.collection)
    assert library.catalog.collections.all() == []
    originals = library.settings.data_dir / "originals"
    assert [path for path in originals.rglob("*") if path.is_file()] == []


def test_a_missing_original_fails_its_job_alone(library: Library) -> None:
    number = library.queue("gone.txt", "An apple is red.")
    library.catalog.originals.delete(library.catalog.jobs.get(number).sha256)
    job = library.catalog.jobs.take(number)
    assert job
    library.run(job)
    job = library.catalog.jobs.get(number)
    assert job.state == "failed" and "no longer there: “gone.txt”" in str(job.error)
    assert library.add("fruit.txt", "A pear is green.").status == "added"


def ended(library: Library, number: int) -> Job:
    deadline = time.monotonic() + WAIT_SECONDS
    while (job := library.catalog.jobs.get(number)).finished_at is None:
        assert time.monotonic() < deadline, "the thread does nothing"
        time.sleep(0.05)
    return job


@contextmanager
def failing(library: Library, event: str) -> Iterator[None]:
    """The catalogue refuses this, as it would on a disk that is full."""
    with closing(sqlite3.connect(library.settings.data_dir / "catalog.sqlite3")) as connection:
        refuse = "begin select raise(abort, 'database or disk is full'); end"
        connection.execute(f"create trigger full before {event} {refuse}")
        yield
        connection.execute("drop trigger full")


def test_the_thread_outlives_what_nobody_foresaw(library: Library) -> None:
    worker = IngestionWorker(library.catalog, library.pipeline)
    worker.start()
    with failing(library, "insert on documents"):
        first = library.queue("first.txt", " ")
        worker.wake()
        assert ended(library, first).state == "failed"
    with failing(library, "update on jobs when new.state = 'cancelled'"):
        second = library.queue("second.txt", "An apple is red.")
        with (
            closing(sqlite3.connect(library.settings.data_dir / "catalog.sqlite3")) as connection,
            connection,
        ):
            connection.execute("update jobs set cancel_asked = 1 where id = ?", (second,))
        worker.wake()
        assert ended(library, second).state == "failed"
    third = library.queue("third.txt", "An apple is red.")
    worker.wake()
    assert ended(library, third).status == "added"
    worker.close()


def test_a_job_that_could_not_be_ended_is_taken_up_again(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    worker = IngestionWorker(library.catalog, library.pipeline)
    with failing(library, "update on jobs when new.state <> 'running'"):
        number = library.queue("fruit.txt", "An apple is red.")
        worker.start()
        deadline = time.monotonic() + WAIT_SECONDS
        while not any("ending the job" in each.message for each in caplog.records):
            assert time.monotonic() < deadline, "the job was not taken"
            time.sleep(0.05)
    assert ended(library, number).state == "done"
    worker.close()
    assert library.found("apple") == ["An apple is red."] and library.is_clean()


def test_what_cannot_be_queued_leaves_no_original(library: Library) -> None:
    with failing(library, "insert on jobs"), pytest.raises(sqlite3.IntegrityError):
        library.queue("fruit.txt", "An apple is red.")
    assert library.catalog.unused_originals() == []


def test_a_file_added_while_its_copy_is_deleted_keeps_its_original(library: Library) -> None:
    text = "An apple is red."
    document_id = str(library.add("one.txt", text).document_id)
    deleting = threading.Thread(target=library.indexing.delete, args=(document_id,))

    class DeletedMeanwhile(Originals):
        def save(self, source: BinaryIO, name: str, *, most_mb: int) -> str:
            sha256 = super().save(source, name, most_mb=most_mb)
            deleting.start()
            deleting.join(timeout=0.5)
            return sha256

    library.catalog.originals = DeletedMeanwhile(library.settings.data_dir / "originals")
    number = library.queue("one.txt", text)
    deleting.join()
    assert library.catalog.originals.path(library.catalog.jobs.get(number).sha256).is_file()


@pytest.fixture
def store(tmp_path: Path, models_dir: Path) -> Settings:
    """Settings of a data folder with one document, and of no model at all."""
    settings = Settings(
        data_dir=tmp_path / "store", models_dir=models_dir, embedder="builtin:all-minilm-l6-v2"
    )
    with Engine(settings) as engine:
        job = engine.intake.add(engine.collection(), "fruit.txt", io.BytesIO(b"An apple is red."))
        assert [each.status for each in engine.intake.run([job])] == ["added"]
    return settings.model_copy(update={"models_dir": tmp_path / "no-models"})


def repaired(settings: Settings) -> None:
    """Repairs without a model, so that nothing can be embedded, and searches the vectors themselves."""
    with Engine(settings) as engine:
        (collection,) = engine.catalog.collections.all()
        assert engine.check(repair=True).clean
        (collection,) = engine.catalog.collections.all()
        (passage,) = engine.search(collection, Query("apple", mode="keyword")).passages
        assert passage.text == "An apple is red."
        assert list(engine._vectors.ids(collection.index_name)) == [passage.chunk_id]


def test_a_damaged_keyword_index_is_repaired(store: Settings) -> None:
    (meta,) = (store.data_dir / "keyword").glob("*/meta.json")
    meta.write_bytes(meta.read_bytes()[:20])
    repaired(store)


def test_a_damaged_vector_index_is_repaired(store: Settings) -> None:
    (store.data_dir / "chroma" / "chroma.sqlite3").write_bytes(b"garbage" * 1000)
    with Engine(store) as engine:
        assert not engine.check().clean
    repaired(store)


def test_a_half_damaged_vector_index_is_repaired(store: Settings) -> None:
    path = store.data_dir / "chroma" / "chroma.sqlite3"
    content = path.read_bytes()
    path.write_bytes(content[:4096] + bytes(len(content) - 4096))
    repaired(store)


@pytest.mark.parametrize("chroma_url", [None, "http://127.0.0.1:9"])
def test_a_second_process_writes_nothing(store: Settings, chroma_url: str | None) -> None:
    def originals() -> list[Path]:
        return [path for path in (store.data_dir / "originals").rglob("*") if path.is_file()]

    with Engine(store) as first, Engine(store.model_copy(update={"chroma_url": chroma_url})) as second:
        first.check()
        kept = originals()
        with pytest.raises(StoreError, match="RAG_DATA_DIR") as refused:
            second.intake.add(second.collection(), "other.txt", io.BytesIO(b"A pear."))
        assert str(store.data_dir) in str(refused.value)
        assert "RAG_CHROMA_URL" not in str(refused.value)
        assert originals() == kept
        assert len(second.catalog.documents.all(second.collection().id)) == 1


def test_a_job_that_was_stopped_while_it_was_cancelled_is_ended(store: Settings) -> None:
    with Engine(store) as engine:
        number = engine.intake.add(engine.collection(), "late.txt", io.BytesIO(b"A pear."))
        job = engine.catalog.jobs.take(number)
        engine.intake.cancel(number)
        assert job and engine.catalog.originals.path(job.sha256).is_file()
    with Engine(store) as again:
        again.check()
        assert again.catalog.jobs.get(number).state == "cancelled"
        assert not again.catalog.originals.path(job.sha256).exists()


def test_chromas_own_keys_are_reserved(store: Settings) -> None:
    with Engine(store) as engine, pytest.raises(UsageError, match="chroma:document"):
        engine.intake.add(engine.collection(), "a.txt", io.BytesIO(b"x"), metadata={"chroma:document": "y"})
