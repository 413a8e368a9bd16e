"""Other programs' Chroma folders and servers opened: what is told of them, and that they stay as they are."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from rag.adoption import Adoption
from rag.engine import Engine, open_engine
from rag.errors import StoreError, UsageError
from rag.settings import load_settings
from rag.vector_index.foreign_copy import DATABASE, copy_folder
from rag.vector_index.foreign_folder import open_foreign_folder
from tests.foreign import foreign_client, state_of, write_numbers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two collections: one with an index on disk, one with defaults that lies in the log alone."""
    path = tmp_path / "theirs"
    write_numbers(path, "numbers", 30, space="ip")
    with foreign_client(path) as client:
        collection = client.create_collection("few", metadata={"made": "by hand"})
        collection.add(
            ids=["a", "b"],
            documents=["first", "second"],
            embeddings=[[3.0, 4.0], [1.0, 0.0]],
            metadatas=[{"n": 1, "x": 0.5, "yes": True, "tags": ["p", "q"]}, {"source": "s.txt"}],
        )
    return path


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with open_engine(load_settings(data_dir=tmp_path / "store")) as opened:
        yield opened


@pytest.fixture
def adoption(engine: Engine) -> Adoption:
    return engine.adoption


def test_a_folder_tells_what_is_in_it_and_stays_as_it_is(folder: Path, adoption: Adoption) -> None:
    before = state_of(folder)
    assert adoption.size_of(str(folder)) == sum(
        path.stat().st_size for path in folder.rglob("*") if path.is_file()
    )
    foreign = adoption.open(str(folder))
    few, numbers = foreign.collections()
    assert (few.name, few.records, few.dimension, few.space, few.function) == ("few", 2, 2, "l2", "default")
    assert (few.metadata, few.keys) == ({"made": "by hand"}, ("n", "source", "tags", "x", "yes"))
    assert [each.text for each in few.shown] == ["first", "second"]
    assert few.shown[0].metadata == {"n": 1, "x": 0.5, "yes": True, "tags": ["p", "q"]}
    assert (numbers.records, numbers.dimension, numbers.space) == (30, 3, "ip")
    assert (numbers.looked_at, numbers.with_text, numbers.has_vectors) == (30, 30, True)
    heads = [each.id for each in foreign.heads("numbers")]
    assert len(foreign.records("numbers", heads, vectors=True)) == 30
    assert state_of(folder) == before
    adoption.close()
    assert state_of(folder) == before


@pytest.mark.parametrize(
    ("space", "distance"), [("l2", 25.0 - 6.0 + 1.0), ("ip", 1.0 - 3.0), ("cosine", 1.0 - 0.6)]
)
def test_raw_distances_beside_the_cosine(
    tmp_path: Path, adoption: Adoption, space: str, distance: float
) -> None:
    with foreign_client(tmp_path / "theirs") as client:
        collection = client.create_collection("one", configuration={"hnsw": {"space": space}})
        collection.add(ids=["a"], documents=["text"], embeddings=[[3.0, 4.0]])
    foreign = adoption.open(str(tmp_path / "theirs"))
    hit = foreign.nearest("one", np.array([1, 0], np.float32), n=5)[0]
    assert (hit.record.id, hit.record.text, foreign.collection("one").space) == ("a", "text", space)
    assert (hit.distance, hit.cosine) == (pytest.approx(distance, abs=1e-5), pytest.approx(0.6))


def test_a_server_is_read(chroma_server: str, adoption: Adoption) -> None:
    import chromadb

    client = chromadb.HttpClient(port=int(chroma_server.rpartition(":")[2]))
    collection = client.get_or_create_collection("theirs", embedding_function=None)
    collection.upsert(
        ids=[f"{number:04}" for number in range(1500)],
        documents=["text"] * 1500,
        embeddings=np.eye(2, dtype=np.float32)[[0, 1] * 750],
    )
    foreign = adoption.open(chroma_server)
    assert (foreign.origin, adoption.size_of(chroma_server)) == (chroma_server, 0)
    assert foreign.collection("theirs").records == 1500
    ids = [each.id for each in foreign.heads("theirs")]
    assert sorted(ids) == [f"{number:04}" for number in range(1500)]
    found = foreign.records("theirs", [*ids[::-1], "unknown"], vectors=True)
    assert [each.id for each in found] == ids[::-1]
    assert {each.vector.shape for each in found if each.vector is not None} == {(2,)}
    adoption.close()
    assert collection.count() == 1500
    client.delete_collection("theirs")
    client.close()
    client._server._session.close()
    client._admin_client._server._session.close()


