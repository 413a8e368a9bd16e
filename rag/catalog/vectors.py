"""Vectors by content: what a model has embedded once is never embedded again."""

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rag.catalog.database import Database, batches
from rag.documents import Chunk, Fingerprint

_IS_USED = (
    "(exists (select 1 from chunks where text_hash = {0}) "
    "or exists (select 1 from deleted_records where text_hash = {0}))"  # its deletion can be undone
)
DELETE_UNUSED = f"delete from vectors where text_hash = ?1 and not {_IS_USED.format('?1')}"


def text_hash(text: str) -> str:
    """The key of a text's vector: its SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def vector_key(chunk: Chunk) -> str:
    """The key of a chunk's vector: the SHA-256 of what the model sees, the picture or the text."""
    return chunk.picture or text_hash(chunk.embedded_text)


def given_key(chunk_id: str, vector: NDArray[np.float32]) -> str:
    """The key of a vector that was given by hand: no text's, so that no other chunk of that text gets it."""
    content = b"given\0" + chunk_id.encode() + b"\0" + np.ascontiguousarray(vector, "<f4").tobytes()
    return hashlib.sha256(content).hexdigest()


def save_vector(
    connection: sqlite3.Connection, fingerprint: Fingerprint, key: str, vector: NDArray[np.float32]
) -> None:
    """Keep one vector within a transaction."""
    row = (fingerprint.key, key, np.ascontiguousarray(vector, "<f4").tobytes())
    connection.execute("insert or ignore into vectors values (?, ?, ?)", row)


class Vectors:
    """Unit vectors (float32) under (fingerprint, hash of the embedded text or picture)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, fingerprint: Fingerprint, hashes: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Keep one batch: `vectors` has shape (len(hashes), dimension)."""
        rows = [
            (fingerprint.key, key, np.ascontiguousarray(vector, "<f4").tobytes())
            for key, vector in zip(hashes, vectors, strict=True)
        ]
        with self._database.transaction() as connection:
            connection.executemany("insert or ignore into vectors values (?, ?, ?)", rows)

    def missing(self, fingerprint: Fingerprint, hashes: Iterable[str]) -> list[str]:
        """Those of `hashes` that have no vector yet, each once, in their order."""
        wanted = list(dict.fromkeys(hashes))
        known: set[str] = set()
        for batch in batches(wanted):
            known.update(self._rows(fingerprint, batch))
        return [key for key in wanted if key not in known]

    def load(self, fingerprint: Fingerprint, hashes: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of some hundred hashes: shape (len(hashes), dimension). Raises KeyError."""
        rows = self._rows(fingerprint, list(dict.fromkeys(hashes)))
        vectors = [np.frombuffer(rows[key], "<f4") for key in hashes]
        return np.stack(vectors) if vectors else np.empty((0, fingerprint.dimension), np.float32)

    def remove_unused(self, hashes: Iterable[str]) -> None:
        """Forget those of the vectors that no chunk uses."""
        with self._database.transaction() as connection:
            connection.executemany(DELETE_UNUSED, ((key,) for key in hashes))

    def remove_all_unused(self) -> None:
        """Forget every vector that no chunk uses."""
        with self._database.transaction() as connection:
            connection.execute(f"delete from vectors where not {_IS_USED.format('vectors.text_hash')}")

    def kept(self, hashes: Iterable[str]) -> tuple[int, int]:
        """How many of these have a vector: because a chunk uses it, and although none does."""
        query = f"select {_IS_USED.format('?1')} where exists (select 1 from vectors where text_hash = ?1)"
        connection = self._database.connection
        found = [row[0] for key in hashes for row in connection.execute(query, (key,))]
        return sum(found), len(found) - sum(found)

    def _rows(self, fingerprint: Fingerprint, hashes: Sequence[str]) -> Mapping[str, bytes]:
        marks = ",".join("?" * len(hashes))
        query = f"select text_hash, vector from vectors where fingerprint = ? and text_hash in ({marks})"
        return dict(self._database.connection.execute(query, (fingerprint.key, *hashes)).fetchall())
