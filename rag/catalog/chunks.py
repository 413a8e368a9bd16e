"""The chunks that can be found, many at a time: what the indexes are written from and compared with."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rag.catalog.database import Database
from rag.catalog.documents import Documents, StoredChunk, stored_chunk
from rag.documents import Document, Fingerprint

VECTORS_AT_A_TIME = 4096

Vectors: TypeAlias = NDArray[np.float32]


class Chunks:
    """The chunks of ready documents."""

    def __init__(self, database: Database, documents: Documents) -> None:
        self._database = database
        self._documents = documents

    def count(self, collection_id: str) -> int:
        """How many chunks can be found."""
        row = self._database.connection.execute(
            "select count(*) from documents d join chunks c on c.document_id = d.id "
            "where d.collection_id = ? and d.status = 'ready'",
            (collection_id,),
        ).fetchone()
        return int(row[0])

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
        self, collection_id: str, fingerprint: Fingerprint, ids: Sequence[str] | None = None
    ) -> Iterator[tuple[Sequence[str], Vectors]]:
        """The vectors of the chunks that can be found, of all or of `ids`, some thousands at a time.

        Each part is the chunks' ids and their vectors, shape (n, dimension).
        """
        marks = f"and c.id in ({','.join('?' * len(ids))})" if ids is not None else ""
        cursor = self._database.connection.execute(
            "select c.id, v.vector from documents d join chunks c on c.document_id = d.id "
            "join vectors v on v.fingerprint = ? and v.text_hash = c.text_hash "
            f"where d.collection_id = ? and d.status = 'ready' {marks}",
            (fingerprint.key, collection_id, *(ids or ())),
        )
        while rows := cursor.fetchmany(VECTORS_AT_A_TIME):
            vectors = np.frombuffer(b"".join(row[1] for row in rows), "<f4")
            yield [row[0] for row in rows], vectors.reshape(len(rows), fingerprint.dimension)
