"""Filters people choose, in Chroma's form."""

from datetime import date

from rag.filters import Filters


def test_filters_become_what_chroma_accepts() -> None:
    assert Filters().where() is None
    assert Filters(types=["pdf"]).where() == {"type": {"$in": ["pdf"]}}
    assert Filters(pages=(2, 5)).where() == {"$and": [{"page": {"$gte": 2}}, {"page": {"$lte": 5}}]}
    every = Filters(documents=["a"], added=(date(2026, 1, 2), date(2026, 11, 21)), own={"year": 2026}).where()
    assert every == {
        "$and": [
            {"document_id": {"$in": ["a"]}},
            {"added": {"$gte": 20260102}},
            {"added": {"$lte": 20261121}},
            {"year": {"$eq": 2026}},
        ]
    }
