"""Chunks as the two indexes hold them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from rag.catalog import Catalog, Collection, StoredChunk
from rag.documents import Document
from rag.keyword_index import KeywordIndex
from rag.vector_index import WRITE_ROWS, Row, VectorIndex

StoredRow: TypeAlias = tuple[StoredChunk, Document]


def write_vectors(
    catalog: Catalog, vectors: VectorIndex, collection: Collection, rows: Sequence[StoredRow]
) -> None:
    """Write chunks, which must have been embedded by the collection's model, to its vector index."""
    for start in range(0, len(rows), WRITE_ROWS):
        part = rows[start : start + WRITE_ROWS]
        stored = catalog.vectors.load(collection.fingerprint, [chunk.text_hash for chunk, _ in part])
        wanted = [Row(chunk.id, _metadata(document, chunk)) for chunk, document in part]
        vectors.write(collection.index_name, wanted, stored)


def write_keywords(keywords: KeywordIndex, collection: Collection, rows: Sequence[StoredRow]) -> None:
    """Write chunks to the collection's keyword index."""
    keywords.write(
        collection.id, [(chunk.id, document.id, chunk.chunk.embedded_text) for chunk, document in rows]
    )


def _metadata(document: Document, chunk: StoredChunk) -> Mapping[str, str | int | float | bool]:
    """What a filter can ask for; `added` is the day as a number, 20261121."""
    own: dict[str, str | int | float | bool] = {
        "document_id": document.id,
        "document": document.name,
        "type": document.kind,
        "added": int(datetime.fromisoformat(document.added_at).strftime("%Y%m%d")),
    }
    if chunk.chunk.page is not None:
        own["page"] = chunk.chunk.page
    return {**document.metadata, **own}