def test_what_is_no_chroma_is_told(tmp_path: Path, adoption: Adoption) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"holds no chroma\.sqlite3"):
        adoption.open(str(tmp_path / "empty"))
    with pytest.raises(UsageError, match="cannot be opened: No such file"):
        adoption.open(str(tmp_path / "none"))
    for no_path in ("~nobody-of-this-name/x", "a\0b"):
        with pytest.raises(UsageError, match="cannot be opened"):
            adoption.size_of(no_path)
    (tmp_path / "empty" / "chroma-collections.parquet").touch()
    with pytest.raises(UsageError, match=r"before 0\.4"):
        adoption.open(str(tmp_path / "empty"))
    with pytest.raises(StoreError, match="No Chroma server answers at http://127"):
        adoption.open("http://127.0.0.1:9")
    other = tmp_path / "other"
    other.mkdir()
    with closing(sqlite3.connect(other / DATABASE)) as connection:
        connection.execute("create table films (title)")
    with pytest.raises(StoreError, match="is not Chroma's database"):
        adoption.open(str(other))
    with pytest.raises(UsageError, match=r"There is one in: .*other"):
        adoption.open(str(tmp_path))
    assert adoption.opened is None


def test_the_database_itself_names_its_folder(folder: Path, adoption: Adoption) -> None:
    assert adoption.open(str(folder / DATABASE)).names() == ["few", "numbers"]


@pytest.mark.parametrize("damage", [b"", b"no database at all", os.urandom(8192)])
def test_a_damaged_database_is_told(folder: Path, adoption: Adoption, damage: bytes) -> None:
    (folder / DATABASE).write_bytes(damage)
    with pytest.raises(StoreError, match=r"is damaged|is not Chroma's"):
        adoption.open(str(folder))


def test_pages_of_the_database_overwritten(folder: Path, adoption: Adoption) -> None:
    with (folder / DATABASE).open("r+b") as file:
        file.seek(3 * 4096)
        file.write(os.urandom(30 * 4096))
    with pytest.raises(StoreError, match="is damaged"):
        adoption.open(str(folder))


@pytest.mark.parametrize("damage", ["gone", "cut", "header"])
def test_texts_are_read_without_damaged_vectors(folder: Path, adoption: Adoption, damage: str) -> None:
    vectors = next(folder.glob("*/index_metadata.pickle")).parent
    if damage == "gone":
        (vectors / "data_level0.bin").unlink()
    elif damage == "cut":
        os.truncate(vectors / "data_level0.bin", 300)
    else:
        (vectors / "header.bin").write_bytes(os.urandom(100))
    before = state_of(folder)
    foreign = adoption.open(str(folder))
    few, numbers = foreign.collections()
    assert (few.has_vectors, numbers.has_vectors) == (True, False)
    assert numbers.records == 30
    ids = [each.id for each in foreign.heads("numbers")]
    texts = {each.text for each in foreign.records("numbers", ids, vectors=False)}
    assert texts == {f"text {number}" for number in range(30)}
    with pytest.raises(UsageError, match="cannot be read: their files are damaged"):
        adoption.search("numbers", "text 1")
    assert state_of(folder) == before


def test_a_folder_that_another_program_has_open(folder: Path, adoption: Adoption) -> None:
    """What it has not committed is not seen; what its crash left is rolled back in the copy alone."""
    writing = sqlite3.connect(folder / DATABASE, isolation_level=None)
    try:
        writing.execute("pragma cache_size = 1")
        writing.execute("begin exclusive")
        writing.execute("update embedding_metadata set string_value = 'unfinished' || id")
        assert (folder / f"{DATABASE}-journal").exists()
        before = state_of(folder)
        foreign = adoption.open(str(folder))
        assert [each.text for each in foreign.collection("few").shown] == ["first", "second"]
        assert state_of(folder) == before
    finally:
        writing.execute("rollback")
        writing.close()


