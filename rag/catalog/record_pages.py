"""The records of a collection page by page: each page begins where another ended, none is counted off."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from rag.catalog.database import Database
from rag.catalog.documents import Documents, StoredChunk, stored_chunk
from rag.catalog.where import Condition, condition, containing
from rag.documents import Document
from rag.errors import UsageError

StoredRecord: TypeAlias = tuple[StoredChunk, Document]

_ALL = Condition("true")


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Which records are wanted: a filter in Chroma's form, and a text that they hold, case and all."""

    where: Mapping[str, Any] | None = None
    contains: str | None = None

    def condition(self) -> Condition:
        """The filter as SQL. Raises UsageError for a bad one."""
        wanted = condition(self.where) if self.where else _ALL
        if not self.contains:
            return wanted
        text = containing(self.contains)
        return Condition(f"{wanted.sql} and {text.sql}", (*wanted.values, *text.values))


class RecordPages:
    """The chunks of ready documents in the order of their documents' coming, then of the text."""

    def __init__(self, database: Database, documents: Documents) -> None:
        self._database = database
        self._documents = documents

    def after(
        self, collection_id: str, record_id: str | None, wanted: RecordFilter, *, most: int
    ) -> list[StoredRecord]:
        """The first records after one, or after none. Raises UsageError for a bad filter or an unknown id."""
        return self._with_documents(self._read(collection_id, record_id, wanted.condition(), most, _AFTER))

    def before(
        self, collection_id: str, record_id: str | None, wanted: RecordFilter, *, most: int
    ) -> list[StoredRecord]:
        """The last records before one, or before the end, in their order. Raises as `after` does."""
        rows = self._read(collection_id, record_id, wanted.condition(), most, _BEFORE)
        return self._with_documents(rows[::-1])

    def count(self, collection_id: str, wanted: RecordFilter) -> int:
        """How many records pass a filter. Raises UsageError for a bad one."""
        passes = wanted.condition()
        row = self._database.connection.execute(
            "select count(*) from documents d join chunks c on c.document_id = d.id "
            f"where d.collection_id = ? and d.status = 'ready' and {passes.sql}",
            (collection_id, *passes.values),
        ).fetchone()
        return int(row[0])

    def _read(
        self, collection_id: str, record_id: str | None, wanted: Condition, most: int, way: "_Way"
    ) -> list[sqlite3.Row]:
        if record_id is None:
            return self._rows(way.others("true"), (collection_id, *wanted.values), wanted, most)
        place = self._place(collection_id, record_id)
        own = (place["document_id"], place["ordinal"], *wanted.values)
        rows = self._rows(way.same_document, own, wanted, most)
        if len(rows) < most:
            rest = (collection_id, place["document"], *wanted.values)
            rows += self._rows(way.others(f"d.rowid {way.sign} ?"), rest, wanted, most - len(rows))
        return rows

    def _rows(self, query: str, values: Sequence[object], wanted: Condition, most: int) -> list[sqlite3.Row]:
        return self._database.connection.execute(query.format(wanted=wanted.sql), (*values, most)).fetchall()

    def _place(self, collection_id: str, record_id: str) -> sqlite3.Row:
        """Where a record stands, or stood before it was deleted."""
        found = self._database.connection.execute(
            "select c.document_id, c.ordinal, d.rowid as document from ("
            "select id, document_id, ordinal from chunks where id = ?1 "
            "union all select id, document_id, ordinal from deleted_records where id = ?1"
            ") c join documents d on d.id = c.document_id where d.collection_id = ?2",
            (record_id, collection_id),
        ).fetchone()
        if found is None:
            raise no_record(record_id)
        return found  # type: ignore[no-any-return]

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
            f"where d.id = ? and d.status = 'ready' and c.ordinal {self.sign} ? and {{wanted}} "
            f"order by c.ordinal {self.order} limit ?"
        )

    def others(self, beyond: str) -> str:
        """The documents beyond a record's, or all."""
        return (
            "select c.* from documents d cross join chunks c on c.document_id = d.id "
            f"where d.collection_id = ? and d.status = 'ready' and {beyond} and {{wanted}} "
            f"order by d.rowid {self.order}, c.ordinal {self.order} limit ?"
        )


_AFTER, _BEFORE = _Way(">", "asc"), _Way("<", "desc")


def no_record(record_id: str) -> UsageError:
    """What is said of an id that the collection has no record of."""
    return UsageError("There is no record with the id {id} in this collection.", id=record_id)
