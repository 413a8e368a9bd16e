"""Records added, edited, deleted and brought back: the catalogue, both indexes and every search agree."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from rag.catalog import Collection, RecordContent, RecordFilter
from rag.documents import Chunk
from rag.errors import UsageError
from rag.ingestion.receipts import delete_with_receipt
from rag.workbench import Record, RecordQuery
from tests.bench import FRUIT, Bench
from tests.fakes import WordEmbedder


@pytest.fixture
def open_bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Opens the workbench; again after it was closed, or as after a crash if it was not."""
    opened: list[Bench] = []

    def start(**options: object) -> Bench:
        opened.append(Bench(tmp_path / "store", **options))
        return opened[-1]

    yield start
    for bench in opened:
        bench.close()


@pytest.fixture
def bench(open_bench: Callable[..., Bench]) -> Bench:
    return open_bench()


def test_a_record_written_by_hand_is_found_like_any_other(bench: Bench) -> None:
    record_id = bench.write("An apple and a pear.", metadata={"year": 2026, "good": True})
    assert bench.record(record_id).metadata == {"year": 2026, "good": True}
    assert bench.found("apple pear", mode="dense") == bench.found("apple", mode="keyword")
    assert bench.found("pear", where={"$and": [{"year": {"$gt": 2000}}, {"good": True}]}) == [
        "An apple and a pear."
    ]
    assert bench.found("pear", where={"year": 2000}) == []
    second = bench.write("A plum.")
    (document,) = bench.documents()
    assert (document.kind, document.chunks, document.status) == ("note", 2, "ready")
    assert document.tokens == bench.record(record_id).tokens + bench.record(second).tokens
    assert bench.is_whole()


def test_an_edited_text_is_embedded_again_and_found_by_its_new_words(bench: Bench) -> None:
    bench.add("fruit.txt", "An apple is red.", year=2020)
    (record,) = bench.browsing.page(bench.collection).records
    bench.embedder.embedded.clear()
    bench.editing.edit(bench.collection, record.id, text="A fig is violet.")
    assert bench.embedder.embedded == ["A fig is violet."]
    assert bench.found("violet", mode="keyword") == ["A fig is violet."]
    assert bench.found("red", mode="keyword") == []
    (hit,) = bench.browsing.query(bench.collection, RecordQuery("fig")).hits
    assert hit.cosine == pytest.approx(1.0) and hit.record.edited_at
    assert vectors_in(bench) == {bench.catalog.documents.chunks(record.document_id)[0].text_hash}
    assert bench.is_whole()


def vectors_in(bench: Bench) -> set[str]:
    """The keys of the vectors that records have, deleted ones too."""
    database = sqlite3.connect(bench.catalog.data_dir / "catalog.sqlite3")
    rows = database.execute(
        "select text_hash from vectors where text_hash in (select text_hash from chunks) "
        "or text_hash in (select text_hash from deleted_records)"
    ).fetchall()
    database.close()
    return {row[0] for row in rows}


def test_metadata_of_a_record_stand_over_those_of_its_document(bench: Bench) -> None:
    bench.add("fruit.txt", "An apple is red.", year=2020, place="here")
    (record,) = bench.browsing.page(bench.collection).records
    bench.embedder.embedded.clear()
    bench.editing.edit(bench.collection, record.id, metadata={"year": 2026, "kind": "sweet"})
    assert bench.record(record.id).metadata == {"year": 2026, "place": "here", "kind": "sweet"}
    assert in_chroma(bench, record.id)["kind"] == "sweet" and in_chroma(bench, record.id)["year"] == 2026
    bench.editing.edit(bench.collection, record.id, metadata={})
    assert "kind" not in in_chroma(bench, record.id) and in_chroma(bench, record.id)["year"] == 2020
    assert bench.embedder.embedded == []
    assert bench.is_whole()


def in_chroma(bench: Bench, record_id: str) -> dict[str, object]:
    index = bench.catalog.collections.get("test").index_name
    found = bench.vectors.open().get_collection(index, embedding_function=None).get(ids=[record_id])
    assert found["metadatas"]
    return dict(found["metadatas"][0])


