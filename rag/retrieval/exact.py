"""Exact search by the catalogue's own vectors: within filters, and where an index is not to be had."""

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rag.catalog import Catalog, Collection
from rag.embedders.base import Vectors

FEW = 2000  # chunks: their vectors are looked up, where those of a large collection would be loaded
MOST_BYTES = 1 << 30  # of vectors in memory; where there are more, each search reads them
GATHERED_UP_TO = 4  # of as many rows one: where it is more, all are compared
MOST_FILTERS = 8  # whose rows are kept
ROUNDING = 1e-6  # of one cosine, computed alone or with others

Part: TypeAlias = tuple[Sequence[str], Vectors]
Found: TypeAlias = list[tuple[str, float]]
Places: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Kept:
    """All vectors of a collection, shape (n, dimension), as long as its chunks are of `generation`."""

    index: tuple[str, str]
    generation: int
    ids: Sequence[str]
    places: Mapping[str, int]
    vectors: Vectors

    def is_current(self, collection: Collection, generation: int) -> bool:
        """Whether these are the vectors that a collection has now."""
        return (self.index, self.generation) == ((collection.id, collection.fingerprint.key), generation)


class ExactSearch:
    """Compares a question with every chunk, and keeps the vectors of the collection asked last."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lock = threading.Lock()
        self._kept: _Kept | None = None
        self._known_places: deque[tuple[frozenset[str], _Kept, Places]] = deque(maxlen=MOST_FILTERS)

    def nearest(
        self, collection: Collection, vector: Vectors, *, n: int, ids: frozenset[str] | None = None
    ) -> Found:
        """The n nearest chunks, of all or of `ids`, as (id, cosine), nearest first."""
        chunks, fingerprint = self._catalog.chunks, collection.fingerprint
        if ids is not None and len(ids) <= FEW:
            return _nearest(chunks.ready_vectors(collection.id, fingerprint, tuple(ids)), vector, n)
        if kept := self._all(collection):
            return _best(kept.ids, kept.vectors, vector, n, None if ids is None else self._places(kept, ids))
        return _nearest(_only(chunks.ready_vectors(collection.id, fingerprint), ids), vector, n)

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
            self._kept = _Kept(index, generation, ids, places, vectors[: len(ids)])
            self._known_places.clear()
            return self._kept

    def _places(self, kept: _Kept, ids: frozenset[str]) -> Places:
        """The rows of `ids`, in their order; those of the filters that were used last are known."""
        for known, of, places in tuple(self._known_places):  # another thread may add one
            if known is ids and of is kept:
                return places
        found = (kept.places.get(key, -1) for key in ids)
        places = np.sort(np.fromiter((place for place in found if place >= 0), np.int64))
        self._known_places.append((ids, kept, places))
        return places


def _only(parts: Iterator[Part], ids: frozenset[str] | None) -> Iterator[Part]:
    for keys, vectors in parts:
        rows = [row for row, key in enumerate(keys) if ids is None or key in ids]
        yield [keys[row] for row in rows], vectors[rows]


def _nearest(parts: Iterator[Part], vector: Vectors, n: int) -> Found:
    best: Found = []
    for keys, vectors in parts:
        best = sorted(best + _best(keys, vectors, vector, n), key=_order)[:n]
    return best


def _best(
    keys: Sequence[str], vectors: Vectors, vector: Vectors, n: int, places: Places | None = None
) -> Found:
    """The n nearest of all rows or of those at `places`; most rows are compared faster where they lie."""
    if places is None:
        places = np.arange(len(keys))
    gathers = len(places) * GATHERED_UP_TO < len(keys)
    cosines = vectors[places] @ vector if gathers else (vectors @ vector)[places]
    best = np.argpartition(-cosines, n)[:n] if len(places) > n else np.arange(len(places))
    return sorted(((keys[places[place]], float(cosines[place])) for place in best), key=_order)


def _order(found: tuple[str, float]) -> tuple[float, str]:
    return -found[1], found[0]
