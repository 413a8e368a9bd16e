"""Indexes are damaged, lost, behind or bloated: it is noticed and mended, and no search is the worse."""

import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tantivy

from rag.ingestion import indexing, upkeep
from rag.ingestion.index_check import compare_apart
from rag.ingestion.left_files import state_since_left
from rag.retrieval import Query, exact
from rag.vector_index import Row, VectorIndex, Vectors
from tests.fakes import WordEmbedder
from tests.library import Library

FRUIT = ("apple", "pear", "plum", "quince", "cherry", "medlar", "fig", "grape")
QUESTIONS = ("apple", "pear plum", "quince cherry medlar", "fig grape apple")


def texts() -> list[str]:
    """One text for each set of two or three kinds of fruit."""
    names = list(FRUIT)
    pairs = [(one, two) for one in names for two in names if one < two]
    return [f"The {one} and the {two} are ripe." for one, two in pairs] + [
        f"The {one}, the {two} and the plum grow here." for one, two in pairs if "plum" not in (one, two)
    ]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that was left in order."""
    folder = tmp_path_factory.mktemp("filled") / "store"
    library = Library(folder, WordEmbedder(*FRUIT), hnsw={"batch_size": 10, "sync_threshold": 10})
    library.upkeep.run_once()
    for number, text in enumerate(texts()):
        library.add(f"{number}.txt", text)
    library.close()
    assert (folder / "indexes-left.json").is_file()
    return folder


@pytest.fixture
def folder(filled: Path, tmp_path: Path) -> Path:
    shutil.copytree(filled, tmp_path / "store")
    return tmp_path / "store"


def answers(library: Library) -> list[list[tuple[str, float]]]:
    """What the questions find, with the cosines."""
    collection = library.catalog.collections.get("test")
    return [
        [
            (passage.text, round(float(passage.cosine or 0), 5))
            for passage in library.retriever.search(collection, Query(question, k=20, mode=mode)).passages
        ]
        for question in QUESTIONS
        for mode in ("dense", "hybrid")
    ]


@pytest.fixture(scope="module")
def expected(filled: Path) -> list[list[tuple[str, float]]]:
    library = Library(filled, WordEmbedder(*FRUIT))
    library.upkeep.run_once()
    found = answers(library)
    library.close()
    return found


def segment(folder: Path, name: str) -> Path:
    (path,) = (folder / "chroma").glob(f"*/{name}")
    return path


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def delete_rows(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("delete from embedding_metadata where id % 2 = 0")
        connection.execute("delete from embeddings where id % 2 = 0")


def change_version(path: Path) -> None:
    """As if another version of Chroma had written it."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("update migrations set hash = 'unknown'")


SEGMENT_FILES = ("data_level0.bin", "header.bin", "length.bin", "link_lists.bin")
DAMAGES: dict[str, Callable[[Path], None]] = {
    **{f"{name} {verb.__name__}": lambda folder, name=name, verb=verb: verb(segment(folder, name))  # type: ignore[misc]
       for name in SEGMENT_FILES for verb in (truncate, zero, Path.unlink)},
    "segment removed": lambda folder: shutil.rmtree(segment(folder, "header.bin").parent),
    "sqlite truncated": lambda folder: truncate(folder / "chroma" / "chroma.sqlite3"),
    "sqlite zeroed": lambda folder: zero(folder / "chroma" / "chroma.sqlite3"),
    "sqlite removed": lambda folder: (folder / "chroma" / "chroma.sqlite3").unlink(),
    "rows deleted": lambda folder: delete_rows(folder / "chroma" / "chroma.sqlite3"),
    "another version": lambda folder: change_version(folder / "chroma" / "chroma.sqlite3"),
    "chroma removed": lambda folder: shutil.rmtree(folder / "chroma"),
    "keywords removed": lambda folder: shutil.rmtree(folder / "keyword"),
}  # fmt: skip


def mended(folder: Path, expected: list[list[tuple[str, float]]]) -> None:
    """Starts as after a restart, and makes sure that nothing is missing and nothing was embedded again."""
    library = Library(folder, WordEmbedder(*FRUIT))
    library.upkeep.run_once()
    assert library.upkeep.trouble is None
    library.collection = library.catalog.collections.get("test")
    assert library.vectors.is_trusted(library.collection.index_name)
    assert library.is_clean()
    assert answers(library) == expected
    assert not set(library.embedder.embedded) & set(texts())
    library.close()


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_after_a_kill_is_found_and_mended(
    folder: Path, damage: str, expected: list[list[tuple[str, float]]]
) -> None:
    DAMAGES[damage](folder)
    (folder / "indexes-left.json").unlink()
    mended(folder, expected)


@pytest.mark.parametrize("damage", ["header.bin truncate", "data_level0.bin zero", "rows deleted"])
def test_damage_after_an_orderly_end_is_found_and_mended(
    folder: Path, damage: str, expected: list[list[tuple[str, float]]]
) -> None:
    DAMAGES[damage](folder)
    mended(folder, expected)


