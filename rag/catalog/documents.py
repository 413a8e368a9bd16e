"""Documents and their chunks: the truth that the indexes are written from."""

import json
import sqlite3
from collections.abc import Sequence

from rag.catalog.database import Database
from rag.catalog.jobs import chunk_size_of
from rag.catalog.stored_chunk import CHUNK_COLUMNS, StoredChunk, chunk_row, stored_chunk
from rag.catalog.vectors import DELETE_UNUSED
from rag.documents import Chunk, Document, Notice
from rag.errors import UsageError

BY_HAND = "note"  # the kind of a document whose records were written by hand: no file takes its place
_COLUMNS = """d.*, (select count(*) from chunks c where c.document_id = d.id) as chunk_count"""


class Documents:
    """The documents in the catalogue."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.generation = 0  # rises whenever other chunks than before can be found

    def add(self, document: Document, chunks: Sequence[Chunk]) -> None:
        """Write a document and its chunks, all or nothing."""
        with self._database.transaction() as connection:
            connection.execute(
                "insert into documents values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    document.id,
                    document.collection_id,
                    document.name,
                    document.sha256,
                    document.kind,
                    document.title,
                    document.bytes,
                    document.pages,
                    document.tokens,
                    document.status,
                    json.dumps([warning.to_row() for warning in document.warnings]),
                    json.dumps(document.error.to_row()) if document.error else None,
                    json.dumps(dict(document.metadata)),
                    document.added_at,
                    document.folder,
                    document.chunk_size and document.chunk_size.tokens,
                    document.chunk_size and document.chunk_size.overlap,
                ),
            )
            connection.executemany(
                f"insert into chunks ({CHUNK_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [chunk_row(document.id, ordinal, chunk) for ordinal, chunk in enumerate(chunks)],
            )
        self.generation += 1

    def set_status(self, document_ids: Sequence[str], status: str) -> None:
        """Move documents to another state."""
        with self._database.transaction() as connection:
            connection.executemany(
                "update documents set status = ? where id = ?", [(status, key) for key in document_ids]
            )
        self.generation += 1

    def publish(self, document: Document) -> list[str]:
        """Make `document` ready in place of every other version of its name; the ids of those.

        They are in state "deleting" afterwards, so that no moment shows both or neither.
        """
        with self._database.transaction() as connection:
            connection.execute("update documents set status = 'ready' where id = ?", (document.id,))
            rows = connection.execute(
                "update documents set status = 'deleting' where collection_id = ? and name = ? and id <> ? "
                "and status <> 'indexing' and kind <> ? returning id",
                (document.collection_id, document.name, document.id, BY_HAND),
            ).fetchall()
        self.generation += 1
        return [row["id"] for row in rows]

    def remove(self, document_id: str) -> list[str]:
        """Forget a document, its chunks, and the vectors that no other chunk uses; its pictures' digests."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "select text_hash, picture from chunks where document_id = ?1 "
                "union select text_hash, picture from deleted_records where document_id = ?1",
                (document_id,),
            ).fetchall()
            connection.execute("delete from documents where id = ?", (document_id,))
            connection.executemany(DELETE_UNUSED, [(row["text_hash"],) for row in rows])
        self.generation += 1
        return [row["picture"] for row in rows if row["picture"]]

    def find(self, document_id: str) -> Document | None:
        """The document of this id, or None."""
        rows = self._select("d.id = ?", (document_id,))
        return rows[0] if rows else None

    def get(self, document_id: str) -> Document:
        """The document of this id. Raises UsageError if there is none."""
        if document := self.find(document_id):
            return document
        raise UsageError("There is no document with the id {id}.", id=document_id)

    def ready_ids(self, collection_id: str) -> frozenset[str]:
        """The ids of the documents that can be found."""
        rows = self._database.connection.execute(
            "select id from documents where collection_id = ? and status = 'ready'", (collection_id,)
        )
        return frozenset(row[0] for row in rows)

    def in_any_state(self, collection_id: str) -> list[Document]:
        """Everything the catalogue holds of a collection, what is being deleted too."""
        return self._select("d.collection_id = ?", (collection_id,))

    def all(self, collection_id: str) -> list[Document]:
        """The documents of a collection that a user sees, newest first."""
        return self._select("d.collection_id = ? and d.status <> 'deleting'", (collection_id,))

    def with_status(self, *statuses: str) -> list[Document]:
        """The documents of all collections that are in one of these states, oldest first."""
        marks = ",".join("?" * len(statuses))
        return self._select(f"d.status in ({marks})", statuses)[::-1]

    def with_content(self, collection_id: str, sha256: str) -> list[Document]:
        """The ready documents with this content, newest first."""
        return self._select(
            "d.collection_id = ? and d.sha256 = ? and d.status = 'ready'", (collection_id, sha256)
        )

    def named(self, collection_id: str, name: str) -> list[Document]:
        """Every version under this name, the last one that was added first, whatever the clock said."""
        found = "d.collection_id = ? and d.name = ?"
        return self._select(found, (collection_id, name), order="d.rowid desc")

    def of_folder(self, collection_id: str, folder: str) -> list[Document]:
        """The documents that came from this folder and in no other way, newest first."""
        return self._select(
            "d.collection_id = ? and d.folder = ? and d.status <> 'deleting'", (collection_id, folder)
        )

    def leave_folder(self, document_id: str) -> None:
        """Note that a document came in another way too, so that it does not go with its file."""
        with self._database.transaction() as connection:
            connection.execute("update documents set folder = null where id = ?", (document_id,))

    def needing(self, sha256: str) -> list[str]:
        """The names of the documents and waiting jobs that need this original or picture."""
        rows = self._database.connection.execute(
            "select name from documents where sha256 = ?1 "
            "union select d.name from documents d join chunks c on c.document_id = d.id where c.picture = ?1 "
            "union select d.name from documents d join deleted_records r on r.document_id = d.id "
            "where r.picture = ?1 "
            "union select name from jobs where sha256 = ?1 and state in ('queued', 'running')",
            (sha256,),
        )
        return [row[0] for row in rows]

    def uses_original(self, sha256: str) -> bool:
        """Whether a document or a waiting job still needs this original file, or a chunk this picture."""
        row = self._database.connection.execute(
            "select exists (select 1 from documents where sha256 = ?1) "
            "or exists (select 1 from chunks where picture = ?1) "
            "or exists (select 1 from deleted_records where picture = ?1) "
            "or exists (select 1 from jobs where sha256 = ?1 and state in ('queued', 'running'))",
            (sha256,),
        ).fetchone()
        return bool(row[0])

    def chunks(self, document_id: str) -> list[StoredChunk]:
        """A document's chunks in reading order."""
        rows = self._database.connection.execute(
            "select * from chunks where document_id = ? order by ordinal", (document_id,)
        )
        return [stored_chunk(row) for row in rows]

    def _select(
        self, condition: str, parameters: Sequence[object], *, order: str = "d.added_at desc, d.rowid desc"
    ) -> list[Document]:
        query = f"select {_COLUMNS} from documents d where {condition} order by {order}"
        return [_document(row) for row in self._database.connection.execute(query, tuple(parameters))]


def _document(row: sqlite3.Row) -> Document:
    return Document(
        id=row["id"],
        collection_id=row["collection_id"],
        name=row["name"],
        sha256=row["sha256"],
        kind=row["kind"],
        bytes=row["bytes"],
        status=row["status"],
        added_at=row["added_at"],
        title=row["title"],
        pages=row["pages"],
        chunks=row["chunk_count"],
        tokens=row["tokens"],
        warnings=tuple(map(Notice.from_row, json.loads(row["warnings"]))),
        error=Notice.from_row(json.loads(row["error"])) if row["error"] else None,
        metadata=json.loads(row["metadata"]),
        folder=row["folder"],
        chunk_size=chunk_size_of(row),
    )
