"""A record as the workbench shows it: a chunk with its document, its metadata and its vector."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.catalog import BY_HAND, StoredRecord, vector_key
from rag.documents import Metadata
from rag.embedders.base import Vectors


@dataclass(frozen=True, slots=True)
class Record:
    """A chunk that can be found. `own_metadata` stand over those of its document; `metadata` are both.

    `has_given_vector` tells that its vector was given by hand, and is not that of its text.
    """

    id: str
    document_id: str
    name: str
    ordinal: int
    text: str
    tokens: int
    metadata: Metadata
    own_metadata: Metadata
    has_given_vector: bool
    page: int | None = None
    headings: tuple[str, ...] = ()
    picture: str | None = None
    edited_at: str | None = None
    is_note: bool = False

    @classmethod
    def of(cls, stored: StoredRecord) -> "Record":
        """The record of a stored chunk and its document."""
        chunk, document = stored
        return cls(
            id=chunk.id,
            document_id=document.id,
            name=document.name,
            ordinal=chunk.ordinal,
            text=chunk.chunk.text,
            tokens=chunk.chunk.tokens,
            metadata={**document.metadata, **chunk.metadata},
            own_metadata=chunk.metadata,
            has_given_vector=chunk.text_hash != vector_key(chunk.chunk),
            page=chunk.chunk.page,
            headings=chunk.chunk.headings,
            picture=chunk.chunk.picture,
            edited_at=chunk.edited_at,
            is_note=document.kind == BY_HAND,
        )


@dataclass(frozen=True, slots=True)
class RecordPage:
    """Some records in their order, and whether there are others before and after them."""

    records: Sequence[Record]
    has_before: bool
    has_after: bool


@dataclass(frozen=True, slots=True, eq=False)
class RecordDetail:
    """A record and its vector, shape (dimension,)."""

    record: Record
    vector: Vectors

    @property
    def norm(self) -> float:
        """The vector's length: 1, but for rounding."""
        return float(np.linalg.norm(self.vector))


@dataclass(frozen=True, slots=True)
class RecordHit:
    """A record that a query found: its rank from 1, the raw distance by the index's space, and the cosine."""

    rank: int
    record: Record
    distance: float
    cosine: float