def test_the_damages_are_real(folder: Path) -> None:
    assert all(each.clean for each in compare_apart(folder).values())
    zero(segment(folder, "data_level0.bin"))
    assert [each.readable for each in compare_apart(folder).values()] == [False]


def test_a_start_after_an_orderly_end_looks_into_nothing(folder: Path) -> None:
    library = Library(folder, WordEmbedder(*FRUIT))
    library.upkeep.run_once()
    assert library.vectors.is_trusted(library.collection.index_name)
    assert not any("chroma.sqlite3-wal" in path.name for path in (folder / "chroma").iterdir())
    library.close()
    shutil.copytree(folder, folder.with_name("copy"))  # with other times
    assert state_since_left(folder / "indexes-left.json", folders(folder)) == "as left"
    copy = folder.with_name("copy")
    os.utime(copy / "chroma" / "chroma.sqlite3", (1, 1))
    assert state_since_left(copy / "indexes-left.json", folders(copy)) == "touched"
    assert state_since_left(copy / "indexes-left.json", folders(copy)) == "unknown"


def test_a_keyword_index_of_an_older_form_is_written_anew(
    folder: Path, expected: list[list[tuple[str, float]]]
) -> None:
    (index,) = (folder / "keyword").iterdir()
    shutil.rmtree(index)
    index.mkdir()
    schema = tantivy.SchemaBuilder().add_text_field("id", stored=True).add_text_field("body").build()
    tantivy.Index(schema, path=str(index))
    note = folder / "indexes-left.json"
    left = {
        path.relative_to(folder).as_posix(): path.stat()
        for path in folder.glob("[ck]*/**/*")
        if path.is_file()
    }
    files = {name: [status.st_size, status.st_mtime_ns] for name, status in left.items()}
    note.write_text(json.dumps(files))  # as it was written before forms were told apart
    mended(folder, expected)


def folders(folder: Path) -> tuple[Path, Path]:
    return folder / "chroma", folder / "keyword"


