"""A chunk as the catalogue has it, and the row that it is written to."""

import json
import sqlite3
from dataclasses import dataclass, field

from rag.catalog.vectors import vector_key
from rag.documents import Chunk, Metadata

CHUNK_COLUMNS = "id, document_id, ordinal, page, page_label, headings, text, tokens, text_hash, picture"


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk with its id ("DOCUMENT-ordinal"), its place in the document and the key of its vector.

    `metadata` is its own, beside that of its document; `edited_at` is when it was changed by hand, if it was.
    """

    id: str
    document_id: str
    ordinal: int
    text_hash: str
    chunk: Chunk
    metadata: Metadata = field(default_factory=dict)
    edited_at: str | None = None


def chunk_row(document_id: str, ordinal: int, chunk: Chunk) -> tuple[object, ...]:
    """What CHUNK_COLUMNS get of a chunk."""
    return (
        f"{document_id}-{ordinal:05d}",
        document_id,
        ordinal,
        chunk.page,
        chunk.page_label,
        json.dumps(chunk.headings, ensure_ascii=False),
        chunk.text,
        chunk.tokens,
        vector_key(chunk),
        chunk.picture,
    )


def stored_chunk(row: sqlite3.Row) -> StoredChunk:
    """A row of the table as a chunk."""
    chunk = Chunk(
        text=row["text"],
        tokens=row["tokens"],
        page=row["page"],
        headings=tuple(json.loads(row["headings"])),
        page_label=row["page_label"],
        picture=row["picture"],
    )
    return StoredChunk(
        row["id"],
        row["document_id"],
        row["ordinal"],
        row["text_hash"],
        chunk,
        json.loads(row["metadata"]),
        row["edited_at"],
    )
