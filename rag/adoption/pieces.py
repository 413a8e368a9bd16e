"""The records of one document as Passage keeps them: chunks, metadata, and an original. Pure."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rag.adoption.planning import PAGE_KEYS, page_of
from rag.catalog import vector_key
from rag.catalog.where import RESERVED_KEYS
from rag.documents import Chunk, ChunkSize, Metadata, Section, readable
from rag.embedders.base import Embedder, Vectors
from rag.ingestion.reading import split_for
from rag.vector_index.foreign_records import ForeignRecord

ADOPTED_FROM = "adopted_from"
RECORD_ID = "record_id"
OWN_KEYS = RESERVED_KEYS | {ADOPTED_FROM, RECORD_ID}
PREFIX = "foreign_"  # before a key that Passage sets itself


@dataclass(frozen=True, slots=True)
class Pieces:
    """What becomes of a document's records: chunks, and the vectors to keep by their keys.

    `textless` are the ids of records without text; `split` records were longer than the model's window.
    """

    chunks: tuple[Chunk, ...]
    vectors: Mapping[str, Vectors]
    textless: tuple[str, ...]
    split: int


def window_of(embedder: Embedder, size: ChunkSize) -> int:
    """The most tokens of one text; where the model does not tell, as many as chunks are cut to."""
    return embedder.max_tokens or size.tokens


def pieces_of(
    records: Sequence[ForeignRecord],
    embedder: Embedder,
    size: ChunkSize,
    *,
    first_page: int,
    keep_vectors: bool,
) -> Pieces:
    """One chunk a record, or several of this size where its text is longer than the model's window.

    The vector of a record that was split is not kept: it stands for another text.
    """
    chunks: list[Chunk] = []
    vectors: dict[str, Vectors] = {}
    textless: list[str] = []
    split = 0
    for record in records:
        text = readable(record.text or "")
        if not text.strip():
            textless.append(record.id)
            continue
        tokens = embedder.count_tokens(text)
        page = _page(record.metadata, first_page)
        if tokens > window_of(embedder, size):
            split += 1
            chunks.extend(split_for(embedder, [Section(text, page)], size))
            continue
        chunk = Chunk(text, tokens, page)
        chunks.append(chunk)
        if keep_vectors and (vector := _unit(record.vector)) is not None:
            vectors[vector_key(chunk)] = vector
    return Pieces(tuple(chunks), vectors, tuple(textless), split)


def metadata_of(
    records: Sequence[ForeignRecord], collection: str
) -> tuple[Metadata, frozenset[str], frozenset[str]]:
    """What all the records say alike, as a document's metadata; the keys renamed; the keys that differ.

    Lists become text. What differs is kept in the original, and a page with its passage.
    """
    keys = {key for each in records for key in each.metadata}
    shared: dict[str, str | int | float | bool] = {}
    renamed, differing = set[str](), set[str]()
    for key in sorted(keys):
        values = [each.metadata.get(key) for each in records]
        if key in PAGE_KEYS and all(value is None or isinstance(value, int) for value in values):
            continue
        value = _plain(values[0])
        if value is None or any(type(each) is not type(values[0]) or each != values[0] for each in values):
            differing.add(key)
        elif key in OWN_KEYS or key.startswith("chroma:"):
            renamed.add(key)
            shared[PREFIX + key] = value
        else:
            shared[key] = value
    if len(records) == 1:
        shared[RECORD_ID] = records[0].id
    return {**shared, ADOPTED_FROM: collection}, frozenset(renamed), frozenset(differing)


def original_of(records: Sequence[ForeignRecord]) -> bytes:
    """The records as JSON Lines, the same bytes whenever they are the same: ids, texts, metadata."""
    rows = [
        {"id": each.id, "text": each.text, "metadata": dict(sorted(each.metadata.items()))}
        for each in records
    ]
    return "".join(readable(json.dumps(row, ensure_ascii=False)) + "\n" for row in rows).encode()


def _page(metadata: Mapping[str, Any], first_page: int) -> int | None:
    page = page_of(metadata)
    return None if page is None else page + 1 - first_page


def _plain(value: object) -> str | int | float | bool | None:
    if isinstance(value, list):
        return readable(", ".join(map(str, value)))
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return readable(value)
    return value if isinstance(value, bool | int | float) else None


def _unit(vector: Vectors | None) -> Vectors | None:
    """The vector at length 1; None where it has no direction."""
    length = float(np.linalg.norm(vector)) if vector is not None else 0.0
    if vector is None or not math.isfinite(length) or length <= 0:
        return None
    return np.asarray(vector / np.float32(length), np.float32)
