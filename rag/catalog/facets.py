"""What the documents of a collection can be told apart by, with how many there are of each."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from rag.catalog.database import Database
from rag.catalog.where import Value

_DOCUMENTS = """
select d.id, d.name, d.kind, d.pages, substr(d.added_at, 1, 10) as day,
    (select count(*) from chunks c where c.document_id = d.id) as chunks
from documents d where d.collection_id = ? and d.status = 'ready' order by d.added_at desc, d.rowid desc
"""
_OWN = """
select m.key, m.type, m.value, count(distinct m.id) as documents from (
    select d.id, e.key, e.type, e.value from documents d, json_each(d.metadata) e
    where d.collection_id = ?1 and d.status = 'ready'
    union all
    select d.id, e.key, e.type, e.value from documents d
    join chunks c on c.document_id = d.id and c.metadata <> '{}', json_each(c.metadata) e
    where d.collection_id = ?1 and d.status = 'ready'
) m where m.key <> '' and substr(m.key, 1, 1) <> '$'
group by m.key, m.type, m.value order by m.key, documents desc, m.value
"""


@dataclass(frozen=True, slots=True)
class DocumentFacet:
    """One document and how many passages it has."""

    id: str
    name: str
    chunks: int


@dataclass(frozen=True, slots=True)
class Facets:
    """What is in the ready documents, newest first, and how many documents have it.

    `pages` is the highest page number (0 where nothing has pages), `days` the first and last day on which
    one was added. `own` are the user's own keys, each with its values, the commonest first.
    """

    documents: Sequence[DocumentFacet] = ()
    types: Mapping[str, int] = field(default_factory=dict)
    pages: int = 0
    days: tuple[date, date] | None = None
    own: Mapping[str, Sequence[tuple[Value, int]]] = field(default_factory=dict)


def facets(database: Database, collection_id: str) -> Facets:
    """The facets of a collection, by two queries."""
    documents = database.connection.execute(_DOCUMENTS, (collection_id,)).fetchall()
    own = database.connection.execute(_OWN, (collection_id,)).fetchall()
    if not documents:
        return Facets()
    days = [row["day"] for row in documents]
    return Facets(
        [DocumentFacet(row["id"], row["name"], row["chunks"]) for row in documents],
        _counted(row["kind"] for row in documents),
        max(row["pages"] or 0 for row in documents),
        (date.fromisoformat(min(days)), date.fromisoformat(max(days))),
        _by_key(own),
    )


def _counted(values: Iterable[str]) -> dict[str, int]:
    counted = Counter(values)
    return dict(sorted(counted.items(), key=lambda each: (-each[1], each[0])))


def _by_key(rows: Sequence[sqlite3.Row]) -> dict[str, list[tuple[Value, int]]]:
    own: dict[str, list[tuple[Value, int]]] = {}
    for row in rows:
        if row["type"] in ("true", "false", "integer", "real", "text"):
            own.setdefault(row["key"], []).append((_value(row), row["documents"]))
    return own


def _value(row: sqlite3.Row) -> Value:
    """JSON's true and false are numbers to SQLite."""
    value: Value = row["value"]
    return row["type"] == "true" if row["type"] in ("true", "false") else value
