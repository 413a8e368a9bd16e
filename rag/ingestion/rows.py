"""Chunks as the two indexes hold them."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from rag.catalog import Catalog, Collection, StoredChunk
from rag.documents import Document
from rag.errors import StoreError
from rag.keyword_index import KeywordIndex
from rag.vector_index import WRITE_ROWS, Row, VectorIndex

StoredRow: TypeAlias = tuple[StoredChunk, Document]

log = logging.getLogger(__name__)


def write_vectors(
    catalog: Catalog, vectors: VectorIndex, collection: Collection, rows: Sequence[StoredRow]
) -> None:
    """Write chunks, which must have been embedded by the collection's model, to its vector index."""
    for start in range(0, len(rows), WRITE_ROWS):
        part = rows[start : start + WRITE_ROWS]
        stored = catalog.vectors.load(collection.fingerprint, [chunk.text_hash for chunk, _ in part])
        wanted = [Row(chunk.id, _metadata(document, chunk)) for chunk, document in part]
        vectors.write(collection.index_name, wanted, stored)


def write_again(
    catalog: Catalog, vectors: VectorIndex, collection: Collection, chunk_ids: Sequence[str]
) -> None:
    """Write those of the chunks that can be found and have a vector of the collection's model."""
    found = catalog.chunks.ready(collection.id, chunk_ids)
    hashes = [chunk.text_hash for chunk, _ in found.values()]
    lacking = set(catalog.vectors.missing(collection.fingerprint, hashes))
    write_vectors(
        catalog, vectors, collection, [row for row in found.values() if row[0].text_hash not in lacking]
    )


def rewrite(catalog: Catalog, vectors: VectorIndex, collection: Collection, chunk_ids: Sequence[str]) -> bool:
    """Write chunks anew that may be others now, or gone; whether the index can be trusted.

    A row is taken out first: Chroma would keep those of its metadata that the chunk has no more.
    """
    if not vectors.is_trusted(collection.index_name):
        return False
    try:
        vectors.delete(collection.index_name, chunk_ids)
        catalog.collections.add_deleted_rows(collection.index_name, len(chunk_ids))
        write_again(catalog, vectors, collection, chunk_ids)
    except StoreError as error:
        log.warning("writing changed records: %s", error)
        vectors.distrust(collection.index_name)
        return False
    return True


def write_keywords(
    keywords: KeywordIndex, collection: Collection, rows: Sequence[StoredRow], *, without: Sequence[str] = ()
) -> None:
    """Write chunks to the collection's keyword index, and take out those of the ids in `without`."""
    keywords.write(
        collection.id,
        [(chunk.id, document.id, chunk.chunk.embedded_text) for chunk, document in rows],
        without=without,
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
    return {**document.metadata, **chunk.metadata, **own}
