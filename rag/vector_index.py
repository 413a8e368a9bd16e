"""The vectors in Chroma, rebuilt from the catalogue whenever need be: the only module that speaks to it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from rag.documents import Notice
from rag.errors import RagError, StoreError, UsageError

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection as ChromaCollection

WRITE_ROWS = 100  # Chroma's add holds the GIL: longer calls would freeze the page
READ_ROWS = 5000  # a read of more than 32,766 rows fails,
MOST_IDS = 30_000  # and a query of more ids
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
    """Chroma behind five verbs, in a folder that one process at a time may open or on a server."""

    def __init__(self, data_dir: Path, server_url: str | None = None) -> None:
        self._folder = data_dir / "chroma"
        self._server_url = server_url
        self._lock = threading.Lock()
        self._client: ClientAPI | None = None

    def open(self) -> ClientAPI:
        """Connect once. Raises StoreError where the folder is damaged or no server answers."""
        with self._lock:
            if self._client is None:
                logging.getLogger("chromadb").setLevel(logging.ERROR)
                self._client = self._connect_server() if self._server_url else self._open_folder()
            return self._client

    def close(self) -> None:
        """Let go of the folder."""
        with self._lock:
            self._client = None

    def replace_folder(self) -> None:
        """Move a folder that cannot be used aside and begin an empty one. Raises StoreError for a server."""
        if self._server_url:
            raise StoreError(
                "The Chroma server at {url} cannot be used. Repair it there, or unset RAG_CHROMA_URL.",
                url=self._server_url,
            )
        from chromadb.api.shared_system_client import SharedSystemClient

        self.close()
        SharedSystemClient.clear_system_cache()  # it keeps what could not be opened
        aside = self._folder.with_name(f"chroma-damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
        with _mapped(Notice("move the index aside")):
            if self._folder.exists():
                self._folder.rename(aside)
        self.open()

    def create(self, index: str, hnsw: Mapping[str, Any]) -> None:
        """Make an empty cosine index. Raises UsageError for an HNSW option that is unknown or no number."""
        _check_hnsw(hnsw)
        configuration = {"hnsw": {"space": "cosine", **hnsw}}
        with _mapped(Notice("create an index")):
            self.open().create_collection(
                index, configuration=cast(Any, configuration), embedding_function=None
            )

    def drop(self, index: str) -> None:
        """Remove an index; nothing happens if there is none."""
        if self.exists(index):
            with _mapped(Notice("remove an index")):
                self.open().delete_collection(index)

    def exists(self, index: str) -> bool:
        with _mapped(Notice("list the indexes")):
            return any(each.name == index for each in self.open().list_collections())

    def write(self, index: str, rows: Sequence[Row], vectors: NDArray[np.float32]) -> None:
        """Add or replace rows: `vectors` has shape (len(rows), dimension)."""
        collection = self._collection(index)
        for start in range(0, len(rows), WRITE_ROWS):
            part = rows[start : start + WRITE_ROWS]
            with _mapped(Notice("write to the index")):
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
        with _mapped(Notice("delete from the index")):
            self._collection(index).delete(where={"document_id": document_id})
        if self.holds(index, document_id):
            raise StoreError(
                "The index still holds parts of a deleted document. Run: rag check --repair", index=index
            )

    def holds(self, index: str, document_id: str) -> bool:
        """Whether there is a row of the document."""
        with _mapped(Notice("read the index")):
            found = self._collection(index).get(where={"document_id": document_id}, limit=1, include=[])
        return bool(found["ids"])

    def query(
        self,
        index: str,
        vector: NDArray[np.float32],
        *,
        n: int,
        ids: Sequence[str] | None = None,
    ) -> list[tuple[str, float]]:
        """The n nearest chunks, of all or of `ids`, as (id, cosine), nearest first."""
        collection = self._collection(index)
        parts = [None] if ids is None else [ids[at : at + MOST_IDS] for at in range(0, len(ids), MOST_IDS)]
        found: list[tuple[str, float]] = []
        for part in parts:
            with _mapped(Notice("search")):
                answer = collection.query(
                    query_embeddings=vector[np.newaxis],
                    n_results=n,
                    ids=list(part) if part is not None else None,
                    include=["distances"],
                )
            distances = (answer["distances"] or [[]])[0]
            found += [
                (key, 1.0 - float(distance))
                for key, distance in zip(answer["ids"][0], distances, strict=True)
            ]
        return sorted(found, key=lambda pair: -pair[1])[:n]

    def ids(self, index: str) -> Iterator[str]:
        """The ids of all rows."""
        collection, offset = self._collection(index), 0
        while True:
            with _mapped(Notice("read the index")):
                ids = collection.get(limit=READ_ROWS, offset=offset, include=[])["ids"]
            yield from ids
            offset += len(ids)
            if len(ids) < READ_ROWS:
                return

    def _collection(self, index: str) -> ChromaCollection:
        with _mapped(Notice("open an index")):
            return self.open().get_collection(index, embedding_function=None)

    def _open_folder(self) -> ClientAPI:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                "The folder {folder} cannot be written: {reason}. Check it, or set RAG_DATA_DIR.",
                folder=self._folder.parent,
                reason=error.strerror or error,
            ) from error
        import chromadb

        with _mapped(Notice("open the index")):
            return chromadb.PersistentClient(str(self._folder), settings=_quiet())

    def _connect_server(self) -> ClientAPI:
        import chromadb

        url = urlsplit(self._server_url or "")
        if url.scheme not in ("http", "https") or not url.hostname:
            raise UsageError(
                "RAG_CHROMA_URL is {url}; it should look like http://127.0.0.1:8000.", url=self._server_url
            )
        try:
            return chromadb.HttpClient(
                host=url.hostname,
                port=url.port or (443 if url.scheme == "https" else 80),
                ssl=url.scheme == "https",
                settings=_quiet(),
            )
        except Exception as error:
            raise StoreError(
                "No Chroma server answers at {url}. Start it, or unset RAG_CHROMA_URL to use a local folder.",
                url=self._server_url,
            ) from error


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


def _quiet() -> Any:
    from chromadb.config import Settings

    return Settings(anonymized_telemetry=False)


@contextmanager
def _mapped(action: Notice) -> Iterator[None]:
    """Turns Chroma's errors into ours at this one border."""
    try:
        yield
    except RagError:
        raise
    except Exception as error:
        lines = str(error).strip().splitlines()
        reason = lines[0].rstrip(".") if lines else type(error).__name__
        raise StoreError(
            "Chroma could not {action}: {reason}. Run: rag check --repair", action=action, reason=reason
        ) from error
