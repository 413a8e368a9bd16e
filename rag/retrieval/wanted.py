"""Which chunks someone means who pastes a text or points at a document that should have been found."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from rag.catalog import Catalog, Collection, StoredChunk
from rag.documents import Document
from rag.errors import UsageError
from rag.keyword_index import KeywordIndex, terms

MOST = 3  # chunks that are explained
CANDIDATES = 20  # chunks with words of a pasted text that are compared with it
SHARED = 0.5  # of the pairs of words of the shorter of two texts: they are the same with other breaks
FEWEST = 3  # pairs that a chunk shares with a text which has more than these

Found = tuple[StoredChunk, Document]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What should have been found: a text, or a document or chunk by its id."""

    text: str = ""
    document_id: str | None = None
    chunk_id: str | None = None

    def __post_init__(self) -> None:
        if not (self.text.strip() or self.document_id or self.chunk_id):
            raise UsageError("Paste the text that should have been found, or choose its document.")


def holders(catalog: Catalog, keywords: KeywordIndex, collection: Collection, text: str) -> Sequence[Found]:
    """The chunks that hold a text, or most of it word for word. Raises StoreError."""
    if held := catalog.chunks.holding(collection.id, text, most=MOST):
        return held
    hits, _full_score = keywords.search(collection.id, text, n=CANDIDATES)
    chunks = catalog.chunks.ready(collection.id, [key for key, _ in hits])
    pairs = _pairs(text)
    alike = [(_shared(pairs, _pairs(chunks[key][0].chunk.text)), key) for key, _ in hits if key in chunks]
    best = sorted(alike, key=lambda each: -each[0])[:MOST]
    return [chunks[key] for shared, key in best if shared >= SHARED]


def _pairs(text: str) -> set[tuple[str, str]]:
    return set(itertools.pairwise(terms(text)))


def _shared(pairs: set[tuple[str, str]], others: set[tuple[str, str]]) -> float:
    """The share of pairs of words that two texts have in common, of the shorter one's."""
    common = len(pairs & others)
    if not common or common < min(FEWEST, len(pairs)):
        return 0.0
    return common / min(len(pairs), len(others))
