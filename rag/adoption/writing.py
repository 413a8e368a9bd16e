"""One document's records written: vectors, original, catalogue and indexes, in the order of ingestion."""

import hashlib
import io
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from rag.adoption.pieces import Pieces, metadata_of, original_of, pieces_of
from rag.catalog import Catalog, Collection, vector_key
from rag.documents import ChunkSize, Document
from rag.embedders.base import Embedder
from rag.errors import Cancelled
from rag.ingestion import Indexing
from rag.ingestion.embedding import embed_missing
from rag.ingestion.folders import same_document
from rag.models import Models
from rag.vector_index.foreign_records import ForeignRecord

KIND = "json"  # of the originals that are written for adopted documents
MOST_MB = 1 << 20  # of such an original: the limit is for files that come from outside


@dataclass(frozen=True, slots=True)
class Written:
    """What one document holds: `kept` of its `chunks` have the vectors they had; the rest as in Adopted."""

    is_new: bool
    chunks: int
    kept: int
    split: int
    textless: tuple[str, ...]
    renamed: frozenset[str]
    differing: frozenset[str]


class Writer:
    """Writes documents to a collection of ours; `source` is the foreign collection's name."""

    def __init__(
        self,
        catalog: Catalog,
        indexing: Indexing,
        models: Models,
        size: ChunkSize,
        collection: Collection,
        source: str,
    ) -> None:
        self._catalog = catalog
        self._indexing = indexing
        self._models = models
        self._size = size
        self._collection = collection
        self._source = source

    def write(
        self,
        name: str,
        records: Sequence[ForeignRecord],
        *,
        first_page: int,
        keep_vectors: bool,
        before_batch: Callable[[], None],
    ) -> Written:
        """Write a document, unless the collection has it already; none is written without a text.

        Before each batch that is embedded `before_batch` may raise Cancelled. Raises UsageError,
        ProviderError, StoreError.
        """
        embedder = self._models.embedder_of(self._collection)
        pieces = pieces_of(records, embedder, self._size, first_page=first_page, keep_vectors=keep_vectors)
        metadata, renamed, differing = metadata_of(records, self._source)
        original = original_of(records)
        document = Document(
            id=secrets.token_hex(8),
            collection_id=self._collection.id,
            name=name,
            sha256=hashlib.sha256(original).hexdigest(),
            kind=KIND,
            bytes=len(original),
            status="indexing",
            added_at=datetime.now(UTC).isoformat(timespec="seconds"),
            tokens=sum(chunk.tokens for chunk in pieces.chunks),
            metadata=metadata,
        )
        is_new = bool(pieces.chunks) and not self._is_there(document)
        if is_new:
            self._embed(pieces, embedder, before_batch)
            self._store(document, pieces, embedder, original)
        kept = sum(vector_key(chunk) in pieces.vectors for chunk in pieces.chunks)
        return Written(is_new, len(pieces.chunks), kept, pieces.split, pieces.textless, renamed, differing)

    def _is_there(self, document: Document) -> bool:
        same = same_document(
            self._catalog, document.collection_id, document.name, document.sha256, document.metadata
        )
        return same is not None and same.name == document.name

    def _embed(self, pieces: Pieces, embedder: Embedder, before_batch: Callable[[], None]) -> None:
        """Embed the chunks whose vectors are not kept; a cancelled one leaves no vectors."""
        chunks = {vector_key(chunk): chunk for chunk in pieces.chunks}
        try:
            embed_missing(
                self._catalog,
                self._collection,
                {key: chunk for key, chunk in chunks.items() if key not in pieces.vectors},
                embedder,
                self._catalog.originals.read,
                are_cut_for_it=True,
                before_save=lambda: self._models.embedder_of(self._collection),
                before_batch=lambda *_: before_batch(),
            )
        except Cancelled:
            with self._indexing.lock:
                self._catalog.vectors.remove_unused(chunks)
            raise

    def _store(self, document: Document, pieces: Pieces, embedder: Embedder, original: bytes) -> None:
        """Write what was prepared: all of it is there afterwards, or nothing."""
        with self._indexing.lock:
            _save(self._catalog, self._collection, pieces.vectors)
            self._embed(pieces, embedder, lambda: None)  # a deletion may have taken shared vectors meanwhile
            with self._catalog.originals.lock:
                self._catalog.originals.save(io.BytesIO(original), document.name, most_mb=MOST_MB)
                try:
                    self._catalog.add_document(document, pieces.chunks, {})
                except BaseException:
                    self._catalog.drop_unused_original(document.sha256)
                    raise
            self._indexing.publish(document)


def _save(catalog: Catalog, collection: Collection, vectors: Mapping[str, np.ndarray]) -> None:
    keys = list(vectors)
    if keys:
        catalog.vectors.save(collection.fingerprint, keys, np.stack([vectors[key] for key in keys]))