def test_a_given_vector_is_that_records_alone(bench: Bench) -> None:
    automatic = bench.write("An apple.")
    given = bench.write("An apple.", vector=[0, 0, 0, 3.0, 4.0])
    detail = bench.browsing.detail(bench.collection, given)
    assert detail.vector == pytest.approx([0, 0, 0, 0.6, 0.8]) and detail.norm == pytest.approx(1.0)
    assert detail.record.has_given_vector and not bench.record(automatic).has_given_vector
    own = bench.browsing.detail(bench.collection, automatic).vector
    assert own == pytest.approx(bench.embedder.embed_query("An apple."))
    bench.editing.edit(bench.collection, given, metadata={"a": 1})
    assert bench.browsing.detail(bench.collection, given).vector == pytest.approx([0, 0, 0, 0.6, 0.8])
    (first, second) = bench.retriever.search(bench.collection, query_of("apple")).passages
    relevance = bench.retriever.relevance(bench.collection, "apple", [first, second])
    assert relevance[0] > relevance[1]
    bench.editing.edit(bench.collection, given, embed=True)
    assert bench.browsing.detail(bench.collection, given).vector == pytest.approx(own)
    assert bench.is_whole()


def query_of(text: str):  # type: ignore[no-untyped-def]
    from rag.retrieval import Query

    return Query(text, mode="dense")