def test_a_folder_that_changes_while_it_is_copied(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copyfile

    def copy_beside_a_writer(source: Path, target: Path) -> None:
        copy(source, target)
        os.utime(folder / DATABASE)

    (tmp_path / "copy").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", copy_beside_a_writer)
        with pytest.raises(StoreError, match="is being written to"):
            copy_folder(folder, tmp_path / "copy")
    assert list((tmp_path / "copy").iterdir()) == []
    copy_folder(folder, tmp_path / "copy")


def test_only_what_chroma_reads_is_copied(folder: Path, tmp_path: Path) -> None:
    (folder / "photos").mkdir()
    (folder / "photos" / "large.jpg").write_bytes(b"x" * 1000)
    (folder / "notes.txt").touch()
    target = tmp_path / "copy"
    target.mkdir()
    copy_folder(folder, target)
    theirs = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    ours = {path.relative_to(target) for path in target.rglob("*") if path.is_file()}
    assert theirs - ours == {Path("photos/large.jpg"), Path("notes.txt")}


def test_copies_are_removed_also_after_a_crash(folder: Path, tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "store")
    copies = settings.data_dir / "foreign"
    with open_engine(settings) as engine:
        engine.adoption.open(str(folder))
        assert len(list(copies.iterdir())) == 1
        engine.adoption.open(str(folder))
        assert len(list(copies.iterdir())) == 1
    assert list(copies.iterdir()) == []
    (copies / "left").mkdir()
    with open_engine(settings) as engine:
        engine.check()
        assert not copies.exists()


def test_a_failed_opening_leaves_no_copy(folder: Path, tmp_path: Path) -> None:
    (folder / DATABASE).write_bytes(b"")
    with pytest.raises(StoreError):
        open_foreign_folder(folder, tmp_path / "copies")
    assert list((tmp_path / "copies").iterdir()) == []


def test_the_distance_that_counts_where_two_are_said(tmp_path: Path, adoption: Adoption) -> None:
    with foreign_client(tmp_path / "theirs") as client:
        said = {"hnsw:space": "cosine"}
        collection = client.create_collection("two", metadata=said, configuration={"hnsw": {"space": "ip"}})
        collection.add(ids=["a"], documents=["text"], embeddings=[[3.0, 4.0]])
    foreign = adoption.open(str(tmp_path / "theirs"))
    (hit,) = foreign.nearest("two", np.array([1, 0], np.float32), n=5)
    assert (foreign.collection("two").space, hit.distance) == ("ip", pytest.approx(-2.0))


def test_the_distance_of_a_folder_from_before_chroma_1(tmp_path: Path, adoption: Adoption) -> None:
    """There it stood in the metadata; the configuration that Chroma makes of it now says l2."""
    folder = tmp_path / "theirs"
    with foreign_client(folder) as client:
        collection = client.create_collection("old", metadata={"hnsw:space": "cosine"})
        collection.add(ids=["a"], documents=["text"], embeddings=[[3.0, 4.0]])
    old = '{"hnsw_configuration": {"space": "l2", "_type": "HNSWConfigurationInternal"}, '
    old += '"_type": "CollectionConfigurationInternal"}'
    with closing(sqlite3.connect(folder / DATABASE)) as connection, connection:
        connection.execute("update collections set config_json_str = ?, schema_str = null", (old,))
        connection.execute(
            "insert into segment_metadata (segment_id, key, str_value) "
            "select id, 'hnsw:space', 'cosine' from segments where scope = 'VECTOR'"
        )
    foreign = adoption.open(str(folder))
    (hit,) = foreign.nearest("old", np.array([1, 0], np.float32), n=5)
    assert (foreign.collection("old").space, hit.distance) == ("cosine", pytest.approx(0.4, abs=1e-5))
