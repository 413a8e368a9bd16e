"""From the catalogue to the indexes, and back to a clean state after anything that went wrong."""

import logging
import shutil
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from rag.catalog import Catalog, Collection, StoredChunk
from rag.documents import Document, Notice
from rag.errors import Cancelled, RagError, StoreError
from rag.keyword_index import KeywordIndex
from rag.vector_index import WRITE_ROWS, Row, VectorIndex

log = logging.getLogger(__name__)


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
            waiting = self._catalog.jobs.recent(collection.id)
            for document in self._catalog.documents.in_any_state(collection.id):
                self._forget(document)
            for each in self._indexes(collection):
                self.drop_indexes(each)
            self._catalog.collections.delete(collection)
            for job in waiting:
                self._catalog.drop_unused_original(job.sha256)

    def publish(self, document: Document) -> None:
        """Index a document in state "indexing", show it, and take out the version it replaces.

        Where it cannot be indexed nothing of it is left. Raises StoreError.
        """
        with self.lock:
            try:
                self._write(self._collection(document), document)
            except BaseException:
                self._withdraw(document)
                raise
            for replaced in self._catalog.documents.publish(document):
                _try_to(self.delete, replaced)  # no longer shown; the next start tries again

    def delete(self, document_id: str) -> None:
        """Take a document out of both indexes, the vectors by content, the catalogue and the originals."""
        with self.lock:
            document = self._catalog.documents.get(document_id)
            collection = self._collection(document)
            self._catalog.documents.set_status([document_id], "deleting")
            for each in self._indexes(collection):
                self._vectors.delete_document(each.index_name, document_id)
                self._keywords.delete_document(each.index_name, document_id)
            self._forget(document)

    def drop_indexes(self, collection: Collection) -> None:
        """Remove a collection's vector and keyword index."""
        self._vectors.drop(collection.index_name)
        self._keywords.drop(collection.index_name)

    def recover(self) -> None:
        """Finish what a stopped process left half done, and rebuild the indexes that differ."""
        with self.lock:
            shutil.rmtree(self._catalog.reading_dir, ignore_errors=True)
            self._finish_deleting()
            for collection in self._catalog.collections.all():
                if not self.check(collection).clean:
                    self.rebuild(collection)
                self._recover_other(collection)
            self._finish_deleting()  # what a damaged index did not let go of
            for document in self._catalog.documents.with_status("indexing"):
                self._finish_indexing(document)

    def check(self, collection: Collection) -> IndexReport:
        """Compare both indexes with the catalogue."""
        expected = self._catalog.documents.chunk_ids(collection.id, "ready")
        pending = self._catalog.documents.chunk_ids(collection.id, "indexing")
        vectors = _readable(self._vectors.ids, collection.index_name)
        keywords = _readable(self._keywords.ids, collection.index_name)
        return IndexReport(
            collection=collection.name,
            chunks=len(expected),
            missing_vectors=len(expected - (vectors or set())) or int(vectors is None),
            ghost_vectors=len((vectors or set()) - expected - pending),
            missing_keywords=len(expected - (keywords or set())) or int(keywords is None),
            ghost_keywords=len((keywords or set()) - expected - pending),
        )

    def rebuild(self, collection: Collection) -> None:
        """Write both indexes anew from the catalogue; nothing is embedded again."""
        with self.lock:
            self.drop_indexes(collection)
            self._vectors.create(collection.index_name, collection.hnsw)
            self.synchronise(collection)

    def synchronise(self, collection: Collection, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Make the indexes what the catalogue says, one document after the other, other writers in between.

        Documents that are not embedded by the collection's model yet are left for later. Raises Cancelled.
        """
        with self.lock:
            if not self._vectors.exists(collection.index_name):
                self._vectors.create(collection.index_name, collection.hnsw)
            known = set(self._vectors.ids(collection.index_name)) & self._keywords.ids(collection.index_name)
            ready = [each for each in self._catalog.documents.all(collection.id) if each.status == "ready"]
            for document_id in {key.rpartition("-")[0] for key in known} - {each.id for each in ready}:
                self._vectors.delete_document(collection.index_name, document_id)
                self._keywords.delete_document(collection.index_name, document_id)
        for document in ready:
            if cancelled():
                raise Cancelled("Stopped.")
            with self.lock:
                chunks = self._catalog.documents.chunks(document.id)
                hashes = [chunk.text_hash for chunk in chunks]
                is_known = all(chunk.id in known for chunk in chunks)
                if not is_known and not self._catalog.vectors.missing(collection.fingerprint, hashes):
                    self._write(collection, document)

    def _recover_other(self, collection: Collection) -> None:
        """Begin a second index that cannot be read anew, empty: building it goes on from the vectors."""
        other = self._catalog.collections.other_index(collection)
        if other and _readable(self._vectors.ids, other.index_name) is None:
            self.drop_indexes(other.of(collection))
            self._vectors.create(other.index_name, collection.hnsw)
            self._catalog.collections.complete_other_index(collection, is_complete=False)

    def _finish_deleting(self) -> None:
        for document in self._catalog.documents.with_status("deleting"):
            _try_to(self.delete, document.id)

    def _finish_indexing(self, document: Document) -> None:
        """Publish it; if a newer version is ready drop it, if it cannot be indexed keep it as failed."""
        versions = self._catalog.documents.named(document.collection_id, document.name)
        newer = versions[: versions.index(document)]
        if any(each.status == "ready" for each in newer):
            self._withdraw(document)
            self._catalog.drop_unused_original(document.sha256)
            return
        try:
            self.publish(document)
        except RagError as error:
            log.warning("indexing %s: %s", document.name, error)
            failed = replace(document, status="failed", error=Notice.of(error), tokens=0)
            self._catalog.documents.add(failed, ())

    def _withdraw(self, document: Document) -> None:
        """Take out what was written of a document, as far as the indexes allow, and forget it."""
        index = self._collection(document).index_name
        for each in (self._vectors, self._keywords):
            _try_to(partial(each.delete_document, index), document.id)
        self._catalog.remove_document(document.id)

    def _write(self, collection: Collection, document: Document) -> None:
        chunks = self._catalog.documents.chunks(document.id)
        for start in range(0, len(chunks), WRITE_ROWS):
            part = chunks[start : start + WRITE_ROWS]
            vectors = self._catalog.vectors.load(collection.fingerprint, [chunk.text_hash for chunk in part])
            rows = [Row(each.id, _metadata(document, each)) for each in part]
            self._vectors.write(collection.index_name, rows, vectors)
        self._keywords.write(
            collection.index_name,
            [(each.id, document.id, each.chunk.embedded_text) for each in chunks],
        )

    def _forget(self, document: Document) -> None:
        self._catalog.remove_document(document.id)
        self._catalog.drop_unused_original(document.sha256)

    def _indexes(self, collection: Collection) -> list[Collection]:
        """The collection with its index, and with its second one if it has one."""
        other = self._catalog.collections.other_index(collection)
        return [collection, other.of(collection)] if other else [collection]

    def _collection(self, document: Document) -> Collection:
        return self._catalog.collections.get(document.collection_id)


def _try_to(delete: Callable[[str], None], document_id: str) -> None:
    try:
        delete(document_id)
    except RagError as error:
        log.warning("deleting %s: %s", document_id, error)


def _readable(ids: Callable[[str], Iterable[str]], index: str) -> set[str] | None:
    """The ids in an index; None where it is not there or cannot be read."""
    try:
        return set(ids(index))
    except StoreError:
        return None


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
