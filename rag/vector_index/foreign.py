"""Somebody else's Chroma, of which nothing is changed: its collections and their records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from rag.errors import RagError, StoreError, UsageError
from rag.vector_index.connecting import close_client, reason_of
from rag.vector_index.foreign_records import (
    SPACES,
    ForeignCollection,
    ForeignHit,
    ForeignRecord,
    Vectors,
    cosine,
    measured_space,
)

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection as ChromaCollection

PAGE = 1000  # records a call, with their texts or vectors
READ_ROWS = 5000  # without
LOOKED_AT = 200  # records of a collection, to tell what is in it
SHOWN = 3


class ForeignChroma:
    """An open client of a server or of a copied folder, only ever read; close it at the end.

    `unreadable` names the collections whose vectors cannot be read.
    """

    def __init__(
        self,
        client: ClientAPI,
        origin: str,
        *,
        unreadable: frozenset[str] = frozenset(),
        on_close: Callable[[], object] = lambda: None,
    ) -> None:
        self.origin = origin
        self._client = client
        self._unreadable = unreadable
        self._on_close = on_close

    def names(self) -> list[str]:
        """The names of the collections, in order. Raises StoreError."""
        with reading(self.origin):
            found: list[str] = []
            while page := self._client.list_collections(limit=PAGE, offset=len(found)):
                found.extend(each.name for each in page)
                if len(page) < PAGE:
                    break
        return sorted(found)

    def collections(self) -> list[ForeignCollection]:
        """All collections. Raises StoreError."""
        return [self.collection(name) for name in self.names()]

    def collection(self, name: str) -> ForeignCollection:
        """One collection. Raises UsageError if there is none of this name, StoreError."""
        if name not in (names := self.names()):
            raise UsageError(
                "There is no collection “{name}” in {origin}. There are: {names}.",
                name=name,
                origin=self.origin,
                names=", ".join(names) or "–",
            )
        with reading(self.origin):
            collection = self._open(name)
            first = collection.get(limit=LOOKED_AT, include=["metadatas", "documents"])
            space = self._space(collection)
            return _described(collection, first, space, has_vectors=name not in self._unreadable)

    def heads(self, name: str) -> Iterator[ForeignRecord]:
        """All records without text and vector, in the order they were added. Raises StoreError."""
        for found in self._pages(name, "metadatas", READ_ROWS):
            yield from _records(found)

    def read_vectors(self, name: str) -> None:
        """Read every vector, to see whether that can be done. Raises StoreError; may end the process."""
        for _ in self._pages(name, "embeddings", PAGE):
            pass

    def records(self, name: str, ids: Sequence[str], *, vectors: bool) -> list[ForeignRecord]:
        """Records with their texts, in the order asked for; those that are gone by now are left out.

        Raises StoreError.
        """
        include = ["metadatas", "documents", *(["embeddings"] if vectors else [])]
        found: dict[str, ForeignRecord] = {}
        for start in range(0, len(ids), PAGE):
            part = list(ids[start : start + PAGE])
            with reading(self.origin):
                answer = self._open(name).get(ids=part, include=cast(Any, include))
            found.update((each.id, each) for each in _records(answer))
        return [found[key] for key in ids if key in found]

    def nearest(self, name: str, vector: Vectors, *, n: int) -> list[ForeignHit]:
        """The n records nearest to a vector by the collection's own distance. Raises StoreError."""
        with reading(self.origin):
            answer = self._open(name).query(
                query_embeddings=vector[np.newaxis],
                n_results=n,
                include=["metadatas", "documents", "embeddings", "distances"],
            )
        first: dict[str, Any] = {
            key: cast(Any, value)[0] for key, value in answer.items() if value and key != "included"
        }
        return [
            ForeignHit(record, float(distance), cosine(vector, record.vector))
            for record, distance in zip(_records(first), first.get("distances", ()), strict=True)
        ]

    def close(self) -> None:
        """Let go of the server, or of the copy, which is removed."""
        close_client(self._client)
        self._on_close()

    def _space(self, collection: ChromaCollection) -> str:
        """The distance in use.

        Before Chroma 1.0 it stood in the metadata alone, where it still counts; today's metadata count for
        nothing where the configuration says something else. Where both differ a distance tells which it is.
        """
        configuration = collection.configuration_json
        said = (configuration.get("hnsw") or configuration.get("spann") or {}).get("space", "l2")
        old = (collection.metadata or {}).get("hnsw:space")
        dimension = collection._model.dimension
        if old not in SPACES or old == said:
            return str(said)
        if not dimension or collection.name in self._unreadable:
            return str(old)
        probe = np.arange(1, dimension + 1, dtype=np.float32)
        hits = self.nearest(collection.name, probe, n=1)
        return measured_space(probe, hits[0]) if hits else str(old)

    def _pages(self, name: str, what: str, size: int) -> Iterator[Any]:
        """All of a collection, so many records at a time."""
        offset = 0
        while True:
            with reading(self.origin):
                found = self._open(name).get(limit=size, offset=offset, include=cast(Any, [what]))
            yield found
            offset += size
            if len(found["ids"]) < size:
                return

    def _open(self, name: str) -> ChromaCollection:
        return self._client.get_collection(name, embedding_function=None)


@contextmanager
def reading(origin: str) -> Iterator[None]:
    """Turns what goes wrong with reading someone else's Chroma into our error."""
    try:
        yield
    except RagError:
        raise
    except BaseException as error:
        raise cannot_be_read(origin, reason_of(error)) from error


def cannot_be_read(origin: str, reason: str) -> StoreError:
    """What is said where Chroma itself fails at it."""
    return StoreError(
        "{origin} cannot be read: {reason}. It may be damaged, or written by another version of Chroma. "
        "Nothing in it was changed.",
        origin=origin,
        reason=reason,
    )


def _described(
    collection: ChromaCollection, first: Any, space: str, *, has_vectors: bool
) -> ForeignCollection:
    looked_at = list(_records(first))
    function = collection.configuration_json.get("embedding_function") or {}
    return ForeignCollection(
        name=collection.name,
        records=collection.count(),
        dimension=collection._model.dimension,
        space=space,
        function=function.get("name"),
        options=function.get("config") or {},
        metadata=collection.metadata or {},
        looked_at=len(looked_at),
        with_text=sum(bool(each.text and each.text.strip()) for each in looked_at),
        keys=tuple(sorted({key for each in looked_at for key in each.metadata})),
        shown=tuple(looked_at[:SHOWN]),
        has_vectors=has_vectors,
    )


def _records(answer: Any) -> Iterator[ForeignRecord]:
    """The records in what Chroma answered."""
    ids = answer["ids"]
    nothing = [None] * len(ids)
    texts, metadatas = answer.get("documents") or nothing, answer.get("metadatas") or nothing
    vectors = answer.get("embeddings")
    for place, key in enumerate(ids):
        vector = None if vectors is None else np.asarray(vectors[place], np.float32)
        yield ForeignRecord(key, metadatas[place] or {}, texts[place], vector)
