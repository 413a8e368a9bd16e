"""Changing a collection record by record: the catalogue first, then both indexes."""

import io
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from rag.catalog import (
    BY_HAND,
    NOTES_NAME,
    Catalog,
    Collection,
    Deletion,
    RecordContent,
    StoredChunk,
    StoredRecord,
    no_record,
)
from rag.catalog.stored_chunk import stored_chunk
from rag.documents import Chunk, Document, Metadata
from rag.embedders.base import Embedder
from rag.errors import UsageError
from rag.ingestion import Indexing
from rag.ingestion.embedding import embed_chunks, embed_missing
from rag.workbench.given import checked_metadata, checked_text, checked_vector


class Editing:
    """Adds, edits and deletes records; a deletion can be undone until the collection is compacted.

    Where an index cannot be written the catalogue has the change all the same, and the index is mended later.
    """

    def __init__(
        self,
        catalog: Catalog,
        indexing: Indexing,
        embedder_of: Callable[[Collection], Embedder],
        ready: Callable[[], None],
        on_deleted: Callable[[], None],
    ) -> None:
        self._catalog = catalog
        self._indexing = indexing
        self._embedder_of = embedder_of
        self._ready = ready
        self._on_deleted = on_deleted

    def add(
        self,
        collection: Collection,
        text: str,
        *,
        metadata: Metadata | None = None,
        vector: Sequence[float] | None = None,
    ) -> str:
        """Write a record by hand, with its text's vector or a given one; its id.

        Raises UsageError for what cannot be a record, ProviderError, StoreError.
        """
        self._ready()
        own = checked_metadata(metadata or {})
        chunk = Chunk(text, self._tokens(collection, Chunk(text, 0)))
        content = self._content(collection, chunk, own, vector)
        with self._indexing.lock:
            self._check_model(collection)
            document = self._catalog.records.notes(collection.id) or self._begin_notes(collection)
            record_id = self._catalog.records.add(document, collection.fingerprint, content)
            self._indexing.settle(collection)
        return record_id

    def edit(
        self,
        collection: Collection,
        record_id: str,
        *,
        text: str | None = None,
        metadata: Metadata | None = None,
        vector: Sequence[float] | None = None,
        embed: bool = False,
    ) -> None:
        """Give a record another text, other metadata of its own (all of them) or another vector.

        Another text is embedded, unless a vector is given; with `embed` the text is embedded in place of a
        vector that was given. Raises UsageError, ProviderError, StoreError.
        """
        self._ready()
        stored, _ = self._find(collection, record_id)
        own = stored.metadata if metadata is None else checked_metadata(metadata)
        chunk = stored.chunk
        if text is not None and text != chunk.text:
            changed = replace(chunk, text=text)
            chunk = replace(changed, tokens=self._tokens(collection, changed))
        keeps_vector = vector is None and not embed and (chunk.text == stored.chunk.text or chunk.picture)
        content = self._kept(collection, stored, chunk, own) if keeps_vector else None
        key = stored.text_hash if content else None
        content = content or self._content(collection, chunk, own, vector)
        with self._indexing.lock:
            self._check_model(collection)
            present, _ = self._find(collection, record_id)
            if present != stored:
                raise UsageError("The record was changed meanwhile. Look at it again, then try once more.")
            self._catalog.records.edit(collection.id, record_id, collection.fingerprint, content, key)
            self._indexing.settle(collection)

    def delete(self, collection: Collection, ids: Sequence[str]) -> Deletion:
        """Take records out of every search, until `undo` or for good. Raises UsageError, StoreError.

        Nothing is deleted where there is no record of one of the ids.
        """
        self._ready()
        wanted = list(dict.fromkeys(ids))
        with self._indexing.lock:
            found = self._catalog.chunks.ready(collection.id, wanted)
            for each in wanted:
                if each not in found:
                    raise no_record(each)
            deletion = self._catalog.records.delete(collection.id, wanted)
            self._indexing.settle(collection)
        self._on_deleted()
        return deletion

    def deletions(self, collection: Collection) -> list[Deletion]:
        """What can be brought back, the last deletion first."""
        return self._catalog.records.deletions(collection.id)

    def deleted(self, deletion: Deletion) -> list[StoredChunk]:
        """What the records of a deletion held."""
        return [stored_chunk(row) for row in self._catalog.records.deleted_chunks(deletion.ids)]

    def undo(self, collection: Collection, number: int | None = None) -> Deletion:
        """Bring back what a deletion took, the last one unless told; what it was.

        Raises UsageError where there is none, ProviderError where the model changed meanwhile and fails.
        """
        self._ready()
        with self._indexing.lock:
            self._check_model(collection)
            deletion = self._deletion(collection, number)
            self._embed_again(collection, deletion)
            self._catalog.records.restore(collection.id, deletion.ids)
            self._indexing.settle(collection)
        return deletion

    def compact(self, collection: Collection) -> int:
        """Forget the deleted records for good and write the vector index without their room; how many.

        Raises StoreError.
        """
        self._ready()
        with self._indexing.lock:
            purged = self._catalog.purge_records(collection.id)
        self._indexing.rebuild_vectors(self._catalog.collections.get(collection.id))
        return purged

    def _find(self, collection: Collection, record_id: str) -> StoredRecord:
        found = self._catalog.chunks.ready(collection.id, [record_id]).get(record_id)
        if found is None:
            raise no_record(record_id)
        return found

    def _deletion(self, collection: Collection, number: int | None) -> Deletion:
        for each in self.deletions(collection):
            if number is None or each.number == number:
                return each
        raise UsageError("There are no deleted records of this kind in “{name}”.", name=collection.name)

    def _tokens(self, collection: Collection, chunk: Chunk) -> int:
        return checked_text(chunk.text, chunk.embedded_text, self._embedder_of(collection))

    def _content(
        self, collection: Collection, chunk: Chunk, own: Metadata, vector: Sequence[float] | None
    ) -> RecordContent:
        if vector is not None:
            given = checked_vector(vector, collection.fingerprint.dimension)
            return RecordContent(chunk, own, given, is_given=True)
        embedder, picture = self._embedder_of(collection), self._catalog.originals.read
        return RecordContent(chunk, own, embed_chunks([chunk], embedder, picture, are_cut_for_it=True)[0])

    def _kept(
        self, collection: Collection, stored: StoredChunk, chunk: Chunk, own: Metadata
    ) -> RecordContent | None:
        """The record with the vector that it has; None if that is gone."""
        if self._catalog.vectors.missing(collection.fingerprint, [stored.text_hash]):
            return None
        vector = self._catalog.vectors.load(collection.fingerprint, [stored.text_hash])[0]
        return RecordContent(chunk, own, vector)

    def _embed_again(self, collection: Collection, deletion: Deletion) -> None:
        """Embed what lacks a vector because the collection has had another model since."""
        chunks = {each.text_hash: each.chunk for each in self.deleted(deletion)}
        if not self._catalog.vectors.missing(collection.fingerprint, chunks):
            return
        embedder, picture = self._embedder_of(collection), self._catalog.originals.read
        embed_missing(self._catalog, collection, chunks, embedder, picture, are_cut_for_it=False)

    def _check_model(self, collection: Collection) -> None:
        """Raises UsageError if the collection has got another model while something was embedded."""
        if self._catalog.collections.get(collection.id).fingerprint != collection.fingerprint:
            raise UsageError(
                "“{name}” was changed meanwhile. Look at it again, then try once more.", name=collection.name
            )

    def _begin_notes(self, collection: Collection) -> Document:
        """The document of what is written by hand; like every other it has an original, which says so."""
        content = f"Records written by hand in Passage. Collection {collection.id}.\n".encode()
        with self._catalog.originals.lock:
            sha256 = self._catalog.originals.save(io.BytesIO(content), NOTES_NAME, most_mb=1)
            document = Document(
                id=secrets.token_hex(8),
                collection_id=collection.id,
                name=NOTES_NAME,
                sha256=sha256,
                kind=BY_HAND,
                bytes=len(content),
                status="ready",
                added_at=datetime.now(UTC).isoformat(timespec="seconds"),
            )
            self._catalog.add_document(document, (), {})
        return document
