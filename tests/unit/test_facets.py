"""What there is to filter by, with counts, and the filters made of it."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import pytest

from rag.catalog import Catalog, Collection, DocumentFacet, Facets
from rag.documents import Chunk, Document, Metadata
from rag.errors import UsageError
from rag.filters import Between, Filters, parsed_where
from tests.fakes import WordEmbedder

OWN: Mapping[str, Metadata] = {
    "one": {"year": 1999, "lang": "中文", "public": True},
    "two": {"year": 2026, "lang": "en", "public": False},
    "three": {"year": "unknown", "lang": "en", "price": 2.5, "$odd": 1},
}


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(tmp_path)
    yield catalog
    catalog.close()


@pytest.fixture
def books(catalog: Catalog) -> Collection:
    books = catalog.collections.create("books", WordEmbedder("x").fingerprint)
    for place, (name, own) in enumerate(OWN.items()):
        kind, pages = ("pdf", place + 2) if place else ("txt", None)
        add(catalog, books, name, own, kind=kind, pages=pages, day=f"2026-11-2{place}")
    add(catalog, books, "waiting", {"lang": "fr"}, kind="csv", pages=9, day="2026-12-01", status="indexing")
    return books


def add(
    catalog: Catalog,
    collection: Collection,
    name: str,
    own: Metadata,
    *,
    kind: str,
    pages: int | None,
    day: str,
    status: str = "ready",
) -> None:
    document = Document(
        name, collection.id, f"{name}.{kind}", name, kind, 1, status, f"{day}T01:00:00+00:00",
        pages=pages, metadata=own,
    )  # fmt: skip
    catalog.documents.add(document, [Chunk(f"{name} {page}", 2, page) for page in range(1, (pages or 1) + 1)])


def test_ready_documents_are_counted(catalog: Catalog, books: Collection) -> None:
    assert catalog.facets(books.id) == Facets(
        documents=[
            DocumentFacet("three", "three.pdf", 4),
            DocumentFacet("two", "two.pdf", 3),
            DocumentFacet("one", "one.txt", 1),
        ],
        types={"pdf": 2, "txt": 1},
        pages=4,
        days=(date(2026, 11, 20), date(2026, 11, 22)),
        own={
            "lang": [("en", 2), ("中文", 1)],
            "price": [(2.5, 1)],
            "public": [(False, 1), (True, 1)],
            "year": [(1999, 1), (2026, 1), ("unknown", 1)],
        },
    )
    truths = [value for value, _ in catalog.facets(books.id).own["public"]]
    assert truths[0] is False and truths[1] is True


def test_the_counts_follow_the_documents(catalog: Catalog, books: Collection) -> None:
    assert catalog.facets(books.id).types == {"pdf": 2, "txt": 1}
    catalog.documents.set_status(["waiting"], "ready")
    assert catalog.facets(books.id).types == {"pdf": 2, "csv": 1, "txt": 1}
    catalog.remove_document("one")
    assert catalog.facets(books.id).types == {"pdf": 2, "csv": 1}


def test_an_empty_collection_has_no_facets(catalog: Catalog) -> None:
    empty = catalog.collections.create("empty", WordEmbedder("x").fingerprint)
    assert catalog.facets(empty.id) == Facets()


@pytest.mark.parametrize(
    ("filters", "documents"),
    [
        (Filters(own={"lang": ["en"]}), {"two", "three"}),
        (Filters(own={"lang": ["en", "中文"], "public": [True]}), {"one"}),
        (Filters(own={"year": ["unknown", 1999]}), {"one", "three"}),
        (Filters(own={"year": Between(1999, 2000)}), {"one"}),
        (Filters(own={"price": Between(2.5, 3)}), {"three"}),
        (Filters(own={"lang": []}), {"one", "two", "three"}),
        (Filters(types=["pdf"], own={"lang": ["en"]}, pages=(4, 4)), {"three"}),
    ],
)
def test_filters_find_what_was_counted(
    catalog: Catalog, books: Collection, filters: Filters, documents: set[str]
) -> None:
    found = catalog.chunks.matching(books.id, filters.where(), None)
    assert {chunk.partition("-")[0] for chunk in found} == documents


def test_a_filter_written_as_json() -> None:
    assert parsed_where('{"year": {"$gte": 2000}}') == {"year": {"$gte": 2000}}
    assert parsed_where(" ") is None and parsed_where("{}") is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{'year': 1}", "not JSON: look at line 1, character 2"),
        ('{"a": 1,\n}', "look at line"),
        ("[1]", "it should hold one key"),
        ('{"a": 1, "b": 2}', "it should hold one key"),
        ('{"$and": [{"a": 1}]}', "two or more filters"),
        ('{"a": {"$in": []}}', "a list of at least one value"),
        ('{"a": {"$gt": "x"}}', "compares numbers"),
        ('{"a": {"$like": "x"}}', "there is no operator $like"),
        ("[" * 100_000, "not JSON that can be read"),
    ],
)
def test_a_bad_filter_is_refused_in_words(text: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        parsed_where(text)
    assert says in str(refused.value)