class SlowIndex(VectorIndex):
    """Writes only when it is let."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        self.may_write = threading.Event()
        self.wants_to_write = threading.Event()

    def write(self, index: str, rows: Sequence[Row], vectors: Vectors) -> None:
        self.wants_to_write.set()
        assert self.may_write.wait(60)
        super().write(index, rows, vectors)


def test_searches_go_on_while_an_index_is_rebuilt_and_a_stop_is_no_loss(
    folder: Path, expected: list[list[tuple[str, float]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "WRITE_ROWS", 10)
    shutil.rmtree(folder / "chroma")
    index = SlowIndex(folder)
    library = Library(folder, WordEmbedder(*FRUIT), index)
    library.upkeep.start(lambda: None)
    assert index.wants_to_write.wait(60)
    assert library.upkeep.rebuilding == {library.collection.id: (0, len(texts()))}
    assert answers(library) == expected
    library.upkeep._stop.set()  # heard between two writes
    index.may_write.set()
    library.upkeep.stop()
    library.close()
    assert not (folder / "indexes-left.json").exists()
    mended(folder, expected)


def test_what_is_added_while_an_index_is_rebuilt_is_in_it(folder: Path) -> None:
    shutil.rmtree(folder / "chroma")
    index = SlowIndex(folder)
    library = Library(folder, WordEmbedder(*FRUIT), index)
    gone = library.documents()[0]
    number = library.queue("new.txt", "A fig and a pear and an apple.")

    def change() -> None:
        job = library.catalog.jobs.take(number)
        assert job
        library.run(job)
        library.indexing.delete(gone.id)

    library.upkeep.start(lambda: None)
    assert index.wants_to_write.wait(60)
    changing = threading.Thread(target=change)
    changing.start()
    index.may_write.set()
    changing.join()
    while library.upkeep.rebuilding:
        pass
    library.upkeep.stop()
    library.collection = library.catalog.collections.get("test")
    assert library.found("fig pear apple", k=1) == ["A fig and a pear and an apple."]
    assert library.is_clean()
    library.close()


def test_an_index_that_fails_in_a_search_is_left_alone_and_mended(
    folder: Path, expected: list[list[tuple[str, float]]]
) -> None:
    library = Library(folder, WordEmbedder(*FRUIT))
    library.upkeep.run_once()
    library.vectors.open().delete_collection(library.collection.index_name)
    assert answers(library) == expected
    assert not library.vectors.is_trusted(library.collection.index_name)
    library.upkeep.start(lambda: None)
    library.upkeep.wait_checked()
    while not library.vectors.is_trusted(library.catalog.collections.get("test").index_name):
        pass
    assert answers(library) == expected
    library.close()


def test_an_index_of_deleted_rows_is_built_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "LEAST_DELETED", 5)
    library = Library(folder, WordEmbedder(*FRUIT))
    library.upkeep.run_once()
    before = segment(folder, "header.bin").parent
    documents = library.documents()
    for document in documents[: len(documents) // 2 + 2]:
        library.indexing.delete(document.id)
    library.upkeep.repair()
    library.collection = library.catalog.collections.get("test")
    assert library.is_clean()
    library.close()
    again = Library(folder, WordEmbedder(*FRUIT))
    again.upkeep.run_once()
    assert again.vectors.names() == [again.collection.index_name]
    assert not before.exists()
    again.close()


def test_what_stopped_processes_left_is_removed(folder: Path) -> None:
    library = Library(folder, WordEmbedder(*FRUIT))
    library.vectors.create("passage-half-a-rebuild", {})
    orphan = library.catalog.originals.path("ab" * 32)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_text("saved, but never queued")
    unfinished = folder / "originals" / "tmp1234"
    unfinished.write_text("half")
    report = library.upkeep.report()
    assert (report.clean, report.unused_originals, report.missing_originals) == (False, 1, ())
    library.upkeep.repair()
    assert library.upkeep.report().clean
    assert not orphan.exists() and not unfinished.exists()
    assert library.vectors.names() == [library.collection.index_name]
    library.catalog.originals.path(library.documents()[0].sha256).unlink()
    assert library.upkeep.report().missing_originals == (library.documents()[0].name,)
    library.close()


@pytest.mark.parametrize("few", [0, 2000])
@pytest.mark.parametrize("most_bytes", [0, 1 << 30])
def test_exact_search_is_exact(
    folder: Path, few: int, most_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exact, "FEW", few)
    monkeypatch.setattr(exact, "MOST_BYTES", most_bytes)
    library = Library(folder, WordEmbedder(*FRUIT))
    library.upkeep.run_once()
    vector = library.embedder.embed_query("apple pear")
    search = exact.ExactSearch(library.catalog)
    some = [key for key, _ in search.nearest(library.collection, vector, n=100)][3::2]
    for ids in (None, frozenset(some), frozenset[str]()):
        found = search.nearest(library.collection, vector, n=4, ids=ids)
        cosines = {
            chunk.id: float(library.embedder.embed_query(chunk.chunk.text) @ vector)
            for chunk, _ in library.catalog.chunks.ready_after(library.collection.id, "", most=1000)
            if ids is None or chunk.id in ids
        }
        best = sorted(cosines.items(), key=lambda pair: -pair[1])[:4]
        assert [cosine for _, cosine in found] == pytest.approx([cosine for _, cosine in best], abs=1e-6)
        assert all(cosines[key] == pytest.approx(cosine, abs=1e-6) for key, cosine in found)
        assert search.cosines(library.collection, vector, [*cosines, "gone"]) == pytest.approx(cosines)
    added = library.add("new.txt", "An apple, a pear, a fig and a grape.")
    vector = library.embedder.embed_query("apple pear fig grape")
    ((chunk, cosine),) = search.nearest(library.collection, vector, n=1)
    assert chunk.startswith(str(added.document_id))
    assert search.cosines(library.collection, vector, [chunk]) == pytest.approx({chunk: cosine})
    library.close()


def test_exact_search_finds_vectors_that_came_later(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "FEW", 0)
    library = Library(folder, WordEmbedder(*FRUIT))
    other = WordEmbedder(*FRUIT, revision="2")
    switched = replace(library.collection, fingerprint=other.fingerprint)
    chunks = [each for each, _ in library.catalog.chunks.ready_after(switched.id, "", most=1000)]
    vectors = other.embed_documents([each.chunk.text for each in chunks])
    search = exact.ExactSearch(library.catalog)
    for some in (slice(1, None), slice(1)):  # as while a second index is built
        hashes = [each.text_hash for each in chunks[some]]
        library.catalog.vectors.save(other.fingerprint, hashes, vectors[some])
        keys = {key for key, _ in search.nearest(switched, vectors[0], n=1000)}
        assert keys == {each.id for each in chunks} - ({chunks[0].id} if some.start else set())
    assert chunks[0].id in search.cosines(switched, vectors[0], [chunks[0].id])
    library.close()


def test_an_index_of_another_model_under_our_name_is_built_anew(folder: Path) -> None:
    library = Library(folder, WordEmbedder(*FRUIT))
    before = answers(library)
    name = library.collection.index_name
    library.vectors.drop(name)
    library.vectors.create(name, {})
    library.vectors.write(name, [Row("x", {"document_id": "x"})], np.eye(4, dtype=np.float32)[:1])
    library.close()
    again = Library(folder, WordEmbedder(*FRUIT))
    again.upkeep.run_once()
    again.collection = again.catalog.collections.get("test")
    assert again.upkeep.trouble is None and again.is_clean()
    assert answers(again) == before
    again.close()
