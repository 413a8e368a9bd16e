"""The options of a vector index kept as the catalogue has them."""

from rag.catalog import Collection
from rag.ingestion.indexing import Indexing
from rag.vector_index import VectorIndex
from rag.vector_index.hnsw import CHANGEABLE


def is_configured(vectors: VectorIndex, collection: Collection) -> bool:
    """Whether an index has the options of its collection, as far as Chroma tells. Raises StoreError."""
    present = vectors.configuration(collection.index_name)
    return all(present[key] == value for key, value in collection.hnsw.items() if key in present)


def put_into_effect(vectors: VectorIndex, indexing: Indexing, collection: Collection) -> None:
    """Give an index the options of its collection, by writing it anew where that is the only way.

    Raises StoreError.
    """
    changeable = {key: value for key, value in collection.hnsw.items() if key in CHANGEABLE}
    with indexing.lock:
        is_done = vectors.configure(collection.index_name, changeable)
    if not is_done:
        indexing.rebuild_vectors(collection)
