"""From the catalogue to the indexes: documents written, shown, and taken out again."""

import logging
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace

from rag.catalog import Catalog, Collection
from rag.documents import Document, Notice
from rag.errors import Cancelled, RagError, StoreError
from rag.ingestion.rows import rewrite, write_again, write_keywords, write_vectors
from rag.keyword_index import KeywordIndex
from rag.vector_index import WRITE_ROWS, VectorIndex

KEYWORD_ROWS = 5000  # in memory at a time

OnProgress = Callable[[int, int], None]

log = logging.getLogger(__name__)


class Indexing:
    """Writes documents to both indexes and takes them out again, one writer at a time.

    A vector index that is not trusted is left alone: upkeep makes it what the catalogue says.
    """

    def __init__(self, catalog: Catalog, vectors: VectorIndex, keywords: KeywordIndex) -> None:
        self._catalog = catalog
        self._vectors = vectors
        self._keywords = keywords
        self.lock = threading.RLock()
        self._rebuilding: set[str] = set()

    def create(self, collection: Collection) -> None:
        """Make a collection's empty vector index."""
        with self.lock:
            self._vectors.create(collection.index_name, collection.hnsw)
            self._vectors.trust(collection.index_name)

    def drop(self, collection: Collection) -> None:
        """Remove a collection with all its documents, indexes and originals."""
        with self.lock:
            waiting = self._catalog.jobs.recent(collection.id)
            for document in self._catalog.documents.in_any_state(collection.id):
                self._forget(document)
            for each in self._indexes(collection):
                self.drop_vectors(each)
            self._keywords.drop(collection.id)
            self._catalog.collections.delete(collection)
            for job in waiting:
                self._catalog.drop_unused_original(job.sha256)

    def drop_vectors(self, collection: Collection) -> None:
        """Remove a collection's vector index; one that cannot be removed now is removed by upkeep."""
        try:
            self._vectors.drop(collection.index_name)
        except StoreError as error:
            log.warning("removing the index %s: %s", collection.index_name, error)
            self._vectors.distrust(collection.index_name)

    def renew(self, collection: Collection) -> None:
        """Begin a vector index anew, unless it is known to hold nothing that is out of date."""
        with self.lock:
            if not self._vectors.is_trusted(collection.index_name):
                self._vectors.drop(collection.index_name)
                self.create(collection)

    def publish(self, document: Document) -> None:
        """Index a document in state "indexing", show it, and take out the version it replaces.

        Where it cannot be indexed nothing of it is left. Raises StoreError.
        """
        with self.lock:
            try:
                self._write(document)
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
            self._take_out(collection, document)
            self._keywords.delete_document(collection.id, document_id)
            self._forget(document)

    def finish(self) -> None:
        """End what a stopped process left half done. Both indexes can be written to."""
        with self.lock:
            shutil.rmtree(self._catalog.reading_dir, ignore_errors=True)
            for document in self._catalog.documents.with_status("deleting"):
                _try_to(self.delete, document.id)
            for document in self._catalog.documents.with_status("indexing"):
                self._finish_indexing(document)
            for collection in self._catalog.collections.all():
                _try_to(lambda key: self.settle(self._catalog.collections.get(key)), collection.id)

    def settle(self, collection: Collection) -> None:
        """Bring what the catalogue says of records that were changed by hand into both indexes.

        They stay marked as changed while a vector index is not trusted or is written anew. Raises StoreError.
        """
        with self.lock:
            changed = sorted(self._catalog.changed_records.of(collection.id))
            if not changed:
                return
            rows = self._catalog.chunks.ready(collection.id, changed)
            write_keywords(self._keywords, collection, list(rows.values()), without=changed)
            present = self._catalog.collections.get(collection.id)
            rewritten = [rewrite(self._catalog, self._vectors, each, changed) for each in self._kept(present)]
            if all(rewritten) and collection.id not in self._rebuilding:
                self._catalog.changed_records.forget(changed)

    def rebuild_keywords(self, collection: Collection) -> None:
        """Write a collection's keyword index anew from the catalogue."""
        with self.lock:
            self._keywords.drop(collection.id)
            last = ""
            while rows := self._catalog.chunks.ready_after(collection.id, last, most=KEYWORD_ROWS):
                write_keywords(self._keywords, collection, rows)
                last = rows[-1][0].id

    def rebuild_vectors(
        self,
        collection: Collection,
        on_progress: OnProgress = lambda *_: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        """Write a collection's vector index anew, beside the old one, which it takes the place of.

        Nothing is embedded again. Raises StoreError, Cancelled.
        """
        new = replace(collection, index_name=self._catalog.collections.new_index_name(collection))
        self._rebuilding.add(collection.id)
        try:
            self.synchronise(new, on_progress, cancelled)
            with self.lock:
                self.complete(new)
                is_wanted = self._catalog.collections.replace_index(collection.index_name, new.index_name)
        except BaseException:
            self.drop_vectors(new)
            raise
        finally:
            self._rebuilding.discard(collection.id)
        self.drop_vectors(collection if is_wanted else new)
        if is_wanted:
            self.settle(collection)

    def synchronise(
        self,
        collection: Collection,
        on_progress: OnProgress = lambda *_: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        """Make a vector index what the catalogue says, some rows at a time, other writers in between.

        `on_progress` is told the rows written, and all that were missing. Chunks that are not embedded by the
        collection's model yet are left for later. Raises StoreError, Cancelled.
        """
        with self.lock:
            if not self._vectors.exists(collection.index_name):
                self._vectors.create(collection.index_name, collection.hnsw)
            changed = self._catalog.changed_records.of(collection.id)
            found = set(self._vectors.ids(collection.index_name))
            expected = self._catalog.chunks.ids(collection.id, "ready")
            known = (found & expected) - changed
            self._vectors.delete(collection.index_name, list(found - known))
        missing = sorted(expected - known)
        for start in range(0, len(missing), WRITE_ROWS):
            on_progress(start, len(missing))
            if cancelled():
                raise Cancelled("Stopped.")
            with self.lock:
                batch = missing[start : start + WRITE_ROWS]
                write_again(self._catalog, self._vectors, collection, batch)

    def complete(self, collection: Collection) -> None:
        """Make up for what came while a vector index was written, and trust it from now on."""
        with self.lock:
            self.synchronise(collection)
            self._vectors.trust(collection.index_name)

    def _write(self, document: Document) -> None:
        collection = self._collection(document)
        rows = [(chunk, document) for chunk in self._catalog.documents.chunks(document.id)]
        if self._vectors.is_trusted(collection.index_name):
            write_vectors(self._catalog, self._vectors, collection, rows)
        write_keywords(self._keywords, collection, rows)

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
        collection = self._collection(document)
        self._take_out(collection, document)
        _try_to(lambda key: self._keywords.delete_document(collection.id, key), document.id)
        self._catalog.remove_document(document.id)

    def _take_out(self, collection: Collection, document: Document) -> None:
        """Take a document out of the vector indexes; one that does not let go of it is trusted no more."""
        for each in self._indexes(collection):
            if not self._vectors.is_trusted(each.index_name):
                continue
            try:
                self._vectors.delete_document(each.index_name, document.id)
                self._catalog.collections.add_deleted_rows(each.index_name, document.chunks)
            except StoreError as error:
                log.warning("deleting %s: %s", document.id, error)
                self._vectors.distrust(each.index_name)

    def _forget(self, document: Document) -> None:
        self._catalog.remove_document(document.id)
        self._catalog.drop_unused_original(document.sha256)

    def _kept(self, collection: Collection) -> list[Collection]:
        """The collection by its vector indexes, but for one that a process left half built: it is renewed."""
        return [
            each
            for each in self._indexes(collection)
            if each is collection or self._vectors.is_trusted(each.index_name) or self._is_complete(each)
        ]

    def _is_complete(self, collection: Collection) -> bool:
        other = self._catalog.collections.other_index(collection)
        return other is not None and other.is_complete

    def _indexes(self, collection: Collection) -> list[Collection]:
        """The collection with its index, and with its second one if it has one."""
        other = self._catalog.collections.other_index(collection)
        return [collection, other.of(collection)] if other else [collection]

    def _collection(self, document: Document) -> Collection:
        return self._catalog.collections.get(document.collection_id)


def _try_to(act: Callable[[str], None], name: str) -> None:
    try:
        act(name)
    except RagError as error:
        log.warning("finishing %s: %s", name, error)
