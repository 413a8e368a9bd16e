"""The catalogue answers filters as Chroma itself does, and refuses what Chroma refuses."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import chromadb
import pytest
from chromadb.config import Settings as ChromaSettings

from rag.catalog import Catalog
from rag.catalog.where import MOST_CONDITIONS, MOST_LEVELS, MOST_VALUES
from rag.documents import Chunk, Document
from rag.errors import UsageError
from tests.fakes import WordEmbedder

OWN: Mapping[str, Mapping[str, str | int | float | bool]] = {
    "one": {"year": 1999, "lang": "中文", "public": True},
    "two": {"year": 2026, "price": 2.5, "public": False},
    "three": {"year": "1999", 'odd "key".$': "x"},
    "four": {},
}


class Both:
    """The same four documents of three pages in the catalogue and in a plain Chroma collection."""

    def __init__(self, folder: Path) -> None:
        self.catalog = Catalog(folder)
        self.collection = self.catalog.collections.create("books", WordEmbedder("x").fingerprint)
        self.chroma = chromadb.PersistentClient(
            str(folder / "plain"), settings=ChromaSettings(anonymized_telemetry=False)
        ).create_collection("plain", embedding_function=None)
        for position, (name, own) in enumerate(OWN.items()):
            day = f"2026-11-2{position}T00:00:00+00:00"
            chunks = [Chunk(f"{name} 第{page}页", 3, page) for page in (1, 2, 3)]
            file = (f"{name}.pdf", name, "pdf", 1)
            document = Document(name, self.collection.id, *file, "ready", day, metadata=own)
            self.catalog.documents.add(document, chunks)
            ids = [chunk.id for chunk in self.catalog.documents.chunks(name)]
            known = {
                "document_id": name,
                "document": f"{name}.pdf",
                "type": "pdf",
                "added": 20261120 + position,
            }
            self.chroma.add(
                ids=ids,
                embeddings=[[1.0, 0.0]] * 3,
                documents=[chunk.text for chunk in chunks],
                metadatas=[{**own, **known, "page": chunk.page or 0} for chunk in chunks],
            )

    def matching(self, where: Mapping[str, Any] | None, contains: str | None = None) -> list[str]:
        return sorted(self.catalog.chunks.matching(self.collection.id, where, contains))

    def in_chroma(self, where: Mapping[str, Any] | None, contains: str | None = None) -> list[str]:
        text: Any = {"$contains": contains} if contains else None
        plain: Any = where
        return sorted(self.chroma.get(where=plain, where_document=text, include=[])["ids"])


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    both = Both(tmp_path_factory.mktemp("where"))
    yield both
    both.catalog.close()


@pytest.mark.parametrize(
    "where",
    [
        {"document_id": "one"},
        {"document": {"$in": ["one.pdf", "four.pdf", "none"]}},
        {"type": {"$ne": "pdf"}},
        {"page": {"$gte": 2}},
        {"page": {"$nin": [1, 2]}},
        {"page": "2"},
        {"added": {"$lt": 20261122}},
        {"year": 1999},
        {"year": "1999"},
        {"year": {"$gt": 1998}},
        {"year": {"$ne": 1999}},
        {"year": {"$nin": [1999, 2026]}},
        {"price": {"$lte": 2.5}},
        {"public": True},
        {"public": {"$ne": True}},
        {"lang": "中文"},
        {'odd "key".$': "x"},
        {"nothing": {"$ne": "x"}},
        {"$and": [{"page": 1}, {"year": {"$gte": 1999}}]},
        {"$or": [{"page": 1}, {"$and": [{"page": 3}, {"lang": "中文"}]}]},
        {"page": {"$lte": 2**63 - 1}},
        {"year": {"$nin": [-(2**63)]}},
        None,
    ],
    ids=str,
)
def test_filters_mean_what_they_mean_to_chroma(both: Both, where: Mapping[str, Any] | None) -> None:
    assert both.matching(where) == both.in_chroma(where)


@pytest.mark.parametrize("text", ["第2页", "页", "one", "ONE", "50%", "t_o"])
def test_text_is_found_as_chroma_finds_it(both: Both, text: str) -> None:
    assert both.matching(None, text) == both.in_chroma(None, text)
    assert both.matching({"page": 2}, text) == both.in_chroma({"page": 2}, text)


@pytest.mark.parametrize(
    "where",
    [
        {},
        {"a": 1, "b": 2},
        {"page": {"$near": 1}},
        {"page": {"$in": []}},
        {"page": {"$in": [1, "2"]}},
        {"page": {"$eq": [1]}},
        {"page": {"$gte": True}},
        {"page": {"$gte": "2"}},
        {"page": {"$gte": 1, "$lte": 2}},
        {"page": None},
        {"$and": [{"page": 1}]},
        {"$and": {"page": 1}},
        {"$not": [{"page": 1}, {"page": 2}]},
        {"$or": [{"page": 1}, 3]},
        {1: 2},
        {"page": {"$lt": 2**63}},
        {"page": {"$in": [1, 2**70]}},
        {"price": {"$ne": float("nan")}},
        {"price": {"$lt": float("inf")}},
        {"lang": "\ud800"},
        {"lang": {"$in": ["\ud800"]}},
        {"\ud800": 1},
        {"page": {"\ud800": 1}},
    ],
    ids=str,
)
def test_a_bad_filter_is_the_users_error(both: Both, where: Mapping[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError, chromadb.errors.ChromaError)):
        both.in_chroma(where)
    if where:  # an empty one is no filter
        with pytest.raises(UsageError, match="The filter is not valid"):
            both.matching(where)


def nested(levels: int) -> dict[str, Any]:
    """Filters in filters, `levels` of them."""
    where: dict[str, Any] = {"page": 1}
    for level in range(levels):
        where = {"$and" if level % 2 else "$or": [{"lang": "中文"}, where]}
    return where


def many(conditions: int) -> dict[str, Any]:
    return {"$or": [{"lang": "中文"}] * (conditions - 1) + [{"page": 1}]}


LARGEST = {
    "levels": nested(MOST_LEVELS),
    "conditions": many(MOST_CONDITIONS),
    "values": {"page": {"$in": list(range(2, MOST_VALUES + 2))}},
}
TOO_LARGE = {
    "levels": nested(MOST_LEVELS + 1),
    "more levels than Python's stack": nested(5_000),
    "conditions": many(MOST_CONDITIONS + 1),
    "conditions in several lists": {"$and": [many(MOST_CONDITIONS // 2 + 1)] * 2},
    "values": {"page": {"$in": list(range(MOST_VALUES + 1))}},
    "values of several lists": {"$or": [{"page": {"$in": list(range(MOST_VALUES // 2 + 1))}}] * 2},
    "levels of a value": {"page": {"$eq": [nested(5_000)]}},
}


@pytest.mark.parametrize("name", ["levels", "conditions"])
def test_the_largest_filters_mean_what_they_mean_to_chroma(both: Both, name: str) -> None:
    assert both.matching(LARGEST[name], "页") == both.in_chroma(LARGEST[name], "页")


def test_more_values_than_chroma_takes_are_no_error(both: Both) -> None:
    with pytest.raises(chromadb.errors.InternalError, match="too many SQL variables"):
        both.in_chroma(LARGEST["values"])
    assert both.matching(LARGEST["values"]) == both.matching({"page": {"$gte": 2}})


@pytest.mark.parametrize("where", TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_filter_that_is_too_large_is_the_users_error(both: Both, where: Mapping[str, Any]) -> None:
    with pytest.raises(UsageError, match="The filter is not valid") as caught:
        both.matching(where)
    assert len(str(caught.value)) < 300


def test_numbers_are_compared_exactly_where_chroma_rounds(both: Both) -> None:
    assert both.matching({"year": 1999.5}) == []
    assert both.in_chroma({"year": 1999.5}) == both.matching({"year": 1999})


def test_a_text_that_is_none_is_the_users_error(both: Both) -> None:
    with pytest.raises(UsageError, match="lone surrogate"):
        both.matching(None, "\ud800")
