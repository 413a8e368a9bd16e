"""Which foreign records become one document, and what becomes of their metadata."""

import json
from typing import Any

import numpy as np
import pytest

from rag.adoption import planning
from rag.adoption.choosing import known_models
from rag.adoption.pieces import metadata_of, original_of, pieces_of
from rag.adoption.planning import PlannedDocument, plan
from rag.documents import ChunkSize
from rag.errors import UsageError
from rag.vector_index.foreign_records import ForeignCollection, ForeignRecord
from tests.fakes import WordEmbedder

SIZE = ChunkSize(16, 0)


def heads(*metadatas: dict[str, Any]) -> list[ForeignRecord]:
    return [ForeignRecord(f"r{number}", metadata) for number, metadata in enumerate(metadatas)]


def test_records_of_one_source_in_the_order_of_their_pages() -> None:
    records = heads(
        {"source": "/a/x.pdf", "page": 1},
        {"source": "/a/y.txt"},
        {"source": "/a/x.pdf", "page": 0},
        {"other": 1},
    )
    found = plan(records, "notes")
    assert (found.group_by, found.first_page) == ("source", 0)
    assert found.documents == (
        PlannedDocument("x.pdf", ("r2", "r0")),
        PlannedDocument("y.txt", ("r1",)),
        PlannedDocument("notes", ("r3",)),
    )


def test_paths_that_end_alike_keep_their_whole_names() -> None:
    records = heads({"file": "a/x.md"}, {"file": "b\\x.md"}, {"file": "notes"}, {"file": "c/y.md"})
    assert [each.name for each in plan(records, "notes").documents] == ["a/x.md", "b\\x.md", "notes", "y.md"]


def test_without_a_usual_key_all_records_together_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "MOST_RECORDS", 2)
    records = heads({"topic": "a"}, {"topic": "b"}, {"topic": "a", "source": "s"})
    found = plan(records, "notes")
    assert (found.group_by, found.first_page) == (None, 1)
    assert found.documents == (
        PlannedDocument("notes", ("r0", "r1")),
        PlannedDocument("notes (2)", ("r2",)),
    )
    assert [each.name for each in plan(records, "notes", group_by="topic").documents] == ["a", "b"]
    assert [each.name for each in plan(records, "notes", one_each=True).documents] == ["r0", "r1", "r2"]
    with pytest.raises(UsageError, match=r"No record has the key nothing.*source, topic"):
        plan(records, "notes", group_by="nothing")


def test_a_document_has_the_metadata_that_its_records_share() -> None:
    same = {"source": "s", "type": "note", "yes": True, "tags": ["p", "q"], "far": float("inf")}
    records = heads({**same, "page": 3, "n": 1}, {**same, "page": 4, "n": 1.0})
    shared, renamed, differing = metadata_of(records, "notes")
    assert shared == {
        "source": "s",
        "foreign_type": "note",
        "yes": True,
        "tags": "p, q",
        "adopted_from": "notes",
    }
    assert (renamed, differing) == ({"type"}, {"n", "far"})
    alone, _, _ = metadata_of(heads({"page": "iv", "record_id": 7}), "notes")
    assert alone == {
        "foreign_page": "iv",
        "foreign_record_id": 7,
        "record_id": "r0",
        "adopted_from": "notes",
    }


def test_records_that_fit_stay_whole_and_others_are_split() -> None:
    embedder = WordEmbedder("fox")
    unit = np.array([3, 4], np.float32)
    records = [
        ForeignRecord("a", {"page": 0}, "The fox.\n\nIt sleeps.", unit),
        ForeignRecord("b", {"page": 2}, "A fox runs. " * 50, unit),
        ForeignRecord("c", {}, " \n", unit),
        ForeignRecord("d", {}, None, unit),
        ForeignRecord("e", {}, "Zero.", np.zeros(2, np.float32)),
    ]
    found = pieces_of(records, embedder, SIZE, first_page=0, keep_vectors=True)
    assert (found.textless, found.split) == (("c", "d"), 1)
    first, *parts, last = found.chunks
    assert (first.text, first.page, first.tokens) == ("The fox.\n\nIt sleeps.", 1, 4)
    assert (last.text, last.page) == ("Zero.", None)
    assert len(parts) > 5
    assert {part.page for part in parts} == {3}
    assert max(part.tokens for part in parts) <= SIZE.tokens
    assert sum(part.text.count("fox") for part in parts) == 50
    (kept,) = found.vectors.values()
    assert kept == pytest.approx([0.6, 0.8])
    assert not pieces_of(records, embedder, SIZE, first_page=0, keep_vectors=False).vectors


def test_an_original_is_the_same_whenever_the_records_are() -> None:
    one = original_of([ForeignRecord("ä", {"b": 1, "a": ["x"]}, "文本\n2")])
    assert one == original_of([ForeignRecord("ä", {"a": ["x"], "b": 1}, "文本\n2")])
    assert json.loads(one) == {"id": "ä", "text": "文本\n2", "metadata": {"a": ["x"], "b": 1}}
    assert one.count(b"\n") == 1


@pytest.mark.parametrize(
    ("function", "options", "dimension", "expected"),
    [
        ("default", {}, 384, ("builtin:all-minilm-l6-v2", "chroma:default")),
        (None, {}, 384, ("builtin:all-minilm-l6-v2",)),
        (None, {}, 768, ()),
        (
            "sentence_transformer",
            {"model_name": "all-MiniLM-L6-v2"},
            384,
            ("builtin:all-minilm-l6-v2", "sentence-transformers:sentence-transformers/all-MiniLM-L6-v2"),
        ),
        ("sentence_transformer", {"model_name": "BAAI/bge-m3"}, 1024, ("sentence-transformers:BAAI/bge-m3",)),
        (
            "openai",
            {"model_name": "text-embedding-3-large", "dimensions": 256},
            256,
            ("openai:text-embedding-3-large?dimensions=256",),
        ),
        ("ollama", {"model_name": "bge-m3"}, 1024, ("ollama:bge-m3",)),
        ("text2vec", {}, 768, ("chroma:text2vec",)),
    ],
)
def test_models_that_a_collection_names(
    function: str | None, options: dict[str, Any], dimension: int, expected: tuple[str, ...]
) -> None:
    theirs = ForeignCollection("c", 1, dimension, "l2", function, options, {}, 1, 1, (), ())
    assert known_models(theirs) == expected
