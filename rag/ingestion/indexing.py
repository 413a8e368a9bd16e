"""From the catalogue to the indexes, and back to a clean state after anything that went wrong."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rag.catalog import Catalog, Collection, StoredChunk
from rag.documents import Document
from rag.keyword_index import KeywordIndex
from rag.vector_index import WRITE_ROWS, Row, VectorIndex


@dataclass(frozen=True, slots=True)
class IndexReport:
    """How a collection's indexes differ from the catalogue, in chunks; all zero is clean.

    `missing` should be there and are not; `ghosts` are there and should not be.
    """

    collection: str
    chunks: int
    missing_vectors: int
    ghost_vectors: int
    missing_keywords: int
    ghost_keywords: int

    @property
    def clean(self) -> bool:
        return not any((self.missing_vectors, self.ghost_vectors, self.missing_keywords, self.ghost_keywords))


class Indexing:
    """Writes documents to both indexes and takes them out again, one writer at a time."""

    def __init__(self, catalog: Catalog, vectors: VectorIndex, keywords: KeywordIndex) -> None:
        self._catalog = catalog
        self._vectors = vectors
        self._keywords = keywords
        self.lock = threading.RLock()

    def create(self, collection: Collection) -> None:
        """Make a collection's empty indexes."""
        with self.lock:
            self._vectors.create(collection.index_name, collection.hnsw)

    def drop(self, collection: Collection) -> None:
        """Remove a collection with all its documents, indexes and originals."""
        with self.lock:
            for document in self._catalog.documents.all(collection.id):
                self._forget(document)
            self._vectors.drop(collection.index_name)
            self._keywords.drop(collection.index_name)
            self._catalog.collections.delete(collection)

    def publish(self, document: Document) -> None:
        """Index a document in state "indexing", show it, and take out the version it replaces."""
        with self.lock:
            self._write(self._collection(document), document)
            for replaced in self._catalog.documents.publish(document):
                self.delete(replaced)

    def delete(self, document_id: str) -> None:
        """Take a document out of both indexes, the vectors by content, the catalogue and the originals."""
        with self.lock:
            document = self._catalog.documents.get(document_id)
            collection = self._collection(document)
            self._catalog.documents.set_status([document_id], "deleting")
            self._vectors.delete_document(collection.index_name, document_id)
            self._keywords.delete_document(collection.index_name, document_id)
            self._forget(document)

    def recover(self) -> None:
        """Finish what a stopped process left half done, and rebuild the indexes that differ."""
        with self.lock:
            for document in self._catalog.documents.with_status("deleting"):
                self.delete(document.id)
            for document in self._catalog.documents.with_status("indexing"):
                self.publish(document)
            for collection in self._catalog.collections.all():
                if not self.check(collection).clean:
                    self.rebuild(collection)

    def check(self, collection: Collection) -> IndexReport:
        """Compare both indexes with the catalogue."""
        expected = {chunk_id for chunk_id, _ in self._catalog.documents.chunk_ids(collection.id)}
        name = collection.index_name
        vectors = set(self._vectors.ids(name)) if self._vectors.exists(name) else None
        keywords = self._keywords.ids(name)
        return IndexReport(
            collection=collection.name,
            chunks=len(expected),
            missing_vectors=len(expected - (vectors or set())) or int(vectors is None),
            ghost_vectors=len((vectors or set()) - expected),
            missing_keywords=len(expected - keywords),
            ghost_keywords=len(keywords - expected),
        )

    def rebuild(self, collection: Collection) -> None:
        """Write both indexes anew from the catalogue; nothing is embedded again."""
        with self.lock:
            self._vectors.drop(collection.index_name)
            self._keywords.drop(collection.index_name)
            self._vectors.create(collection.index_name, collection.hnsw)
            for document in self._catalog.documents.all(collection.id):
                if document.status == "ready":
                    self._write(collection, document)

    def _write(self, collection: Collection, document: Document) -> None:
        chunks = self._catalog.documents.chunks(document.id)
        for start in range(0, len(chunks), WRITE_ROWS):
            part = chunks[start : start + WRITE_ROWS]
            vectors = self._catalog.vectors.load(collection.fingerprint, [chunk.text_hash for chunk in part])
            rows = [Row(each.id, each.chunk.text, _metadata(document, each)) for each in part]
            self._vectors.write(collection.index_name, rows, vectors)
        self._keywords.write(
            collection.index_name,
            [(each.id, document.id, each.chunk.embedded_text) for each in chunks],
        )

    def _forget(self, document: Document) -> None:
        self._catalog.documents.remove(document.id)
        if not self._catalog.documents.uses_original(document.sha256):
            self._catalog.originals.delete(document.sha256)

    def _collection(self, document: Document) -> Collection:
        return self._catalog.collections.get(document.collection_id)


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
