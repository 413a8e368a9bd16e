"""A collection's second index, by another model: built beside the first, brought up to date, swapped."""

from collections.abc import Callable
from dataclasses import replace

from rag.catalog import Catalog, Collection, OtherIndex, StoredChunk
from rag.documents import Fingerprint
from rag.embedders.base import Embedder
from rag.embedders.pictures import picture_embedder
from rag.errors import Cancelled, UsageError
from rag.ingestion.embedding import embed_missing
from rag.ingestion.indexing import Indexing

OnProgress = Callable[[int, int], None]


class OtherIndexes:
    """Builds and swaps second indexes; searches go on in the first all the while."""

    def __init__(
        self, catalog: Catalog, indexing: Indexing, embedder_of: Callable[[Collection], Embedder]
    ) -> None:
        self._catalog = catalog
        self._indexing = indexing
        self._embedder_of = embedder_of

    def build(
        self,
        collection: Collection,
        fingerprint: Fingerprint,
        on_progress: OnProgress,
        cancelled: Callable[[], bool],
    ) -> None:
        """Index the collection by another model too, or go on with what was begun.

        `on_progress` is told the chunks that have a vector, and all of them.
        What the model has embedded before is not embedded again. Raises UsageError if the collection has this
        model, a second index by a third one, or pictures, which the model cannot read; ProviderError,
        StoreError, Cancelled.
        """
        if fingerprint == collection.fingerprint:
            raise UsageError("“{name}” has this model already.", name=collection.name)
        if self._catalog.chunks.pictures(collection.id):
            picture_embedder(self._embedder_of(replace(collection, fingerprint=fingerprint)))
        other = self._catalog.collections.other_index(collection)
        if other is None:
            other = self._catalog.collections.add_other_index(collection, fingerprint)
            self._indexing.create(other.of(collection))
        elif other.fingerprint != fingerprint:
            raise UsageError(
                "“{name}” has a second index by {model} already. Remove that first.",
                name=collection.name,
                model=other.fingerprint.id,
            )
        elif not other.is_complete:
            self._indexing.renew(other.of(collection))
        self._embed(other.of(collection), on_progress, cancelled)
        self._indexing.synchronise(other.of(collection), cancelled=cancelled)
        with self._indexing.lock:
            self._bring_up_to_date(other.of(collection))
            self._catalog.collections.complete_other_index(collection)

    def swap(self, collection: Collection) -> None:
        """Search in the second index from now on, and keep the present one as the second.

        What changed since it was complete is made up for first. Raises UsageError, ProviderError, StoreError.
        """
        other = self.complete(collection)
        self._embed(other.of(collection), lambda *_: None, lambda: False)
        with self._indexing.lock:
            present = self._catalog.collections.get(collection.id)
            if present.index_name != collection.index_name or self.complete(collection) != other:
                raise UsageError(
                    "“{name}” was changed meanwhile. Look at it again, then try once more.",
                    name=collection.name,
                )
            self._bring_up_to_date(other.of(collection))
            self._catalog.collections.swap_indexes(present, other)

    def remove(self, collection: Collection) -> None:
        """Remove the second index and its vectors. Nothing happens if there is none."""
        with self._indexing.lock:
            if other := self._catalog.collections.other_index(collection):
                self._indexing.drop_vectors(other.of(collection))
                self._catalog.collections.remove_other_index(collection)

    def complete(self, collection: Collection) -> OtherIndex:
        """The second index, if it holds everything. Raises UsageError if not."""
        other = self._catalog.collections.other_index(collection)
        if other is None or not other.is_complete:
            raise UsageError("“{name}” has no second index that is complete.", name=collection.name)
        return other

    def _embed(self, other: Collection, on_progress: OnProgress, cancelled: Callable[[], bool]) -> None:
        """Embed the chunks of ready documents that have no vector of this model yet."""
        embedder = self._embedder_of(other)
        chunks = {each.text_hash: each.chunk for each in self._chunks(other)}
        missing = self._catalog.vectors.missing(other.fingerprint, chunks)

        def before_batch(done: int, total: int) -> None:
            on_progress(len(chunks) - total + done, len(chunks))
            if cancelled():
                raise Cancelled("Stopped.")

        try:
            embed_missing(
                self._catalog,
                other,
                {key: chunks[key] for key in missing},
                embedder,
                self._catalog.originals.read,
                are_cut_for_it=False,
                before_save=lambda: self._embedder_of(other),
                before_batch=before_batch,
            )
        finally:
            self._catalog.vectors.remove_unused(missing)  # documents may have been deleted meanwhile
        on_progress(len(chunks), len(chunks))

    def _bring_up_to_date(self, other: Collection) -> None:
        """Under the writer's lock: embed what came meanwhile, and make the index what the catalogue says."""
        self._embed(other, lambda *_: None, lambda: False)
        self._indexing.complete(other)

    def _chunks(self, collection: Collection) -> list[StoredChunk]:
        documents = self._catalog.documents
        return [
            chunk
            for document in documents.all(collection.id)
            if document.status == "ready"
            for chunk in documents.chunks(document.id)
        ]
