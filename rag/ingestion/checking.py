"""The indexes compared with the catalogue."""

from dataclasses import dataclass

from rag.catalog import Catalog, Collection
from rag.errors import StoreError
from rag.keyword_index import KeywordIndex
from rag.vector_index import VectorIndex

PROBED = 200  # chunks that are looked for by their own vectors
LEAST_COSINE = 0.999  # of a vector with itself, as 32-bit floats are rounded
MOST_UNFOUND = 0.5  # of the probes: the index is approximate, the more so where many texts are alike


@dataclass(frozen=True, slots=True)
class Difference:
    """How an index differs from the catalogue, in chunks; all zero is clean.

    `missing` should be there and are not; `ghosts` are there and should not be; `wrong` have another vector,
    or are not found by their own. An index that cannot be read is not `readable`, and all is missing.
    """

    missing: int = 0
    ghosts: int = 0
    wrong: int = 0
    readable: bool = True

    @property
    def clean(self) -> bool:
        return self.readable and not (self.missing or self.ghosts or self.wrong)


@dataclass(frozen=True, slots=True)
class IndexReport:
    """How a collection's two indexes differ from the catalogue, in chunks, as in Difference."""

    collection: str
    chunks: int
    missing_vectors: int
    ghost_vectors: int
    wrong_vectors: int
    missing_keywords: int
    ghost_keywords: int

    @property
    def clean(self) -> bool:
        return not (
            self.missing_vectors
            or self.ghost_vectors
            or self.wrong_vectors
            or self.missing_keywords
            or self.ghost_keywords
        )


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What is not as the catalogue says.

    `unfinished` documents and records were being added, changed or deleted when a process was stopped; of
    `unused_originals` nothing is known any more; documents in `missing_originals`, by name, can be searched,
    but their files are gone.
    """

    collections: tuple[IndexReport, ...]
    unfinished: int
    unused_originals: int
    missing_originals: tuple[str, ...]

    @property
    def clean(self) -> bool:
        whole = all(each.clean for each in self.collections)
        return whole and not (self.unfinished or self.unused_originals or self.missing_originals)


def report_of(
    collection: Collection, chunks: int, vectors: Difference | None, keywords: Difference
) -> IndexReport:
    """Both differences as one report; of vectors that cannot be looked into nothing is there."""
    found = vectors or Difference(missing=max(1, chunks), readable=False)
    return IndexReport(
        collection.name, chunks, found.missing, found.ghosts, found.wrong, keywords.missing, keywords.ghosts
    )


def vector_difference(catalog: Catalog, vectors: VectorIndex, collection: Collection) -> Difference:
    """Compare a vector index, every vector in it included, with the catalogue.

    May end the process: Chroma's native code does so at some damage.
    """
    changed = catalog.changed_records.of(collection.id)
    pending = catalog.chunks.ids(collection.id, "indexing") | changed
    expected = {
        key: vector
        for keys, rows in catalog.chunks.ready_vectors(collection.id, collection.fingerprint)
        for key, vector in zip(keys, rows, strict=True)
        if key not in changed
    }
    known = set[str]()
    ghosts = wrong = 0
    try:
        for keys, rows in vectors.rows(collection.index_name):
            known.update(keys)
            for key, row in zip(keys, rows, strict=True):
                if (vector := expected.get(key)) is None:
                    ghosts += key not in pending
                else:
                    wrong += float(vector @ row) < LEAST_COSINE
        probes = sorted(known & expected.keys())[:: max(1, len(expected) // PROBED)]
        unfound = sum(
            vectors.query(collection.index_name, expected[key], n=1)[0][1] < LEAST_COSINE for key in probes
        )
    except StoreError:
        return Difference(missing=max(1, len(expected)), readable=False)
    if unfound > MOST_UNFOUND * len(probes):
        wrong += unfound
    return Difference(len(expected.keys() - known), ghosts, wrong)


def keyword_difference(catalog: Catalog, keywords: KeywordIndex, collection: Collection) -> Difference:
    """Compare a keyword index with the catalogue."""
    changed = catalog.changed_records.of(collection.id)
    expected = catalog.chunks.ids(collection.id, "ready") - changed
    try:
        known = keywords.ids(collection.id)
    except StoreError:
        return Difference(missing=max(1, len(expected)), readable=False)
    pending = catalog.chunks.ids(collection.id, "indexing") | changed
    return Difference(len(expected - known), len(known - expected - pending))
