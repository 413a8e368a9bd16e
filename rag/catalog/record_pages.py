"""The records of a collection page by page.

Without a filter each page begins where another ended, and none is counted off; with one, all that pass are
found once, and every page is cut from them.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from rag.catalog.chunks import Chunks
from rag.catalog.database import Database, batches
from rag.catalog.documents import Documents
from rag.catalog.record_places import ORDINAL_BITS, Places, RecordPlaces, parts_of, place_of
from rag.catalog.stored_chunk import StoredChunk, stored_chunk
from rag.catalog.where import Condition, passing
from rag.documents import Document
from rag.errors import UsageError

StoredRecord: TypeAlias = tuple[StoredChunk, Document]


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Which records are wanted: a filter in Chroma's form, and a text that they hold, case and all."""

    where: Mapping[str, Any] | None = None
    contains: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether every record passes."""
        return not (self.where or self.contains)

    def condition(self) -> Condition:
        """The filter as SQL. Raises UsageError for a bad one."""
        return passing(self.where, self.contains)


class RecordPages:
    """The chunks of ready documents in the order of their documents' coming, then of the text."""

    def __init__(self, database: Database, documents: Documents, chunks: Chunks) -> None:
        self._database = database
        self._documents = documents
        self._chunks = chunks
        self._places = RecordPlaces(database, documents, chunks)

    def after(
        self, collection_id: str, record_id: str | None, wanted: RecordFilter, *, most: int
    ) -> list[StoredRecord]:
        """The first records after one, or after none. Raises UsageError for a bad filter or an unknown id."""
        if wanted.is_empty:
            return self._with_documents(self._read(collection_id, record_id, most, _AFTER))
        places, start = self._passing(collection_id, wanted), 0
        if record_id is not None:
            start = int(np.searchsorted(places, self._place(collection_id, record_id), side="right"))
        return self._standing_at(collection_id, places[start : start + most])

    def before(
        self, collection_id: str, record_id: str | None, wanted: RecordFilter, *, most: int
    ) -> list[StoredRecord]:
        """The last records before one, or before the end, in their order. Raises as `after` does."""
        if wanted.is_empty:
            return self._with_documents(self._read(collection_id, record_id, most, _BEFORE)[::-1])
        places = self._passing(collection_id, wanted)
        end = len(places)
        if record_id is not None:
            end = int(np.searchsorted(places, self._place(collection_id, record_id)))
        return self._standing_at(collection_id, places[max(0, end - most) : end])

    def at(self, collection_id: str, number: int, wanted: RecordFilter, *, most: int) -> list[StoredRecord]:
        """The records from the `number`-th on, which begins at 1. Raises UsageError for a bad filter."""
        if not wanted.is_empty:
            places = self._passing(collection_id, wanted)[number - 1 : number - 1 + most]
            return self._standing_at(collection_id, places)
        rows = self._database.connection.execute(
            f"select (d.rowid << {ORDINAL_BITS}) | c.ordinal from documents d "
            "cross join chunks c on c.document_id = d.id "
            "where d.collection_id = ? and d.status = 'ready' order by d.rowid, c.ordinal limit ? offset ?",
            (collection_id, most, number - 1),
        )
        return self._standing_at(collection_id, [row[0] for row in rows])

    def count(self, collection_id: str, wanted: RecordFilter) -> int:
        """How many records pass a filter. Raises UsageError for a bad one."""
        if wanted.is_empty:
            return self._chunks.count(collection_id)
        return len(self._passing(collection_id, wanted))

    def _passing(self, collection_id: str, wanted: RecordFilter) -> Places:
        return self._places.of(collection_id, wanted.condition())

    def _standing_at(self, collection_id: str, places: Iterable[int]) -> list[StoredRecord]:
        """The records at these places; one that is gone meanwhile is left out."""
        wanted = [parts_of(int(each)) for each in places]
        rows: list[sqlite3.Row] = []
        for batch in batches(wanted):
            marks = ",".join(["(?,?)"] * len(batch))
            rows += self._database.connection.execute(
                f"with places(document, ordinal) as (values {marks}) select c.* from places p "
                "cross join documents d on d.rowid = p.document "
                "cross join chunks c on c.document_id = d.id and c.ordinal = p.ordinal "
                "where d.collection_id = ? and d.status = 'ready' order by d.rowid, c.ordinal",
                (*(part for each in batch for part in each), collection_id),
            )
        return self._with_documents(rows)

    def _read(self, collection_id: str, record_id: str | None, most: int, way: "_Way") -> list[sqlite3.Row]:
        if record_id is None:
            return self._rows(way.others("true"), (collection_id, most))
        document, ordinal = parts_of(self._place(collection_id, record_id))
        rows = self._rows(way.same_document, (document, ordinal, most))
        if len(rows) < most:
            beyond = way.others(f"d.rowid {way.sign} ?")
            rows += self._rows(beyond, (collection_id, document, most - len(rows)))
        return rows

    def _rows(self, query: str, values: Sequence[object]) -> list[sqlite3.Row]:
        return self._database.connection.execute(query, values).fetchall()

    def _place(self, collection_id: str, record_id: str) -> int:
        """Where a record stands, or stood before it was deleted."""
        found = self._database.connection.execute(
            "select d.rowid as document, c.ordinal from ("
            "select id, document_id, ordinal from chunks where id = ?1 "
            "union all select id, document_id, ordinal from deleted_records where id = ?1"
            ") c join documents d on d.id = c.document_id where d.collection_id = ?2",
            (record_id, collection_id),
        ).fetchone()
        if found is None:
            raise no_record(record_id)
        return place_of(found["document"], found["ordinal"])

    def _with_documents(self, rows: Sequence[sqlite3.Row]) -> list[StoredRecord]:
        chunks = [stored_chunk(row) for row in rows]
        documents = {key: self._documents.find(key) for key in {each.document_id for each in chunks}}
        found = [(each, documents[each.document_id]) for each in chunks]
        return [(chunk, document) for chunk, document in found if document]


@dataclass(frozen=True, slots=True)
class _Way:
    """Forth or back through the records."""

    sign: str
    order: str

    @property
    def same_document(self) -> str:
        """The rest of the document that a record stands in."""
        return (
            "select c.* from documents d cross join chunks c on c.document_id = d.id "
            f"where d.rowid = ? and d.status = 'ready' and c.ordinal {self.sign} ? "
            f"order by c.ordinal {self.order} limit ?"
        )

    def others(self, beyond: str) -> str:
        """The documents beyond a record's, or all."""
        return (
            "select c.* from documents d cross join chunks c on c.document_id = d.id "
            f"where d.collection_id = ? and d.status = 'ready' and {beyond} "
            f"order by d.rowid {self.order}, c.ordinal {self.order} limit ?"
        )


_AFTER, _BEFORE = _Way(">", "asc"), _Way("<", "desc")


def no_record(record_id: str) -> UsageError:
    """What is said of an id that the collection has no record of."""
    return UsageError("There is no record with the id {id} in this collection.", id=record_id)
