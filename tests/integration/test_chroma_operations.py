"""Every operation of Chroma's API by way of Passage, with all its clients: docs/chroma.md, row by row."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.catalog import RecordFilter
from rag.errors import UsageError
from rag.settings import PROJECT_DIR
from rag.vector_index import VectorIndex
from rag.workbench import RecordQuery
from tests.bench import Bench

TABLE = PROJECT_DIR / "docs" / "chroma.md"
ROW = re.compile(r"^\| `(client|collection)\.(\w+)` \| (.+) \| (.+) \|$", re.MULTILINE)


@pytest.fixture(params=["memory", "folder", "server"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    url = request.getfixturevalue("chroma_server") if request.param == "server" else None
    vectors = VectorIndex(tmp_path / "store", url, in_memory=request.param == "memory")
    opened = Bench(tmp_path / "store", vectors=vectors)
    yield opened
    for each in opened.catalog.collections.all():
        opened.indexing.drop(each)
    opened.close()


def chroma(bench: Bench, name: str = "test") -> Any:
    """What Chroma itself has of a collection."""
    index = bench.catalog.collections.get(name).index_name
    return bench.vectors.open().get_collection(index, embedding_function=None)


def create_collection(bench: Bench) -> None:
    made = bench.catalog.collections.create("made", bench.embedder.fingerprint, hnsw={"space": "l2"})
    bench.indexing.create(made)
    assert chroma(bench, "made").configuration_json["hnsw"]["space"] == "l2"


def get_collection(bench: Bench) -> None:
    assert bench.catalog.collections.get("test").id == bench.catalog.collections.get(bench.collection.id).id
    with pytest.raises(UsageError, match="no collection named"):
        bench.catalog.collections.get("another")


def get_or_create_collection(bench: Bench) -> None:
    with pytest.raises(UsageError, match="already"):
        bench.catalog.collections.create("test", bench.embedder.fingerprint, hnsw={"ef_search": 7})
    assert bench.catalog.collections.find("another") is None


def list_collections(bench: Bench) -> None:
    assert [each.name for each in bench.catalog.collections.all()] == ["test"]
    assert bench.collection.index_name in bench.vectors.names()


def count_collections(bench: Bench) -> None:
    before = bench.browsing.chroma().indexes
    create_collection(bench)
    assert bench.browsing.chroma().indexes == before + 1


def delete_collection(bench: Bench) -> None:
    bench.write("An apple.")
    bench.indexing.drop(bench.collection)
    assert bench.collection.index_name not in bench.vectors.names()
    assert bench.catalog.collections.all() == []


def heartbeat(bench: Bench) -> None:
    first = bench.browsing.chroma().heartbeat
    assert 0 < first <= bench.browsing.chroma().heartbeat


def get_version(bench: Bench) -> None:
    assert re.match(r"\d+\.\d+", bench.browsing.chroma().version)


def get_max_batch_size(bench: Bench) -> None:
    assert bench.browsing.chroma().most_rows >= 100


def add(bench: Bench) -> None:
    record_id = bench.write("An apple.", metadata={"year": 2026})
    assert chroma(bench).get(ids=[record_id])["metadatas"][0]["year"] == 2026


def upsert(bench: Bench) -> None:
    record_id = bench.write("An apple.")
    bench.editing.edit(bench.collection, record_id, text="A pear.")
    assert chroma(bench).count() == 1
    found = chroma(bench).get(ids=[record_id], include=["embeddings"])["embeddings"][0]
    assert found == pytest.approx(bench.embedder.embed_query("A pear."))


def update(bench: Bench) -> None:
    record_id = bench.write("An apple.", metadata={"year": 2025, "old": 1})
    bench.editing.edit(bench.collection, record_id, metadata={"year": 2026}, vector=[0, 0, 0, 0, 9])
    found = chroma(bench).get(ids=[record_id], include=["embeddings", "metadatas"])
    assert found["embeddings"][0] == pytest.approx([0, 0, 0, 0, 1])
    assert found["metadatas"][0]["year"] == 2026 and "old" not in found["metadatas"][0]


def get(bench: Bench) -> None:
    first, second = bench.write("An apple.", metadata={"year": 2020}), bench.write("A pear.")
    assert [each.id for each in bench.browsing.get(bench.collection, [second, first])] == [second, first]
    for wanted in (RecordFilter({"year": {"$lt": 2021}}), RecordFilter(contains="apple")):
        (record,) = bench.browsing.page(bench.collection, wanted).records
        assert record.id == first
    assert chroma(bench).get(where={"year": {"$lt": 2021}})["ids"] == [first]


def peek(bench: Bench) -> None:
    ids = [bench.write(f"Number {number}.") for number in range(3)]
    assert [each.id for each in bench.browsing.page(bench.collection, most=2).records] == ids[:2]


def count(bench: Bench) -> None:
    bench.write("An apple.")
    assert bench.browsing.count(bench.collection) == chroma(bench).count() == 1


def query(bench: Bench) -> None:
    ids = [bench.write(text) for text in ("An apple.", "An apple and a pear.", "A plum.")]
    found = bench.browsing.query(bench.collection, RecordQuery("apple", n=2))
    vector = bench.embedder.embed_query("apple")
    theirs = chroma(bench).query(query_embeddings=[vector], n_results=2)
    assert [hit.record.id for hit in found.hits] == theirs["ids"][0] == ids[:2]
    assert [hit.distance for hit in found.hits] == pytest.approx(theirs["distances"][0], abs=1e-6)


def delete(bench: Bench) -> None:
    kept, gone = bench.write("An apple."), bench.write("A pear.")
    bench.editing.delete(bench.collection, [gone])
    assert chroma(bench).get()["ids"] == [kept]
    bench.editing.undo(bench.collection)
    assert set(chroma(bench).get()["ids"]) == {kept, gone}


def modify(bench: Bench) -> None:
    bench.write("An apple.")
    bench.catalog.collections.rename(bench.collection, "renamed")
    bench.workbench.collections.configure(bench.collection, {"ef_search": 77})
    assert chroma(bench, "renamed").configuration_json["hnsw"]["ef_search"] == 77
    assert chroma(bench, "renamed").count() == 1


def fork(bench: Bench) -> None:
    bench.write("An apple.")
    copy = bench.workbench.collections.copy(bench.collection, "copy")
    assert chroma(bench, "copy").count() == 1 and copy.index_name != bench.collection.index_name


OPERATIONS: dict[str, Callable[[Bench], None]] = {
    f"client.{each.__name__}": each
    for each in (
        create_collection,
        get_collection,
        get_or_create_collection,
        list_collections,
        count_collections,
        delete_collection,
        heartbeat,
        get_version,
        get_max_batch_size,
    )
} | {
    f"collection.{each.__name__}": each
    for each in (add, upsert, update, get, peek, count, query, delete, modify, fork)
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_of_chroma_by_way_of_passage(bench: Bench, operation: str) -> None:
    OPERATIONS[operation](bench)
    for each in bench.catalog.collections.all():
        bench.collection = each
        assert bench.is_whole()


def test_the_table_has_every_operation_and_every_offered_one_a_test(tmp_path: Path) -> None:
    import chromadb
    from chromadb.config import Settings

    client = chromadb.EphemeralClient(settings=Settings(anonymized_telemetry=False))
    collection = client.create_collection("table", embedding_function=None)
    client.delete_collection("table")
    present = {f"client.{name}" for name in operations(client)} | {
        f"collection.{name}" for name in operations(collection)
    }
    client.close()
    rows = {f"{match[1]}.{match[2]}": match[3] for match in ROW.finditer(TABLE.read_text("utf-8"))}
    assert set(rows) == present
    assert {name for name, place in rows.items() if place != "–"} == set(OPERATIONS)


def operations(thing: object) -> set[str]:
    """The public methods of a client or a collection, but for those of its class and its parts."""
    inner = {"from_system", "clear_system_cache", "get_chroma_cloud_api_key_from_clients", "get_model"}
    kind = type(thing)
    names = {name for name in dir(kind) if not name.startswith("_") and callable(getattr(kind, name))}
    return names - inner