@pytest.mark.parametrize(
    ("vector", "said"),
    [
        ([1.0, 2.0], "2 numbers, and those of this collection have 5"),
        ([0.0] * 5, "zero"),
        ([float("nan"), 1, 1, 1, 1], "finite"),
        ([float("inf"), 1, 1, 1, 1], "finite"),
    ],
)
def test_what_can_be_no_vector_is_refused(bench: Bench, vector: Sequence[float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        bench.write("An apple.", vector=vector)
    assert bench.browsing.count(bench.collection) == 0


@pytest.mark.parametrize(
    ("text", "metadata", "said"),
    [
        (" \n", {}, "no text"),
        ("word " * 70, {}, "70 tokens, and the model reads 64"),
        ("An apple.", {"document": "x"}, "document cannot be set"),
        ("An apple.", {"a": [1]}, "“a”"),
        ("An apple.", {"a": float("nan")}, "“a”"),
    ],
)
def test_what_can_be_no_record_is_refused(
    bench: Bench, text: str, metadata: dict[str, object], said: str
) -> None:
    record_id = bench.write("A plum.")
    with pytest.raises(UsageError, match=said):
        bench.write(text, metadata=metadata)
    with pytest.raises(UsageError, match=said):
        bench.editing.edit(bench.collection, record_id, text=text, metadata=metadata)
    assert bench.texts() == ["A plum."] and bench.is_whole()


def test_deleted_records_are_in_no_search_until_they_are_brought_back(bench: Bench) -> None:
    bench.add("fruit.txt", "An apple is red.")
    kept = bench.write("A pear.")
    (record, _) = bench.browsing.page(bench.collection).records
    given = bench.write("A plum.", vector=[1, 0, 0, 0, 0])
    bench.editing.delete(bench.collection, [record.id, given])
    for mode in ("dense", "keyword", "hybrid"):
        assert set(bench.found("apple plum pear", mode=mode)) <= {"A pear."}
    assert bench.texts() == ["A pear."] and bench.is_whole()
    with pytest.raises(UsageError, match="no record with the id"):
        bench.editing.delete(bench.collection, [kept, record.id])
    assert bench.texts() == ["A pear."]
    bench.embedder.embedded.clear()
    assert bench.editing.undo(bench.collection).ids == tuple(sorted([record.id, given]))
    assert bench.embedder.embedded == []
    assert bench.texts() == ["An apple is red.", "A pear.", "A plum."]
    assert bench.browsing.detail(bench.collection, given).vector == pytest.approx([1, 0, 0, 0, 0])
    with pytest.raises(UsageError, match="no deleted records"):
        bench.editing.undo(bench.collection)
    assert bench.is_whole()


def test_new_records_do_not_take_the_places_of_deleted_ones(bench: Bench) -> None:
    first = bench.write("An apple.")
    bench.editing.delete(bench.collection, [first])
    second = bench.write("A pear.")
    bench.editing.undo(bench.collection)
    assert [bench.record(first).text, bench.record(second).text] == ["An apple.", "A pear."]


def test_compacting_forgets_the_deleted_for_good(bench: Bench) -> None:
    record_id = bench.write("An apple.")
    bench.write("A pear.")
    index = bench.collection.index_name
    bench.editing.delete(bench.collection, [record_id])
    assert len(vectors_in(bench)) == 2
    assert bench.editing.compact(bench.collection) == 1
    assert len(vectors_in(bench)) == 1 and bench.editing.deletions(bench.collection) == []
    bench.collection = bench.catalog.collections.get("test")
    assert bench.collection.index_name != index
    assert bench.found("pear") == ["A pear."] and bench.is_whole()


def test_nothing_is_left_of_a_deleted_document_not_even_its_deleted_records(bench: Bench) -> None:
    bench.add("fruit.txt", "An apple is red. " * 20)
    records = bench.browsing.page(bench.collection).records
    assert len(records) > 1
    bench.editing.delete(bench.collection, [records[0].id])
    receipt = delete_with_receipt(
        bench.catalog, bench.indexing, bench.vectors, bench.keywords, records[0].document_id
    )
    assert receipt.clean and bench.editing.deletions(bench.collection) == []
    assert vectors_in(bench) == set() and bench.is_whole()


def test_a_file_that_is_there_unchanged_keeps_its_edits_and_a_new_version_tells_of_them(
    bench: Bench,
) -> None:
    bench.add("fruit.txt", "An apple is red.")
    (record,) = bench.browsing.page(bench.collection).records
    bench.editing.edit(bench.collection, record.id, text="A fig is violet.")
    assert bench.add("fruit.txt", "An apple is red.").status == "unchanged"
    assert bench.texts() == ["A fig is violet."]
    assert bench.add("fruit.txt", "An apple is green.").status == "replaced"
    (document,) = bench.documents()
    assert "1 records had been edited" in str(document.warnings[0])
    assert bench.texts() == ["An apple is green."] and bench.is_whole()


def test_no_file_takes_the_place_of_what_was_written_by_hand(bench: Bench) -> None:
    bench.write("A pear.")
    assert bench.add("Written by hand", "An apple.").status in ("added", "replaced")
    assert sorted(bench.texts()) == ["A pear.", "An apple."] and bench.is_whole()


@pytest.mark.parametrize("change", ["edit", "metadata", "add", "delete", "undo"])
def test_a_process_that_is_stopped_before_the_indexes_follow(
    open_bench: Callable[..., Bench], change: str
) -> None:
    bench = open_bench()
    bench.add("fruit.txt", "An apple is red.")
    (record,) = bench.browsing.page(bench.collection).records
    expected = stop_within(bench, record, change)
    assert not bench.is_whole()
    again = open_bench()
    assert [hit.record.text for hit in again.browsing.query(again.collection, RecordQuery("apple")).hits] == (
        expected
    )
    assert again.found("violet", mode="keyword") == [each for each in expected if "violet" in each]
    if change == "metadata":
        assert in_chroma(again, record.id)["year"] == 2026
    assert again.is_whole()


def stop_within(bench: Bench, record: Record, change: str) -> list[str]:
    """Change the catalogue as the workbench does, and nothing else; the texts that should be found then."""
    records, collection, fingerprint = bench.catalog.records, bench.collection, bench.embedder.fingerprint
    text = "A fig is violet."
    fig = RecordContent(Chunk(text, 4), {}, bench.embedder.embed_query(text))
    if change == "edit":
        records.edit(collection.id, record.id, fingerprint, fig)
        return [text]
    if change == "metadata":
        same = RecordContent(
            Chunk(record.text, record.tokens), {"year": 2026}, bench.embedder.embed_query("apple")
        )
        records.edit(collection.id, record.id, fingerprint, same)
        return [record.text]
    if change == "add":
        records.add(bench.documents()[0], fingerprint, fig)
        return [record.text, text]
    if change == "undo":
        bench.editing.delete(collection, [record.id])
        records.restore(collection.id, [record.id])
        return [record.text]
    records.delete(collection.id, [record.id])
    return []


def test_what_changes_while_an_index_is_written_anew_is_in_the_new_one(bench: Bench) -> None:
    bench.add("fruit.txt", "An apple is red.")
    (record,) = bench.browsing.page(bench.collection).records
    bench.write("A pear.")
    done: list[str] = []

    def on_progress(*_: int) -> None:
        if not done:
            done.append(bench.write("A plum."))

    def cancelled() -> bool:
        return False

    old = bench.collection.index_name
    bench.indexing.rebuild_vectors(bench.collection, on_progress, cancelled)
    bench.collection = bench.catalog.collections.get("test")
    assert bench.collection.index_name != old
    bench.indexing.rebuild_vectors(
        bench.collection, lambda *_: bench.editing.edit(bench.collection, record.id, text="A fig."), cancelled
    )
    bench.collection = bench.catalog.collections.get("test")
    assert bench.browsing.query(bench.collection, RecordQuery("fig", n=1)).hits[0].record.text == "A fig."
    assert bench.catalog.changed_records.count() == 0 and bench.is_whole()


def test_pages_forth_and_back_with_and_without_a_filter(bench: Bench) -> None:
    for number in range(3):
        bench.add(f"{number}.txt", " ".join(f"Word{number}{place} apple pear here." for place in range(30)))
    everything = [each.text for each in bench.browsing.page(bench.collection, most=1000).records]
    assert len(everything) == bench.browsing.count(bench.collection) > 6
    for wanted in (RecordFilter(), RecordFilter({"document": "1.txt"}), RecordFilter(contains="Word2")):
        whole = [each.id for each in bench.browsing.page(bench.collection, wanted, most=1000).records]
        assert whole and len(whole) == bench.browsing.count(bench.collection, wanted)
        assert walked(bench, wanted, forth=True) == whole == walked(bench, wanted, forth=False)
    page = bench.browsing.page(bench.collection, most=2)
    assert (page.has_before, page.has_after) == (False, True)
    with pytest.raises(UsageError, match="no record"):
        bench.browsing.page(bench.collection, after="nothing")
    middle = bench.browsing.page(bench.collection, most=1000).records[2].id
    bench.editing.delete(bench.collection, [middle])
    assert bench.texts(after=middle, most=2) == everything[3:5]


def walked(bench: Bench, wanted: RecordFilter, *, forth: bool) -> list[str]:
    """All ids, two a page, from the beginning or from the end."""
    found: list[str] = []
    page = bench.browsing.page(bench.collection, wanted, most=2, from_end=not forth)
    while True:
        ids = [each.id for each in page.records]
        found = found + ids if forth else ids + found
        if not (page.has_after if forth else page.has_before):
            return found
        edge = {"after": ids[-1]} if forth else {"before": ids[0]}
        page = bench.browsing.page(bench.collection, wanted, most=2, **edge)


def test_a_page_far_into_many_records_reads_no_more_than_itself(bench: Bench) -> None:
    bench.add("fruit.txt", "An apple.")
    (document,) = bench.documents()
    database = sqlite3.connect(bench.catalog.data_dir / "catalog.sqlite3")
    database.executemany(
        "insert into chunks (id, document_id, ordinal, headings, text, tokens, text_hash) "
        "values (?, ?, ?, '[]', 'x', 1, 'x')",
        ((f"{document.id}-{n:05d}", document.id, n) for n in range(1, 100_000)),
    )
    database.commit()
    database.close()
    connection, steps = bench.catalog._database.connection, []
    connection.set_progress_handler(lambda: steps.append(1), 100)  # called every 100 of SQLite's steps
    for edge in (
        {},
        {"after": f"{document.id}-50000"},
        {"before": f"{document.id}-99999"},
        {"from_end": True},
    ):
        steps.clear()
        found = bench.catalog.record_pages
        wanted = RecordFilter()
        rows = (
            found.before(bench.collection.id, edge.get("before"), wanted, most=50)
            if "before" in edge or "from_end" in edge
            else found.after(bench.collection.id, edge.get("after"), wanted, most=50)
        )
        read = len(steps)
        assert len(rows) == 50
        assert read < 5000, f"{edge}: {read} hundred steps"
    connection.set_progress_handler(None, 0)


def test_what_passes_a_filter_is_found_once_until_a_record_comes_or_goes(bench: Bench) -> None:
    for number in range(3):
        bench.add(f"{number}.txt", " ".join(f"Word{number}{place} apple pear here." for place in range(30)))
    wanted, steps = RecordFilter({"document": {"$ne": "0.txt"}}, "Word"), []
    whole = [each.id for each in bench.browsing.page(bench.collection, wanted, most=1000).records]
    connection = bench.catalog._database.connection
    connection.set_trace_callback(steps.append)
    assert bench.browsing.count(bench.collection, wanted) == len(whole) > 4
    assert bench.browsing.page(bench.collection, wanted, after=whole[1], most=2).records[0].id == whole[2]
    connection.set_trace_callback(None)
    assert steps and not [each for each in steps if "instr" in each]
    bench.editing.delete(bench.collection, [whole[2]])
    page = bench.browsing.page(bench.collection, wanted, after=whole[1], most=2)
    assert [each.id for each in page.records] == whole[3:5]
    assert bench.browsing.count(bench.collection, wanted) == len(whole) - 1
    bench.editing.undo(bench.collection)
    assert [each.id for each in bench.browsing.page(bench.collection, wanted, most=1000).records] == whole


@pytest.mark.parametrize("wanted", [RecordFilter(), RecordFilter(contains="Word1")])
def test_a_page_begins_with_the_record_of_a_number(bench: Bench, wanted: RecordFilter) -> None:
    for number in range(2):
        bench.add(f"{number}.txt", " ".join(f"Word{number}{place} apple pear here." for place in range(30)))
    whole = [each.id for each in bench.browsing.page(bench.collection, wanted, most=1000).records]
    for number in (1, 3, len(whole)):
        page = bench.browsing.page(bench.collection, wanted, number=number, most=2)
        assert [each.id for each in page.records] == whole[number - 1 : number + 1]
        assert (page.has_before, page.has_after) == (number > 1, number + 1 < len(whole))
    beyond = bench.browsing.page(bench.collection, wanted, number=len(whole) + 1, most=2)
    assert not beyond.records and beyond.has_before


def test_a_filter_sees_the_first_record_with_metadata_of_its_own(bench: Bench) -> None:
    for year in (2020, 2026):
        bench.add(f"{year}.txt", "An apple. " * 5, year=year)
    wanted = RecordFilter({"year": {"$gte": 2026}})
    before = bench.browsing.count(bench.collection, wanted)
    older = bench.browsing.page(bench.collection, RecordFilter({"year": 2020})).records[0]
    bench.editing.edit(bench.collection, older.id, metadata={"year": 2027})
    found = [each.id for each in bench.browsing.page(bench.collection, wanted).records]
    assert older.id in found and len(found) == before + 1 == bench.browsing.count(bench.collection, wanted)
    assert sorted(found) == sorted(bench.catalog.chunks.matching(bench.collection.id, wanted.where, None))


def test_query_by_text_by_vector_and_within_filters(bench: Bench) -> None:
    bench.write("An apple.", metadata={"year": 2020})
    bench.write("A pear.", metadata={"year": 2026})
    by_text = bench.browsing.query(bench.collection, RecordQuery("apple"))
    vector = [float(each) for each in 7 * bench.embedder.embed_query("apple")]
    by_vector = bench.browsing.query(bench.collection, RecordQuery(vector=vector))
    assert [hit.record.text for hit in by_text.hits] == ["An apple.", "A pear."]
    assert [hit.cosine for hit in by_vector.hits] == pytest.approx([hit.cosine for hit in by_text.hits])
    assert not by_text.is_exact
    newer = bench.browsing.query(bench.collection, RecordQuery("apple", where={"year": {"$gt": 2020}}))
    assert [hit.record.text for hit in newer.hits] == ["A pear."] and newer.is_exact
    holding = bench.browsing.query(bench.collection, RecordQuery("pear", contains="apple"))
    assert [hit.record.text for hit in holding.hits] == ["An apple."]
    (neighbour,) = bench.browsing.nearest(bench.collection, by_text.hits[0].record.id).hits
    assert (neighbour.rank, neighbour.record.text) == (1, "A pear.")
    with pytest.raises(UsageError, match="either a text or a vector"):
        RecordQuery()


def test_an_index_that_cannot_be_read_is_done_without(bench: Bench) -> None:
    bench.write("An apple.")
    bench.vectors.open().delete_collection(bench.collection.index_name)
    found = bench.browsing.query(bench.collection, RecordQuery("apple"))
    assert [hit.record.text for hit in found.hits] == ["An apple."] and found.is_exact
    assert not bench.vectors.is_trusted(bench.collection.index_name)
    bench.editing.edit(bench.collection, found.hits[0].record.id, text="A pear.")
    assert bench.catalog.changed_records.count() == 1
    bench.indexing.rebuild_vectors(bench.collection)
    bench.collection = bench.catalog.collections.get("test")
    assert bench.catalog.changed_records.count() == 0 and bench.is_whole()


@pytest.mark.parametrize(("space", "of_cosine"), [("l2", lambda c: 2 - 2 * c), ("ip", lambda c: 1 - c)])
def test_other_spaces_search_alike_and_show_their_own_distances(
    open_bench: Callable[..., Bench], space: str, of_cosine: Callable[[float], float]
) -> None:
    bench = open_bench(hnsw={"space": space})
    for text in ("An apple.", "An apple and a pear.", "A pear.", "A plum."):
        bench.write(text)
    found = bench.browsing.query(bench.collection, RecordQuery("apple"))
    assert [hit.record.text for hit in found.hits][:2] == ["An apple.", "An apple and a pear."]
    cosines = [
        float(bench.embedder.embed_query(each.record.text) @ bench.embedder.embed_query("apple"))
        for each in found.hits
    ]
    assert [hit.cosine for hit in found.hits] == pytest.approx(cosines, abs=1e-5)
    assert [hit.distance for hit in found.hits] == pytest.approx(
        [of_cosine(each) for each in cosines], abs=1e-5
    )
    assert found.space == space and not found.is_exact
    exact = bench.browsing.query(bench.collection, RecordQuery("apple", contains="."))
    assert [hit.distance for hit in exact.hits] == pytest.approx(
        [hit.distance for hit in found.hits], abs=1e-5
    )
    passages = bench.retriever.search(bench.collection, query_of("apple")).passages
    assert [each.cosine for each in passages] == pytest.approx(cosines, abs=1e-5)
    bench.indexing.rebuild_vectors(bench.collection)
    bench.collection = bench.catalog.collections.get("test")
    assert bench.vectors.configuration(bench.collection.index_name)["space"] == space
    assert bench.is_whole()


def test_a_copy_shares_vectors_and_may_have_another_space(bench: Bench) -> None:
    bench.add("fruit.txt", "An apple is red.", year=2020)
    given = bench.write("A pear.", vector=[0, 0, 0, 0, 1], metadata={"a": 1})
    bench.editing.delete(bench.collection, [bench.write("A plum.")])
    bench.embedder.embedded.clear()
    copy = bench.workbench.collections.copy(bench.collection, "copy", hnsw={"space": "l2"})
    assert bench.embedder.embedded == []
    records = bench.browsing.page(copy).records
    assert [each.text for each in records] == ["An apple is red.", "A pear."]
    assert (records[0].metadata, records[1].metadata) == ({"year": 2020}, {"a": 1})
    assert bench.browsing.detail(copy, records[1].id).vector == pytest.approx([0, 0, 0, 0, 1])
    bench.editing.edit(bench.collection, given, text="A fig.")
    assert [each.text for each in bench.browsing.page(copy).records] == ["An apple is red.", "A pear."]
    bench.indexing.drop(bench.collection)
    bench.collection = copy
    assert bench.found("apple", mode="keyword") == ["An apple is red."] and bench.is_whole()


def test_collections_of_one_model_are_merged_without_embedding(bench: Bench) -> None:
    other = made(bench, "other", bench.embedder.fingerprint)
    bench.add("fruit.txt", "An apple is red.")
    bench.add("same.txt", "A plum.")
    bench.write("A pear.")
    source, bench.collection = bench.collection, other
    bench.add("fruit.txt", "A fig is violet.")
    bench.add("same.txt", "A plum.")
    bench.embedder.embedded.clear()
    merged = bench.workbench.collections.merge(source, other)
    assert (merged.documents, merged.present, merged.renamed) == (
        2,
        ("same.txt",),
        {"fruit.txt": "fruit.txt (test)"},
    )
    assert sorted(bench.texts()) == ["A fig is violet.", "A pear.", "A plum.", "An apple is red."]
    assert bench.embedder.embedded == [] and bench.is_whole()
    assert bench.workbench.collections.merge(source, other).documents == 0
    with pytest.raises(UsageError, match="itself"):
        bench.workbench.collections.merge(other, other)


def test_collections_of_two_models_are_not_merged(bench: Bench) -> None:
    other = made(bench, "other", WordEmbedder(*FRUIT, revision="2").fingerprint)
    with pytest.raises(UsageError) as refused:
        bench.workbench.collections.merge(bench.collection, other)
    assert "(5, 1)" in str(refused.value) and "(5, 2)" in str(refused.value)


def made(bench: Bench, name: str, fingerprint: object) -> Collection:
    collection = bench.catalog.collections.create(name, fingerprint)  # type: ignore[arg-type]
    bench.indexing.create(collection)
    return collection


def test_a_new_ef_search_is_in_effect_at_once(bench: Bench) -> None:
    random = np.random.default_rng(0)
    rows = random.standard_normal((3000, 64)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    questions, index = rows[:40] + 0.3 * random.standard_normal((40, 64)).astype(np.float32), "passage-many-1"
    from rag.vector_index import Row

    bench.vectors.create(index, {"ef_search": 10, "sync_threshold": 500})
    bench.vectors.write(index, [Row(str(n), {"n": n}) for n in range(len(rows))], rows)

    def found() -> int:
        hits = [bench.vectors.query(index, each, n=10) for each in questions]
        best = [set(map(str, np.argsort(-(rows @ each))[:10])) for each in questions]
        return sum(len({key for key, _ in row} & wanted) for row, wanted in zip(hits, best, strict=True))

    before = found()
    assert bench.vectors.configure(index, {"ef_search": 500})
    assert found() > before and found() == 400


def test_options_are_changed_in_the_catalogue_and_in_the_index(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench()
    bench.write("An apple.")
    changed = bench.workbench.collections.configure(bench.collection, {"ef_search": 77})
    assert changed.hnsw == {"ef_search": 77}
    assert bench.vectors.configuration(changed.index_name)["ef_search"] == 77
    assert bench.found("apple") == ["An apple."] and bench.is_whole()
    with pytest.raises(UsageError, match="space is chosen when a collection is made"):
        bench.workbench.collections.configure(bench.collection, {"space": "l2"})
    bench.catalog.collections.set_hnsw(bench.collection, {"ef_search": 88})  # and the process is stopped
    again = open_bench()
    assert again.vectors.configuration(changed.index_name)["ef_search"] == 88
