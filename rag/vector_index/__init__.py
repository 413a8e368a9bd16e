"""The vectors in Chroma, rebuilt from the catalogue whenever need be: the only module that speaks to it."""

from __future__ import annotations

import shutil
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from rag.documents import Notice
from rag.errors import StoreError
from rag.vector_index.connecting import (
    CloudAccess,
    close_client,
    connect_server,
    mapped,
    open_folder,
    open_memory,
)
from rag.vector_index.folder import remove_orphans
from rag.vector_index.gate import Gate
from rag.vector_index.hnsw import check_changeable, check_hnsw, cosine_of

Vectors: TypeAlias = NDArray[np.float32]

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection as ChromaCollection

WRITE_ROWS = 100  # Chroma's add holds the GIL: longer calls would freeze the page
READ_ROWS = 5000  # a read of more than 32,766 rows fails
CLOUD_READ_ROWS = 300  # what Chroma Cloud gives at a time unless more was agreed


@dataclass(frozen=True, slots=True)
class Row:
    """One chunk as Chroma holds it; `metadata` has no None and no nesting."""

    id: str
    metadata: Mapping[str, str | int | float | bool]


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that was found: the distance that Chroma gave, by the space of its index, and the cosine."""

    id: str
    distance: float
    cosine: float


@dataclass(frozen=True, slots=True)
class ChromaFacts:
    """What Chroma tells of itself: its version, its time in nanoseconds, rows a call, and its indexes."""

    version: str
    heartbeat: int
    most_rows: int
    indexes: int


class VectorIndex:
    """Chroma in a folder that one process at a time may open, on a server, in its cloud, or in memory.

    An index is trusted once it is known to hold what the catalogue says; only then is it searched. Whatever
    fails in one is a reason to trust it no more, which `on_distrust` is told.
    """

    def __init__(
        self,
        data_dir: Path,
        server_url: str | None = None,
        *,
        cloud: CloudAccess | None = None,
        in_memory: bool = False,
    ) -> None:
        self.server_url = server_url
        self.is_in_folder = server_url is None and not in_memory
        self.is_in_cloud = cloud is not None
        self._cloud = cloud
        self.on_distrust: Callable[[], object] = lambda: None
        self._folder = data_dir / "chroma"
        self._lock = threading.Lock()
        self._gate = Gate()
        self._client: ClientAPI | None = None
        self._trusted: set[str] = set()
        self._opened: dict[str, ChromaCollection] = {}  # of a folder: nobody else changes what is there

    def open(self) -> ClientAPI:
        """Connect once. Raises StoreError where the folder is damaged or no server answers."""
        with self._lock:
            if self._client is None:
                if self.server_url:
                    self._client = connect_server(self.server_url, self._cloud)
                elif not self.is_in_folder:
                    self._client = open_memory()
                else:
                    remove_orphans(self._folder)
                    self._client = open_folder(self._folder)
            return self._client

    def close(self) -> None:
        """Let go of the folder, so that all of it is on disk, when nobody uses it."""
        with self._gate.alone():
            self._close()

    def _close(self) -> None:
        with self._lock:
            self._opened.clear()
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

        with self._gate.alone():
            self._close()
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

    def facts(self) -> ChromaFacts:
        """What Chroma tells of itself. Raises StoreError where it does not answer."""
        with self._using(Notice("read the index")) as client:
            return ChromaFacts(
                client.get_version(),
                client.heartbeat(),
                client.get_max_batch_size(),
                client.count_collections(),
            )

    def create(self, index: str, hnsw: Mapping[str, Any]) -> None:
        """Make an empty index, for cosines unless told. Raises UsageError for a bad option."""
        check_hnsw(hnsw)
        configuration = {"hnsw": {"space": "cosine", **hnsw}}
        with self._writing(Notice("create an index")) as client:
            client.create_collection(index, configuration=cast(Any, configuration), embedding_function=None)

    def configure(self, index: str, hnsw: Mapping[str, Any]) -> bool:
        """Change options of an index; False where that has no effect, and it must be written anew.

        A folder is closed and opened again for it; a server keeps to what it has in memory. Raises UsageError
        for an option that cannot be changed.
        """
        check_changeable(hnsw)
        if not self.is_in_folder:
            return False
        with self._writing(Notice("configure an index")), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of an index without an embedding function
            self._collection(index).modify(configuration=cast(Any, {"hnsw": dict(hnsw)}))
        with self._gate.alone():
            self._close()
            self.open()
        return True

    def configuration(self, index: str) -> Mapping[str, Any]:
        """The options that Chroma has for an index; it does not tell of all."""
        with self._using(Notice("read the index")):
            return dict(self._collection(index).configuration_json.get("hnsw") or {})

    def drop(self, index: str) -> None:
        """Remove an index; nothing happens if there is none."""
        if self.exists(index):
            with self._writing(Notice("remove an index")) as client:
                client.delete_collection(index)
                self._opened.pop(index, None)
        self._trusted.discard(index)

    def exists(self, index: str) -> bool:
        return index in self.names()

    def names(self) -> list[str]:
        """The names of all indexes, those of others on a server too."""
        with self._using(Notice("list the indexes")) as client:
            return [each.name for each in client.list_collections()]

    def write(self, index: str, rows: Sequence[Row], vectors: Vectors) -> None:
        """Add or replace rows: `vectors` has shape (len(rows), dimension)."""
        for start in range(0, len(rows), WRITE_ROWS):
            part = rows[start : start + WRITE_ROWS]
            with self._writing(Notice("write to the index")):
                self._collection(index).upsert(
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
        with self._writing(Notice("delete from the index")):
            self._collection(index).delete(where={"document_id": document_id})
        if self.holds(index, document_id):
            raise StoreError(
                "The index still holds parts of a deleted document. Run: rag check --repair", index=index
            )

    def holds(self, index: str, document_id: str) -> bool:
        """Whether there is a row of the document."""
        with self._using(Notice("read the index")):
            found = self._collection(index).get(where={"document_id": document_id}, limit=1, include=[])
        return bool(found["ids"])

    def delete(self, index: str, ids: Sequence[str]) -> None:
        """Remove rows."""
        for start in range(0, len(ids), WRITE_ROWS):
            with self._writing(Notice("delete from the index")):
                self._collection(index).delete(ids=list(ids[start : start + WRITE_ROWS]))

    def query(self, index: str, vector: Vectors, *, n: int) -> list[tuple[str, float]]:
        """The n nearest chunks as (id, cosine), nearest first. Raises StoreError."""
        return [(hit.id, hit.cosine) for hit in self.hits(index, vector, n=n)]

    def hits(self, index: str, vector: Vectors, *, n: int) -> list[Hit]:
        """The n nearest chunks with Chroma's own distances, nearest first. Raises StoreError."""
        with self._using(Notice("search")):
            collection = self._collection(index)
            answer = collection.query(query_embeddings=vector[np.newaxis], n_results=n, include=["distances"])
            space = str((collection.configuration_json.get("hnsw") or {}).get("space", "cosine"))
        distances = (answer["distances"] or [[]])[0]
        return [
            Hit(key, float(distance), cosine_of(space, float(distance)))
            for key, distance in zip(answer["ids"][0], distances, strict=True)
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
        offset, most = 0, CLOUD_READ_ROWS if self._cloud else READ_ROWS
        while True:
            with self._using(Notice("read the index")):
                found = self._collection(index).get(limit=most, offset=offset, include=cast(Any, include))
            if found["ids"]:
                yield found
            offset += most
            if len(found["ids"]) < most:
                return

    def _collection(self, index: str) -> ChromaCollection:
        with mapped(Notice("open an index")):
            found = self._opened.get(index)
            if found is None:
                found = self.open().get_collection(index, embedding_function=None)
                if self.is_in_folder:
                    self._opened[index] = found
            return found

    @contextmanager
    def _using(self, action: Notice) -> Iterator[ClientAPI]:
        """The client, which is not closed meanwhile; its errors are ours."""
        with self._gate.shared(), mapped(action):
            yield self.open()

    @contextmanager
    def _writing(self, action: Notice) -> Iterator[ClientAPI]:
        """The client for a change. Where that fails the folder is closed, and opened anew when it is needed.

        After a write to a full disk Chroma's next call would never return, and stop the whole process.
        """
        try:
            with self._using(action) as client:
                yield client
        except StoreError:
            if self.is_in_folder:
                self.close()
            raise
