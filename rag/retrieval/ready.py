"""Candidates whose documents can be shown."""

from collections.abc import Sequence

from rag.catalog import Catalog, Collection, StoredChunk
from rag.documents import Document


def first_ready(
    catalog: Catalog, collection: Collection, order: Sequence[str], n: int
) -> list[tuple[StoredChunk, Document]]:
    """The first n chunks of an order that belong to ready documents."""
    best: list[tuple[StoredChunk, Document]] = []
    for start in range(0, len(order), n):
        part = order[start : start + n]
        chunks = catalog.chunks.ready(collection.id, part)
        best += [chunks[key] for key in part if key in chunks]
        if len(best) >= n:
            break
    return best[:n]
