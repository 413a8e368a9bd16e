"""What is near a passage: by its vector, and on the pages around it."""

from collections.abc import Sequence
from dataclasses import dataclass

from rag.catalog import Catalog, Collection, StoredChunk
from rag.comparison import stored_vectors
from rag.documents import Document, Passage
from rag.errors import UsageError
from rag.retrieval.exact import ExactSearch

NEAREST = 5


@dataclass(frozen=True, slots=True)
class Neighbours:
    """A passage, those just before and after it in its document, and the nearest ones of the collection.

    `nearest` are ranked by their cosine to it; without a stored vector there are none.
    """

    passage: Passage
    before: Passage | None
    after: Passage | None
    nearest: Sequence[Passage]


def neighbours(
    catalog: Catalog, exact: ExactSearch, collection: Collection, chunk_id: str, *, n: int = NEAREST
) -> Neighbours:
    """The neighbours of a chunk. Raises UsageError where it is gone."""
    found = catalog.chunks.ready(collection.id, [chunk_id]).get(chunk_id)
    if found is None:
        raise UsageError("This passage is no longer in the collection. Search again.")
    chunk, document = found
    chunks = catalog.documents.chunks(document.id)
    place = next((place for place, each in enumerate(chunks) if each.id == chunk.id), 0)
    before = chunks[place - 1] if place else None
    after = chunks[place + 1] if place + 1 < len(chunks) else None
    return Neighbours(
        passage_of(chunk, document),
        passage_of(before, document) if before else None,
        passage_of(after, document) if after else None,
        _nearest(catalog, exact, collection, chunk, n),
    )


def passage_of(
    stored: StoredChunk, document: Document, *, rank: int = 0, cosine: float | None = None
) -> Passage:
    """A chunk as a passage that no question found; its rank is 0 where it has none."""
    chunk = stored.chunk
    return Passage(
        rank,
        stored.id,
        document.id,
        document.name,
        chunk.text,
        cosine or 0.0,
        cosine,
        page=chunk.page,
        page_label=chunk.page_label,
        headings=chunk.headings,
        metadata={**document.metadata, **stored.metadata},
        picture=chunk.picture,
    )


def _nearest(
    catalog: Catalog, exact: ExactSearch, collection: Collection, chunk: StoredChunk, n: int
) -> tuple[Passage, ...]:
    vector = stored_vectors(catalog, collection, [chunk.text_hash]).get(chunk.text_hash)
    if vector is None:
        return ()
    others = [each for each in exact.nearest(collection, vector, n=n + 1) if each[0] != chunk.id][:n]
    chunks = catalog.chunks.ready(collection.id, [key for key, _ in others])
    present = [(key, cosine) for key, cosine in others if key in chunks]
    return tuple(
        passage_of(*chunks[key], rank=rank, cosine=cosine) for rank, (key, cosine) in enumerate(present, 1)
    )
