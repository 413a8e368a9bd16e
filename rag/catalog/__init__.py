"""The catalogue: the truth about collections, documents, chunks, vectors, jobs, conversations, questions."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from rag.catalog.changed_records import ChangedRecords
from rag.catalog.chunks import Chunks
from rag.catalog.collections import DEFAULT_NAME, Collection, Collections, OtherIndex
from rag.catalog.conversations import Conversation, Conversations, StoredTurn
from rag.catalog.copies import copy_database, needed_originals
from rag.catalog.database import Database
from rag.catalog.document_copies import DocumentCopies
from rag.catalog.documents import BY_HAND, Documents
from rag.catalog.examinations import Examinations, Examined
from rag.catalog.facets import DocumentFacet, Facets, facets
from rag.catalog.folder_lock import FolderLock
from rag.catalog.jobs import MOST_AT_ONCE, Job, Jobs
from rag.catalog.originals import Originals
from rag.catalog.questions import Judgement, Origin, Questions, StoredQuestion
from rag.catalog.record_pages import RecordFilter, RecordPages, StoredRecord, no_record
from rag.catalog.records import NOTES_NAME, Deletion, RecordContent, Records
from rag.catalog.stored_chunk import StoredChunk
from rag.catalog.vectors import Vectors, text_hash, vector_key
from rag.documents import Chunk, ChunkSize, Document, Metadata

__all__ = [
    "BY_HAND",
    "DEFAULT_NAME",
    "MOST_AT_ONCE",
    "NOTES_NAME",
    "Catalog",
    "Collection",
    "Conversation",
    "Deletion",
    "DocumentFacet",
    "Examined",
    "Facets",
    "Job",
    "Judgement",
    "Origin",
    "OtherIndex",
    "RecordContent",
    "RecordFilter",
    "StoredChunk",
    "StoredQuestion",
    "StoredRecord",
    "StoredTurn",
    "no_record",
    "text_hash",
    "vector_key",
]


class Catalog:
    """Everything Passage keeps in its data folder, but for the indexes that are rebuilt from it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._lock = FolderLock(data_dir)
        self._database = Database(data_dir / "catalog.sqlite3")
        self.collections = Collections(self._database)
        self.documents = Documents(self._database)
        self.chunks = Chunks(self._database, self.documents)
        self.vectors = Vectors(self._database)
        self.records = Records(self._database, self.documents)
        self.record_pages = RecordPages(self._database, self.documents, self.chunks)
        self.changed_records = ChangedRecords(self._database)
        self._copies = DocumentCopies(self._database, self.documents)
        self.jobs = Jobs(self._database)
        self.examinations = Examinations(self._database)
        self.conversations = Conversations(self._database)
        self.questions = Questions(self._database)
        self.originals = Originals(data_dir / "originals")
        self.reading_dir = data_dir / "reading"
        self._facets: dict[str, tuple[int, Facets]] = {}

    def lock(self) -> None:
        """Keep other processes from writing until this is closed. Raises StoreError where one is at it."""
        self._lock.acquire()

    def queue(
        self,
        collection_id: str,
        name: str,
        source: BinaryIO,
        metadata: Metadata,
        *,
        most_mb: int,
        folder: str | None = None,
        chunk_size: ChunkSize | None = None,
        sender: str = "",
    ) -> int:
        """Save an original and queue it, so that no deletion comes between; the job's id.

        Raises DocumentError when it is larger than `most_mb`, StoreError when it cannot be written.
        """
        with self.originals.lock:
            sha256 = self.originals.save(source, name, most_mb=most_mb)
            try:
                return self.jobs.add(
                    collection_id, name, sha256, metadata, folder=folder, chunk_size=chunk_size, sender=sender
                )
            except BaseException:
                self.drop_unused_original(sha256)
                raise

    def cancel(self, job_id: int) -> None:
        """End a waiting job now, without its original; ask a running one to end at its next batch."""
        for sha256 in self.jobs.cancel(job_id):
            self.drop_unused_original(sha256)

    def add_document(self, document: Document, chunks: Sequence[Chunk], pictures: Mapping[str, Path]) -> None:
        """Write a document, its chunks and their pictures, which are moved in, all or nothing.

        `pictures` are files by their SHA-256.
        """
        with self.originals.lock:
            try:
                for sha256, path in pictures.items():
                    self.originals.adopt(sha256, path)
                self.documents.add(document, chunks)
            except BaseException:
                for sha256 in (*pictures, document.sha256):
                    self.drop_unused_original(sha256)
                raise

    def copy_document(self, document: Document, collection_id: str, name: str) -> Document:
        """A document's copy in another collection, in state "indexing"; they share their original."""
        with self.originals.lock:
            return self._copies.copy(document, collection_id, name)

    def purge_records(self, collection_id: str) -> int:
        """Forget a collection's deleted records for good; how many there were."""
        count, pictures = self.records.purge(collection_id)
        for sha256 in pictures:
            self.drop_unused_original(sha256)
        return count

    def remove_document(self, document_id: str) -> None:
        """Forget a document, its chunks, and the vectors and pictures that no other chunk uses."""
        for sha256 in self.documents.remove(document_id):
            self.drop_unused_original(sha256)

    def drop_unused_original(self, sha256: str) -> None:
        """Remove an original or a picture that no document and no waiting job needs."""
        with self.originals.lock:
            if not self.documents.uses_original(sha256):
                self.originals.delete(sha256)

    def unused_originals(self) -> list[str]:
        """The digests of the files that nothing needs: left by a process that was stopped."""
        with self.originals.lock:
            return [each for each in self.originals.all() if not self.documents.uses_original(each)]

    def missing_originals(self) -> list[str]:
        """The names of the ready documents whose original is gone."""
        return [
            each.name
            for each in self.documents.with_status("ready")
            if not self.originals.path(each.sha256).is_file()
        ]

    def remove_unused(self) -> None:
        """Remove the files and the vectors that nothing needs."""
        with self.originals.lock:
            self.originals.remove_unfinished()
            for sha256 in self.unused_originals():
                self.originals.delete(sha256)
        if not self.jobs.any_waiting():
            self.vectors.remove_all_unused()

    def copy_to(self, path: Path) -> frozenset[str]:
        """Write the catalogue as it is now to a new file; the digests of the originals that it needs.

        Other threads and processes go on meanwhile. Raises StoreError.
        """
        copy_database(self._database, path)
        return needed_originals(path)

    def facets(self, collection_id: str) -> Facets:
        """What the ready documents of a collection can be filtered by, counted when they have changed."""
        generation = self.documents.generation
        kept = self._facets.get(collection_id)
        if kept is None or kept[0] != generation:
            kept = self._facets[collection_id] = generation, facets(self._database, collection_id)
        return kept[1]

    def snapshot(self) -> AbstractContextManager[None]:
        """Inside, this thread reads everything as it was at one moment."""
        return self._database.snapshot()

    def close(self) -> None:
        self._database.close()
        self._lock.release()
