"""Records changed by hand: each change is one transaction, with a mark for what the indexes must follow."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from rag.catalog.changed_records import mark_changed
from rag.catalog.database import Database, batches
from rag.catalog.documents import BY_HAND, Documents
from rag.catalog.stored_chunk import CHUNK_COLUMNS
from rag.catalog.vectors import DELETE_UNUSED, given_key, save_vector, vector_key
from rag.documents import Chunk, Document, Fingerprint, Metadata

NOTES_NAME = "Written by hand"
_KEPT = f"{CHUNK_COLUMNS}, metadata, edited_at"


@dataclass(frozen=True, slots=True)
class RecordContent:
    """What a record is to hold: its chunk, its own metadata, and its vector (dimension,), of unit length.

    `is_given` tells that the vector was given by hand; another record of the same text does not get it.
    """

    chunk: Chunk
    metadata: Metadata
    vector: NDArray[np.float32]
    is_given: bool = False

    def key(self, record_id: str) -> str:
        """The key of its vector."""
        return given_key(record_id, self.vector) if self.is_given else vector_key(self.chunk)


@dataclass(frozen=True, slots=True)
class Deletion:
    """Records that were deleted at once, and can be brought back."""

    number: int
    deleted_at: str
    ids: tuple[str, ...]


class Records:
    """What changes single chunks in the catalogue."""

    def __init__(self, database: Database, documents: Documents) -> None:
        self._database = database
        self._documents = documents

    def notes(self, collection_id: str) -> Document | None:
        """The document of the records that were written by hand, if there is one."""
        found = self._documents.in_any_state(collection_id)
        return next((each for each in found if each.kind == BY_HAND and each.status == "ready"), None)

    def add(self, document: Document, fingerprint: Fingerprint, content: RecordContent) -> str:
        """Write a new record at the end of a document; its id."""
        with self._database.transaction() as connection:
            ordinal = _next_ordinal(connection, document.id)
            record_id = f"{document.id}-{ordinal:05d}"
            key = content.key(record_id)
            save_vector(connection, fingerprint, key, content.vector)
            connection.execute(
                f"insert into chunks ({_KEPT}) values (?, ?, ?, null, null, ?, ?, ?, ?, null, ?, ?)",
                (
                    record_id,
                    document.id,
                    ordinal,
                    json.dumps(content.chunk.headings, ensure_ascii=False),
                    content.chunk.text,
                    content.chunk.tokens,
                    key,
                    json.dumps(dict(content.metadata), ensure_ascii=False),
                    _now(),
                ),
            )
            self._changed(connection, document.collection_id, [record_id])
        self._documents.generation += 1
        return record_id

    def edit(
        self,
        collection_id: str,
        record_id: str,
        fingerprint: Fingerprint,
        content: RecordContent,
        key: str | None = None,
    ) -> None:
        """Give a record another content; with `key` the vector of that key stays, whose is none of a text."""
        with self._database.transaction() as connection:
            before = connection.execute("select text_hash from chunks where id = ?", (record_id,)).fetchone()
            new_key = key or content.key(record_id)
            save_vector(connection, fingerprint, new_key, content.vector)
            connection.execute(
                "update chunks set text = ?, tokens = ?, text_hash = ?, metadata = ?, edited_at = ? "
                "where id = ?",
                (
                    content.chunk.text,
                    content.chunk.tokens,
                    new_key,
                    json.dumps(dict(content.metadata), ensure_ascii=False),
                    _now(),
                    record_id,
                ),
            )
            connection.execute(DELETE_UNUSED, (before["text_hash"],))
            self._changed(connection, collection_id, [record_id])
        self._documents.generation += 1

    def delete(self, collection_id: str, ids: Sequence[str]) -> Deletion:
        """Take records out of every search; they stay here until they are purged."""
        at = _now()
        with self._database.transaction() as connection:
            number = (
                1 + connection.execute("select ifnull(max(deletion), 0) from deleted_records").fetchone()[0]
            )
            for batch in batches(ids):
                marks = ",".join("?" * len(batch))
                connection.execute(
                    f"insert into deleted_records ({_KEPT}, deletion, deleted_at) "
                    f"select {_KEPT}, ?, ? from chunks where id in ({marks})",
                    (number, at, *batch),
                )
                connection.execute(f"delete from chunks where id in ({marks})", batch)
            self._changed(connection, collection_id, ids)
        self._documents.generation += 1
        return Deletion(number, at, tuple(ids))

    def deletions(self, collection_id: str) -> list[Deletion]:
        """What can be brought back, the last deletion first."""
        rows = self._database.connection.execute(
            "select r.deletion, r.deleted_at, r.id from deleted_records r join documents d "
            "on d.id = r.document_id where d.collection_id = ? and d.status = 'ready' "
            "order by r.deletion desc, r.id",
            (collection_id,),
        )
        found: dict[int, tuple[str, list[str]]] = {}
        for number, at, record_id in rows:
            found.setdefault(number, (at, []))[1].append(record_id)
        return [Deletion(number, at, tuple(ids)) for number, (at, ids) in found.items()]

    def deleted_chunks(self, ids: Sequence[str]) -> list[sqlite3.Row]:
        """The rows of deleted records."""
        marks = ",".join("?" * len(ids))
        query = f"select {_KEPT} from deleted_records where id in ({marks}) order by id"
        return self._database.connection.execute(query, tuple(ids)).fetchall()

    def restore(self, collection_id: str, ids: Sequence[str]) -> None:
        """Bring deleted records back, as they were."""
        with self._database.transaction() as connection:
            for batch in batches(ids):
                marks = ",".join("?" * len(batch))
                connection.execute(
                    f"insert into chunks ({_KEPT}) select {_KEPT} from deleted_records where id in ({marks})",
                    batch,
                )
                connection.execute(f"delete from deleted_records where id in ({marks})", batch)
            self._changed(connection, collection_id, ids)
        self._documents.generation += 1

    def purge(self, collection_id: str) -> tuple[int, list[str]]:
        """Forget the deleted records of a collection for good; how many, and their pictures' digests."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "delete from deleted_records where document_id in "
                "(select id from documents where collection_id = ?) returning text_hash, picture",
                (collection_id,),
            ).fetchall()
            connection.executemany(DELETE_UNUSED, [(row["text_hash"],) for row in rows])
        return len(rows), [row["picture"] for row in rows if row["picture"]]

    def changed_by_hand(self, document_id: str) -> int:
        """How many records of a document were edited, added or deleted by hand."""
        row = self._database.connection.execute(
            "select (select count(*) from chunks where document_id = ?1 and edited_at is not null) "
            "+ (select count(*) from deleted_records where document_id = ?1)",
            (document_id,),
        ).fetchone()
        return int(row[0])

    def _changed(self, connection: sqlite3.Connection, collection_id: str, ids: Sequence[str]) -> None:
        """Whatever is kept about the documents of changed records is told that they are others now."""
        mark_changed(connection, collection_id, ids)
        documents = {each.rpartition("-")[0] for each in ids}
        for document_id in documents:
            connection.execute("delete from examinations where document_id = ?", (document_id,))
            connection.execute(
                "update documents set tokens = "
                "(select ifnull(sum(tokens), 0) from chunks where document_id = ?1) where id = ?1",
                (document_id,),
            )


def _next_ordinal(connection: sqlite3.Connection, document_id: str) -> int:
    row = connection.execute(
        "select max(ifnull((select max(ordinal) from chunks where document_id = ?1), -1), "
        "ifnull((select max(ordinal) from deleted_records where document_id = ?1), -1))",
        (document_id,),
    ).fetchone()
    return int(row[0]) + 1


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
