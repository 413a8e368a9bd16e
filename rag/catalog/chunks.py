"""The chunks that can be found, many at a time: what the indexes are written from and compared with.

Where chunks are looked up by their ids, `cross join` keeps SQLite from beginning with the documents and
reading all chunks of a collection.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rag.catalog.database import Database, batches
from rag.catalog.documents import Documents
from rag.catalog.stored_chunk import StoredChunk, stored_chunk
from rag.catalog.where import Condition, condition, passing, without_own_metadata
from rag.documents import Document, Fingerprint

VECTORS_AT_A_TIME = 4096

Vectors: TypeAlias = NDArray[np.float32]


class Chunks:
    """The chunks of ready documents."""

    def __init__(self, database: Database, documents: Documents) -> None:
        self._database = database
        self._documents = documents
        self._counts: dict[str, tuple[int, int]] = {}  # by collection, with the generation counted in

    def count(self, collection_id: str) -> int:
        """How many chunks can be found, counted when others have come or gone."""
        generation = self._documents.generation
        kept = self._counts.get(collection_id)
        if kept is None or kept[0] != generation:
            row = self._database.connection.execute(
                "select count(*) from documents d join chunks c on c.document_id = d.id "
                "where d.collection_id = ? and d.status = 'ready'",
                (collection_id,),
            ).fetchone()
            kept = self._counts[collection_id] = generation, int(row[0])
        return kept[1]

    def ids(self, collection_id: str, *statuses: str) -> set[str]:
        """The ids of the chunks of a collection's documents that are in one of these states."""
        rows = self._database.connection.execute(
            "select c.id from chunks c join documents d on d.id = c.document_id "
            f"where d.collection_id = ? and d.status in ({_marks(statuses)})",
            (collection_id, *statuses),
        )
        return {row[0] for row in rows}

    def ready(self, collection_id: str, ids: Sequence[str]) -> dict[str, tuple[StoredChunk, Document]]:
        """Those of the chunks that belong to ready documents of the collection, by chunk id."""
        found: dict[str, StoredChunk] = {}
        for batch in batches(ids):
            rows = self._database.connection.execute(
                "select c.* from chunks c cross join documents d on d.id = c.document_id "  # by the ids first
                f"where d.collection_id = ? and d.status = 'ready' and c.id in ({_marks(batch)})",
                (collection_id, *batch),
            )
            found.update((row["id"], stored_chunk(row)) for row in rows)
        documents = {key: self._documents.get(key) for key in {chunk.document_id for chunk in found.values()}}
        return {key: (chunk, documents[chunk.document_id]) for key, chunk in found.items()}

    def matching(
        self, collection_id: str, where: Mapping[str, Any] | None, contains: str | None
    ) -> list[str]:
        """The ids of the ready chunks that pass a filter in Chroma's form and hold a text, case and all.

        Raises UsageError for a bad filter.
        """
        wanted = passing(where, contains)
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

    def pictures(self, collection_id: str) -> dict[str, str]:
        """The SHA-256 of every picture in ready documents, by chunk id, in an order as good as random."""
        rows = self._database.connection.execute(
            "select c.id, c.picture from chunks c join documents d on d.id = c.document_id "
            "where d.collection_id = ? and d.status = 'ready' and c.picture is not null order by c.picture",
            (collection_id,),
        )
        return {row["id"]: row["picture"] for row in rows}

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

    def ready_after(
        self, collection_id: str, chunk_id: str, *, most: int
    ) -> list[tuple[StoredChunk, Document]]:
        """The first chunks of ready documents whose ids come after `chunk_id` ("" for the beginning)."""
        rows = self._database.connection.execute(
            "select c.* from chunks c join documents d on d.id = c.document_id "
            "where d.collection_id = ? and d.status = 'ready' and c.id > ? order by c.id limit ?",
            (collection_id, chunk_id, most),
        )
        chunks = [stored_chunk(row) for row in rows]
        documents = {key: self._documents.find(key) for key in {each.document_id for each in chunks}}
        found = [(each, documents[each.document_id]) for each in chunks]
        return [(chunk, document) for chunk, document in found if document]

    def ready_vectors(
        self, collection_id: str, fingerprint: Fingerprint, ids: Collection[str] | None = None
    ) -> Iterator[tuple[Sequence[str], Vectors]]:
        """The vectors of the chunks that can be found, of all or of `ids`, some thousands at a time.

        Each part is the chunks' ids and their vectors, shape (n, dimension).
        """
        vectors = "cross join vectors v on v.fingerprint = ? and v.text_hash = c.text_hash"
        can_be_found = "where d.collection_id = ? and d.status = 'ready'"
        if ids is None:
            cursor = self._database.connection.execute(
                "select c.id, v.vector from documents d join chunks c on c.document_id = d.id "
                f"{vectors} {can_be_found}",
                (fingerprint.key, collection_id),
            )
            parts = iter(lambda: cursor.fetchmany(VECTORS_AT_A_TIME), [])
        else:
            parts = (
                self._database.connection.execute(
                    "select c.id, v.vector from chunks c cross join documents d on d.id = c.document_id "
                    f"{vectors} {can_be_found} and c.id in ({_marks(batch)})",
                    (fingerprint.key, collection_id, *batch),
                ).fetchall()
                for batch in batches(list(ids), VECTORS_AT_A_TIME)
            )
        for rows in parts:
            yield [row[0] for row in rows], _matrix([row[1] for row in rows], fingerprint)

    def vectors_beside(self, fingerprint: Fingerprint, ids: Sequence[str]) -> tuple[Sequence[str], Vectors]:
        """The vectors of the texts just before and after each text chunk: shape (n, dimension).

        With each the id of the chunk that it stands beside, which is there twice, once, or not at all.
        """
        rows = self._database.connection.execute(
            "select c.id, v.vector from chunks c cross join chunks n "
            "on n.document_id = c.document_id and n.ordinal in (c.ordinal - 1, c.ordinal + 1) "
            "cross join vectors v on v.fingerprint = ? and v.text_hash = n.text_hash "
            f"where c.picture is null and n.picture is null and c.id in ({_marks(ids)})",
            (fingerprint.key, *ids),
        ).fetchall()
        return [row[0] for row in rows], _matrix([row[1] for row in rows], fingerprint)

    def find(self, collection_id: str, chunk_id: str) -> tuple[StoredChunk, Document] | None:
        """A chunk and its document in whatever state, but for one that is being deleted."""
        return next(iter(self._seen(collection_id, "c.id = ?", (chunk_id,), most=1)), None)

    def holding(self, collection_id: str, text: str, *, most: int) -> list[tuple[StoredChunk, Document]]:
        """Chunks that hold a text, ready ones first; the case and the kind of white space do not matter."""
        holds = "instr(lower(replace(replace(c.text, char(10), ' '), '  ', ' ')), lower(?)) > 0"
        return self._seen(collection_id, holds, (" ".join(text.split()),), most=most)

    def passes(self, chunk_id: str, where: Mapping[str, Any]) -> bool:
        """Whether a chunk passes a filter in Chroma's form. Raises UsageError for a bad one."""
        wanted = condition(where)
        row = self._database.connection.execute(
            "select 1 from chunks c join documents d on d.id = c.document_id "
            f"where c.id = ? and {wanted.sql}",
            (chunk_id, *wanted.values),
        ).fetchone()
        return row is not None

    def _seen(
        self, collection_id: str, wanted: str, values: Sequence[object], *, most: int
    ) -> list[tuple[StoredChunk, Document]]:
        rows = self._database.connection.execute(
            "select c.* from chunks c join documents d on d.id = c.document_id "
            f"where d.collection_id = ? and d.status <> 'deleting' and {wanted} "
            "order by d.status <> 'ready', c.document_id, c.ordinal limit ?",
            (collection_id, *values, most),
        )
        return [(chunk, self._documents.get(chunk.document_id)) for chunk in map(stored_chunk, rows)]


def _matrix(vectors: Sequence[bytes], fingerprint: Fingerprint) -> Vectors:
    return np.frombuffer(b"".join(vectors), "<f4").reshape(len(vectors), fingerprint.dimension)


def _marks(values: Sequence[str]) -> str:
    return ",".join("?" * len(values))
