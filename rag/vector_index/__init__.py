"""The vectors in Chroma, rebuilt from the catalogue whenever need be: the only module that speaks to it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from rag.documents import Notice
from rag.errors import StoreError, UsageError
from rag.vector_index.connecting import close_client, connect_server, mapped, open_folder
from rag.vector_index.folder import remove_orphans

Vectors: TypeAlias = NDArray[np.float32]

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection as ChromaCollection

WRITE_ROWS = 100  # Chroma's add holds the GIL: longer calls would freeze the page
READ_ROWS = 5000  # a read of more than 32,766 rows fails
HNSW_OPTIONS = (
    "ef_construction",
    "ef_search",
    "max_neighbors",
    "num_threads",
    "batch_size",
    "sync_threshold",
    "resize_factor",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One chunk as Chroma holds it; `metadata` has no None and no nesting."""

    id: str
    metadata: Mapping[str, str | int | float | bool]


class VectorIndex:
    """Chroma in a folder that one process at a time may open, or on a server.

    An index is trusted once it is known to hold what the catalogue says; only then is it searched. Whatever
    fails in one is a reason to trust it no more, which `on_distrust` is told.
    """

    def __init__(self, data_dir: Path, server_url: str | None = None) -> None:
        self.server_url = server_url
        self.on_distrust: Callable[[], object] = lambda: None
        self._folder = data_dir / "chroma"
        self._lock = threading.Lock()
        self._client: ClientAPI | None = None
        self._trusted: set[str] = set()

    def open(self) -> ClientAPI:
        """Connect once. Raises StoreError where the folder is damaged or no server answers."""
        with self._lock:
            if self._client is None:
                if self.server_url:
                    self._client = connect_server(self.server_url)
                else:
                    remove_orphans(self._folder)
                    self._client = open_folder(self._folder)
            return self._client

    def close(self) -> None:
        """Let go of the folder, so that all of it is on disk."""
        with self._lock:
            if self._client is not None:
                close_client(self._client)
            self._client = None

    def replace_folder(self) -> None:
        """Begin an empty folder in place of one that cannot be used. Raises StoreError for a server."""
        if self.server_url:
            raise StoreError(
                "The Chroma server at {url} cannot be used. Repair it there, or unset RAG_CHROMA_URL.",
                url=self.server_url,
            )
        from chromadb.api.shared_system_client import SharedSystemClient

        self.close()
        SharedSystemClient.clear_system_cache()  # it keeps what could not be opened
        self._trusted.clear()
        with mapped(Notice("remove the damaged index")):
            if self._folder.exists():
                shutil.rmtree(self._folder)
        self.open()

    def is_trusted(self, index: str) -> bool:
        """Whether an index is known to hold what the catalogue says."""
        return index in self._trusted

    def trust(self, index: str) -> None:
        """An index holds what the catalogue says."""
        self._trusted.add(index)

    def distrust(self, index: str) -> None:
        """An index may not hold what the catalogue says."""
        self._trusted.discard(index)
        self.on_distrust()

    def create(self, index: str, hnsw: Mapping[str, Any]) -> None:
        """Make an empty cosine index. Raises UsageError for an HNSW option that is unknown or no number."""
        _check_hnsw(hnsw)
        configuration = {"hnsw": {"space": "cosine", **hnsw}}
        with mapped(Notice("create an index")):
            self.open().create_collection(
                index, configuration=cast(Any, configuration), embedding_function=None
            )

    def drop(self, index: str) -> None:
        """Remove an index; nothing happens if there is none."""
        if self.exists(index):
            with mapped(Notice("remove an index")):
                self.open().delete_collection(index)
        self._trusted.discard(index)

    def exists(self, index: str) -> bool:
        return index in self.names()

    def names(self) -> list[str]:
        """The names of all indexes, those of others on a server too."""
        with mapped(Notice("list the indexes")):
            return [each.name for each in self.open().list_collections()]

    def write(self, index: str, rows: Sequence[Row], vectors: Vectors) -> None:
        """Add or replace rows: `vectors` has shape (len(rows), dimension)."""
        collection = self._collection(index)
        for start in range(0, len(rows), WRITE_ROWS):
            part = rows[start : start + WRITE_ROWS]
            with mapped(Notice("write to the index")):
                collection.upsert(
                    ids=[row.id for row in part],
                    embeddings=vectors[start : start + WRITE_ROWS],
                    metadatas=[dict(row.metadata) for row in part],
                )

    def delete_document(self, index: str, document_id: str) -> None:
        """Remove a document's rows and make sure that none is left. Raises StoreError if one is.

        An index that is not there holds none.
        """
        if not self.exists(index):
            return
        with mapped(Notice("delete from the index")):
            self._collection(index).delete(where={"document_id": document_id})
        if self.holds(index, document_id):
            raise StoreError(
                "The index still holds parts of a deleted document. Run: rag check --repair", index=index
            )

    def holds(self, index: str, document_id: str) -> bool:
        """Whether there is a row of the document."""
        with mapped(Notice("read the index")):
            found = self._collection(index).get(where={"document_id": document_id}, limit=1, include=[])
        return bool(found["ids"])

    def delete(self, index: str, ids: Sequence[str]) -> None:
        """Remove rows."""
        for start in range(0, len(ids), WRITE_ROWS):
            with mapped(Notice("delete from the index")):
                self._collection(index).delete(ids=list(ids[start : start + WRITE_ROWS]))

    def query(self, index: str, vector: Vectors, *, n: int) -> list[tuple[str, float]]:
        """The n nearest chunks as (id, cosine), nearest first. Raises StoreError."""
        with mapped(Notice("search")):
            answer = self._collection(index).query(
                query_embeddings=vector[np.newaxis], n_results=n, include=["distances"]
            )
        distances = (answer["distances"] or [[]])[0]
        return [
            (key, 1.0 - float(distance)) for key, distance in zip(answer["ids"][0], distances, strict=True)
        ]

    def rows(self, index: str) -> Iterator[tuple[Sequence[str], Vectors]]:
        """The ids of all rows with their vectors, some thousands at a time: shape (n, dimension)."""
        for found in self._pages(index, ["embeddings"]):
            yield found["ids"], np.asarray(found["embeddings"], np.float32)

    def ids(self, index: str) -> Iterator[str]:
        """The ids of all rows."""
        for found in self._pages(index, []):
            yield from found["ids"]

    def _pages(self, index: str, include: list[str]) -> Iterator[Any]:
        collection, offset = self._collection(index), 0
        while True:
            with mapped(Notice("read the index")):
                found = collection.get(limit=READ_ROWS, offset=offset, include=cast(Any, include))
            if found["ids"]:
                yield found
            offset += READ_ROWS
            if len(found["ids"]) < READ_ROWS:
                return

    def _collection(self, index: str) -> ChromaCollection:
        with mapped(Notice("open an index")):
            return self.open().get_collection(index, embedding_function=None)


def _check_hnsw(hnsw: Mapping[str, Any]) -> None:
    for key, value in hnsw.items():
        if key not in HNSW_OPTIONS:
            raise UsageError(
                "Unknown HNSW option {names}. There are: {options}.",
                names=key,
                options=", ".join(HNSW_OPTIONS),
            )
        number = (int, float) if key == "resize_factor" else int
        if isinstance(value, bool) or not isinstance(value, number) or not 0 < value < 1 << 31:
            raise UsageError(
                "The HNSW option {name} is {value}; it should be a whole number above 0.",
                name=key,
                value=value,
            )
