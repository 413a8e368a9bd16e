"""The workbench: every operation of Chroma on collections and records, by way of the catalogue."""

from collections.abc import Callable
from dataclasses import dataclass

from rag.catalog import Catalog, Collection
from rag.embedders.base import Embedder
from rag.ingestion import Indexing
from rag.retrieval.exact import ExactSearch
from rag.vector_index import VectorIndex
from rag.workbench.browsing import Browsing
from rag.workbench.collections import CollectionTools, Merged
from rag.workbench.editing import Editing
from rag.workbench.query import QueryResult, RecordQuery
from rag.workbench.record import Record, RecordDetail, RecordHit, RecordPage

__all__ = [
    "Merged",
    "QueryResult",
    "Record",
    "RecordDetail",
    "RecordHit",
    "RecordPage",
    "RecordQuery",
    "Workbench",
    "workbench",
]


@dataclass(frozen=True, slots=True)
class Workbench:
    """What reads records, what changes them, and what does things with whole collections."""

    browsing: Browsing
    editing: Editing
    collections: CollectionTools


def workbench(
    catalog: Catalog,
    indexing: Indexing,
    vectors: VectorIndex,
    exact: ExactSearch,
    embedder_of: Callable[[Collection], Embedder],
    *,
    prepare: Callable[[], None],
    ready: Callable[[], None],
    on_deleted: Callable[[], None],
) -> Workbench:
    """The workbench over the engine's parts; `prepare` is called before a search, `ready` before a change."""
    return Workbench(
        Browsing(catalog, vectors, exact, embedder_of, prepare),
        Editing(catalog, indexing, embedder_of, ready, on_deleted),
        CollectionTools(catalog, indexing, vectors, ready),
    )
