"""Vectors of chunks, by what the model sees of each: its text or its picture."""

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rag.catalog import Catalog, Collection
from rag.documents import Chunk
from rag.embedders.base import Embedder, Vectors
from rag.embedders.pictures import picture_embedder
from rag.embedders.window import embed_whole

FEWEST_TEXTS, MOST_TEXTS = 16, 128  # between two batches a job can be cancelled and shows its progress
BATCH_SECONDS = 1.0
BATCH_PICTURES = 8  # in memory at a time


def embed_missing(
    catalog: Catalog,
    collection: Collection,
    chunks: Mapping[str, Chunk],
    embedder: Embedder,
    picture: Callable[[str], bytes],
    *,
    are_cut_for_it: bool,
    before_save: Callable[[], object] = lambda: None,
    before_batch: Callable[[int, int], None] = lambda *_: None,
) -> None:
    """Embed those of the chunks, by their vector keys, that have no vector of the collection's model yet.

    Each batch is kept at once; before it `before_batch` is told how many were embedded and how many lacked a
    vector, and may raise Cancelled. Before it is kept `before_save` may raise ProviderError: a server may
    have another model by then. Raises as `embed_chunks` does.
    """
    missing = catalog.vectors.missing(collection.fingerprint, chunks)
    missing.sort(key=lambda key: chunks[key].tokens)
    start, size = 0, FEWEST_TEXTS
    while start < len(missing):
        before_batch(start, len(missing))
        batch = missing[start : start + size]
        begun = time.monotonic()
        vectors = embed_chunks(
            [chunks[key] for key in batch], embedder, picture, are_cut_for_it=are_cut_for_it
        )
        before_save()
        catalog.vectors.save(collection.fingerprint, batch, vectors)
        start += len(batch)
        size = _next_size(size, time.monotonic() - begun)


def _next_size(size: int, seconds: float) -> int:
    """How many texts to embed next where `size` of them took so long: about a second's worth."""
    if seconds > 2 * BATCH_SECONDS:
        return max(FEWEST_TEXTS, size // 2)
    return min(MOST_TEXTS, 2 * size) if seconds < BATCH_SECONDS / 2 else size


def embed_chunks(
    chunks: Sequence[Chunk], embedder: Embedder, picture: Callable[[str], bytes], *, are_cut_for_it: bool
) -> Vectors:
    """Vectors of chunks: shape (n, dimension), unit length; `picture` gives a picture's bytes by its SHA-256.

    Texts that were not cut for this model may be longer than its window. Raises UsageError where there are
    pictures and the model reads none, ProviderError, DocumentError.
    """
    texts = [chunk.embedded_text for chunk in chunks if not chunk.picture]
    by_text = embedder.embed_documents(texts) if are_cut_for_it else embed_whole(texts, embedder)
    digests = [chunk.picture for chunk in chunks if chunk.picture]
    if not digests:
        return by_text
    embed_pictures = picture_embedder(embedder).embed_pictures
    vectors = np.empty((len(chunks), by_text.shape[1]), np.float32)
    is_picture = np.array([chunk.picture is not None for chunk in chunks])
    vectors[~is_picture] = by_text
    vectors[is_picture] = np.concatenate(
        [
            embed_pictures([picture(digest) for digest in digests[start : start + BATCH_PICTURES]])
            for start in range(0, len(digests), BATCH_PICTURES)
        ]
    )
    return vectors
