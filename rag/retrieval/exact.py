"""Exact search by the catalogue's own vectors: within filters, and where an index is not to be had."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from rag.catalog import Catalog, Collection
from rag.embedders.base import Vectors

FEW = 2000  # chunks: their vectors are looked up, where those of a large collection would be loaded
MOST_BYTES = 1 << 30  # of a collection's vectors in memory; of more, a search reads what it compares
ROUNDING = 1e-6  # of one cosine, computed alone or with others

Part: TypeAlias = tuple[Sequence[str], Vectors]
Found: TypeAlias = list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class _Kept:
    """All vectors of a collection, shape (n, dimension), as long as its chunks are of `generation`.

    `parts` has the rows that the last filters admit once more, since to gather them takes longer than to
    compare them: of all parts together, as many as there are rows.
    """

    index: tuple[str, str]
    generation: int
    ids: Sequence[str]
    places: Mapping[str, int]
    vectors: Vectors
    parts: dict[frozenset[str], Part] = field(default_factory=dict)

    def is_current(self, collection: Collection, generation: int) -> bool:
        """Whether these are the vectors that a collection has now."""
        return (self.index, self.generation) == ((collection.id, collection.fingerprint.key), generation)

    def part(self, ids: frozenset[str]) -> Part:
        """The rows of `ids`, for one thread at a time."""
        part = self.parts.pop(ids, None)
        if part is None:
            while self.parts and sum(map(len, self.parts)) + len(ids) > len(self.ids):
                del self.parts[next(iter(self.parts))]
            places = np.sort(np.fromiter((self.places[key] for key in ids if key in self.places), np.int64))
            part = [self.ids[place] for place in places], self.vectors[places]
        self.parts[ids] = part
        return part


class ExactSearch:
    """Compares a question with every chunk, and keeps the vectors of the collection asked last."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lock = threading.Lock()
        self._kept: _Kept | None = None

    def nearest(
        self, collection: Collection, vector: Vectors, *, n: int, ids: frozenset[str] | None = None
    ) -> Found:
        """The n nearest chunks, of all or of `ids`, as (id, cosine), nearest first."""
        kept = None if ids is not None and len(ids) <= FEW else self._all(collection)
        if kept:
            return _best(*self._rows(kept, ids), vector, n)
        best: Found = []
        for keys, vectors in self._catalog.chunks.ready_vectors(collection.id, collection.fingerprint, ids):
            best = sorted(best + _best(keys, vectors, vector, n), key=_order)[:n]
        return best

    def cosines(self, collection: Collection, vector: Vectors, ids: Sequence[str]) -> dict[str, float]:
        """The cosine of each of a few chunks; one that cannot be found or has no vector is left out."""
        kept, fingerprint = self._kept, collection.fingerprint
        if kept and kept.is_current(collection, self._catalog.documents.generation):
            rows = [(key, kept.places[key]) for key in ids if key in kept.places]
            parts: Iterable[Part] = [([key for key, _ in rows], kept.vectors[[place for _, place in rows]])]
        else:
            parts = self._catalog.chunks.ready_vectors(collection.id, fingerprint, ids)
        return {
            key: float(cosine)
            for keys, vectors in parts
            for key, cosine in zip(keys, vectors @ vector, strict=True)
        }

    def ranks(
        self, collection: Collection, vector: Vectors, ids: Sequence[str]
    ) -> dict[str, tuple[int, float]]:
        """Where `ids` stand among all chunks, as (rank, cosine); equally near ones share a rank.

        A chunk without a vector is left out.
        """
        cosines = self.cosines(collection, vector, ids)
        nearer = dict.fromkeys(cosines, 0)
        kept, fingerprint = self._all(collection), collection.fingerprint
        parts = (
            [(kept.ids, kept.vectors)]
            if kept
            else self._catalog.chunks.ready_vectors(collection.id, fingerprint)
        )
        for _keys, vectors in parts:
            others = vectors @ vector
            for key, cosine in cosines.items():
                nearer[key] += int(np.count_nonzero(others > cosine + ROUNDING))
        return {key: (1 + nearer[key], cosine) for key, cosine in cosines.items()}

    def _all(self, collection: Collection) -> _Kept | None:
        """The vectors of a collection, loaded once; None where they are too many to be kept."""
        documents = self._catalog.documents
        with self._lock:
            generation = documents.generation
            if self._kept and self._kept.is_current(collection, generation):
                return self._kept
            self._kept = None
            rows = self._catalog.chunks.count(collection.id)
            if rows * collection.fingerprint.dimension * 4 > MOST_BYTES:
                return None
            ids: list[str] = []
            vectors = np.empty((rows, collection.fingerprint.dimension), np.float32)
            for part, found in self._catalog.chunks.ready_vectors(collection.id, collection.fingerprint):
                fitting = found[: rows - len(ids)]  # some may have come since they were counted
                vectors[len(ids) : len(ids) + len(fitting)] = fitting
                ids += part[: len(fitting)]
            places = {key: place for place, key in enumerate(ids)}
            index = collection.id, collection.fingerprint.key
            kept = _Kept(index, generation, ids, places, vectors[: len(ids)])
            if len(ids) == rows:  # vectors that are still to come change no generation
                self._kept = kept
            return kept

    def _rows(self, kept: _Kept, ids: frozenset[str] | None) -> Part:
        if ids is None:
            return kept.ids, kept.vectors
        with self._lock:
            return kept.part(ids)


def _best(keys: Sequence[str], vectors: Vectors, vector: Vectors, n: int) -> Found:
    cosines = vectors @ vector
    best = np.argpartition(-cosines, n)[:n] if len(keys) > n else range(len(keys))
    return sorted(((keys[place], float(cosines[place])) for place in best), key=_order)


def _order(found: tuple[str, float]) -> tuple[float, str]:
    return -found[1], found[0]
