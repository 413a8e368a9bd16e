"""What the questions to a collection are compared with, kept from one question to the next."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rag.calibration import COHORT, SAMPLE, Backgrounds, Sampled, is_chinese
from rag.catalog import Catalog, Collection, text_hash
from rag.embedders.base import Embedder, Vectors


@dataclass(frozen=True, slots=True)
class _Background:
    """What questions to a collection are compared with, as long as its chunks are of `generation`."""

    generation: int
    cohort: Vectors
    vectors: Vectors
    sample: Sequence[Sampled]


class Comparison:
    """The cohort's vectors and those of a sample of each collection."""

    def __init__(self, catalog: Catalog, embedder_of: Callable[[Collection], Embedder]) -> None:
        self._catalog = catalog
        self._embedder_of = embedder_of
        self._samples: dict[tuple[str, str], _Background] = {}

    def backgrounds(self, collection: Collection, asked: str, vector: Vectors) -> Backgrounds:
        """A question and its vector against the cohort and a sample of the chunks.

        What it is compared with is kept until the documents change.
        """
        generation = self._catalog.documents.generation
        key = (collection.id, collection.fingerprint.key)
        kept = self._samples.get(key)
        if kept is None or kept.generation != generation:
            kept = self._samples[key] = self._sampled(collection, generation)
        return Backgrounds(asked, vector, kept.cohort, kept.vectors, kept.sample)

    def _sampled(self, collection: Collection, generation: int) -> _Background:
        hashes = [text_hash(text) for text in COHORT]
        fingerprint, vectors = collection.fingerprint, self._catalog.vectors
        if vectors.missing(fingerprint, hashes):
            vectors.save(fingerprint, hashes, self._embedder_of(collection).embed_documents(COHORT))
        chunks = self._catalog.chunks.sample(collection.id, SAMPLE)
        stored = stored_vectors(self._catalog, collection, [chunk.text_hash for chunk in chunks])
        chunks = [chunk for chunk in chunks if chunk.text_hash in stored]
        rows = [stored[chunk.text_hash] for chunk in chunks]
        return _Background(
            generation,
            vectors.load(fingerprint, hashes),
            np.stack(rows) if rows else np.empty((0, fingerprint.dimension), np.float32),
            [Sampled(is_chinese(chunk.chunk.text), chunk.document_id) for chunk in chunks],
        )


def stored_vectors(catalog: Catalog, collection: Collection, hashes: Sequence[str]) -> dict[str, Vectors]:
    """The vectors by hash, without those whose document was deleted in the meantime."""
    kept = list(dict.fromkeys(hashes))
    while True:
        try:
            return dict(zip(kept, catalog.vectors.load(collection.fingerprint, kept), strict=True))
        except KeyError:
            gone = set(catalog.vectors.missing(collection.fingerprint, kept))
            kept = [key for key in kept if key not in gone]
