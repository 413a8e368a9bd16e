"""Documents and their chunks: the truth that the indexes are written from."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rag.catalog.database import Database
from rag.catalog.jobs import chunk_size_of
from rag.catalog.vectors import DELETE_UNUSED, vector_key
from rag.catalog.where import Condition, condition, containing, without_own_metadata
from rag.documents import Chunk, Document, Metadata, Notice
from rag.errors import UsageError

BATCH = 500
BY_HAND = "note"  # the kind of a document whose records were written by hand: no file takes its place
CHUNK_COLUMNS = (
    "id, document_id, ordinal, page, page_label, headings, text, tokens, text_hash, picture"  # of any chunk
)
_COLUMNS = """d.*, (select count(*) from chunks c where c.document_id = d.id) as chunk_count"""


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk with its id ("DOCUMENT-ordinal"), its place in the document and the key of its vector.

    `metadata` is its own, beside that of its document; `edited_at` is when it was changed by hand, if it was.
    """

    id: str
    document_id: str
    ordinal: int
    text_hash: str
    chunk: Chunk
    metadata: Metadata = field(default_factory=dict)
    edited_at: str | None = None


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
                [_chunk_row(document.id, ordinal, chunk) for ordinal, chunk in enumerate(chunks)],
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

    def ready_chunks(
        self, collection_id: str, chunk_ids: Sequence[str]
    ) -> dict[str, tuple[StoredChunk, Document]]:
        """Those of the chunks that belong to ready documents of the collection, by chunk id."""
        found: dict[str, StoredChunk] = {}
        for start in range(0, len(chunk_ids), BATCH):
            batch = chunk_ids[start : start + BATCH]
            marks = ",".join("?" * len(batch))
            rows = self._database.connection.execute(
                "select c.* from chunks c cross join documents d on d.id = c.document_id "  # by the ids first
                f"where d.collection_id = ? and d.status = 'ready' and c.id in ({marks})",
                (collection_id, *batch),
            )
            found.update((row["id"], stored_chunk(row)) for row in rows)
        documents = {key: self.get(key) for key in {chunk.document_id for chunk in found.values()}}
        return {key: (chunk, documents[chunk.document_id]) for key, chunk in found.items()}

    def matching(
        self, collection_id: str, where: Mapping[str, Any] | None, contains: str | None
    ) -> list[str]:
        """The ids of the ready chunks that pass a filter in Chroma's form and hold a text, case and all.

        Raises UsageError for a bad filter.
        """
        wanted = condition(where) if where else Condition("true")
        if contains:
            text = containing(contains)
            wanted = Condition(f"{wanted.sql} and {text.sql}", (*wanted.values, *text.values))
        passes = self.simplified(collection_id, wanted)
        rows = self._database.connection.execute(
            "select c.id from documents d cross join chunks c on c.document_id = d.id "
            f"where d.collection_id = ? and d.status = 'ready' and {passes.sql}",
            (collection_id, *passes.values),
        )
        return [row[0] for row in rows]

    def simplified(self, collection_id: str, wanted: Condition) -> Condition:
        """A condition that passes the same chunks of a collection, in less time where there is one."""
        row = self._database.connection.execute(
            "select exists (select 1 from documents d cross join chunks c "
            "on c.document_id = d.id and c.metadata <> '{}' where d.collection_id = ?)",
            (collection_id,),
        ).fetchone()
        return wanted if row[0] else without_own_metadata(wanted)

    def sample(self, collection_id: str, most: int) -> list[StoredChunk]:
        """Some texts of ready documents: as good as random, and always the same ones."""
        rows = self._database.connection.execute(
            "select c.* from chunks c join documents d on d.id = c.document_id "
            "where d.collection_id = ? and d.status = 'ready' and c.picture is null "
            "order by c.text_hash limit ?",
            (collection_id, most),
        )
        return [stored_chunk(row) for row in rows]

    def sharing_a_text(self, collection_id: str, *, most: int = 10) -> Iterator[list[str]]:
        """For each chunk that 2 to `most` ready documents hold, the ids of these."""
        rows = self._database.connection.execute(
            "select group_concat(distinct c.document_id) from chunks c join documents d "
            "on d.id = c.document_id where d.collection_id = ? and d.status = 'ready' and c.picture is null "
            "group by c.text_hash having count(distinct c.document_id) between 2 and ?",
            (collection_id, most),
        )
        for row in rows:
            yield row[0].split(",")

    def pictures(self, collection_id: str) -> dict[str, str]:
        """The SHA-256 of every picture in ready documents, by chunk id, in an order as good as random."""
        rows = self._database.connection.execute(
            "select c.id, c.picture from chunks c join documents d on d.id = c.document_id "
            "where d.collection_id = ? and d.status = 'ready' and c.picture is not null order by c.picture",
            (collection_id,),
        )
        return {row["id"]: row["picture"] for row in rows}

    def chunk_ids(self, collection_id: str, *statuses: str) -> set[str]:
        """The ids of the chunks of a collection's documents that are in one of these states."""
        marks = ",".join("?" * len(statuses))
        rows = self._database.connection.execute(
            "select c.id from chunks c join documents d on d.id = c.document_id "
            f"where d.collection_id = ? and d.status in ({marks})",
            (collection_id, *statuses),
        )
        return {row[0] for row in rows}

    def _select(
        self, condition: str, parameters: Sequence[object], *, order: str = "d.added_at desc, d.rowid desc"
    ) -> list[Document]:
        query = f"select {_COLUMNS} from documents d where {condition} order by {order}"
        return [_document(row) for row in self._database.connection.execute(query, tuple(parameters))]


def _chunk_row(document_id: str, ordinal: int, chunk: Chunk) -> tuple[object, ...]:
    return (
        f"{document_id}-{ordinal:05d}",
        document_id,
        ordinal,
        chunk.page,
        chunk.page_label,
        json.dumps(chunk.headings, ensure_ascii=False),
        chunk.text,
        chunk.tokens,
        vector_key(chunk),
        chunk.picture,
    )


def stored_chunk(row: sqlite3.Row) -> StoredChunk:
    chunk = Chunk(
        text=row["text"],
        tokens=row["tokens"],
        page=row["page"],
        headings=tuple(json.loads(row["headings"])),
        page_label=row["page_label"],
        picture=row["picture"],
    )
    return StoredChunk(
        row["id"],
        row["document_id"],
        row["ordinal"],
        row["text_hash"],
        chunk,
        json.loads(row["metadata"]),
        row["edited_at"],
    )


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
