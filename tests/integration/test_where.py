"""The catalogue answers filters as Chroma itself does, and refuses what Chroma refuses."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import chromadb
import pytest
from chromadb.config import Settings as ChromaSettings

from rag.catalog import Catalog
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
        return sorted(self.catalog.documents.matching(self.collection.id, where, contains))

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
    ],
    ids=str,
)
def test_a_bad_filter_is_the_users_error(both: Both, where: Mapping[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError, chromadb.errors.ChromaError)):
        both.in_chroma(where)
    if where:  # an empty one is no filter
        with pytest.raises(UsageError, match="The filter is not valid"):
            both.matching(where)
