"""Whole collections: copied, merged, and their index configured."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rag.catalog import BY_HAND, Catalog, Collection
from rag.documents import Document
from rag.errors import UsageError
from rag.ingestion import Indexing
from rag.ingestion.configuration import put_into_effect
from rag.vector_index import VectorIndex
from rag.vector_index.hnsw import check_changeable

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Merged:
    """How many documents and records were copied; the names of those that were there, and new names."""

    documents: int
    records: int
    present: tuple[str, ...]
    renamed: Mapping[str, str]


class CollectionTools:
    """Copies share text and vectors by content with what they are copied from: nothing is embedded again."""

    def __init__(
        self, catalog: Catalog, indexing: Indexing, vectors: VectorIndex, ready: Callable[[], None]
    ) -> None:
        self._catalog = catalog
        self._indexing = indexing
        self._vectors = vectors
        self._ready = ready

    def copy(
        self,
        collection: Collection,
        name: str,
        *,
        hnsw: Mapping[str, Any] | None = None,
        on_progress: OnProgress = lambda *_: None,
    ) -> Collection:
        """A new collection with the same documents and records, in an index with other options if wanted.

        Deleted records, conversations and questions are left behind. Raises UsageError, StoreError.
        """
        self._ready()
        options = {**collection.hnsw, **(hnsw or {})}
        copy = self._catalog.collections.create(name, collection.fingerprint, hnsw=options)
        try:
            self._indexing.create(copy)
            self._copy_documents(collection, copy, on_progress)
        except BaseException:
            self._indexing.drop(copy)
            raise
        return copy

    def merge(
        self, source: Collection, target: Collection, on_progress: OnProgress = lambda *_: None
    ) -> Merged:
        """Copy what a collection has into another of the same model; it stays as it is.

        What has the same content is there already. A document whose name is taken gets that of its collection
        behind it. Raises UsageError where the models differ, StoreError.
        """
        self._ready()
        if source.id == target.id:
            raise UsageError("“{name}” cannot be merged into itself. Choose another one.", name=source.name)
        if source.fingerprint != target.fingerprint:
            raise UsageError(
                "“{source}” is embedded by {source_model} and “{target}” by {target_model}: their vectors "
                "cannot be compared. Switch one of them to the other's model first.",
                source=source.name,
                source_model=_model(source),
                target=target.name,
                target_model=_model(target),
            )
        return self._copy_documents(source, target, on_progress)

    def configure(self, collection: Collection, hnsw: Mapping[str, Any]) -> Collection:
        """Change options of a collection's index, in effect when this returns.

        Raises UsageError, StoreError.
        """
        self._ready()
        check_changeable(hnsw)
        changed = self._catalog.collections.set_hnsw(collection, {**collection.hnsw, **hnsw})
        other = self._catalog.collections.other_index(changed)
        for each in (changed, *([other.of(changed)] if other else [])):
            if self._vectors.is_trusted(each.index_name):  # another one is about to be written anew
                put_into_effect(self._vectors, self._indexing, each)
        return self._catalog.collections.get(collection.id)

    def _copy_documents(self, source: Collection, target: Collection, on_progress: OnProgress) -> Merged:
        wanted = [each for each in self._catalog.documents.all(source.id)[::-1] if each.status == "ready"]
        records, present, renamed = 0, list[str](), dict[str, str]()
        for done, document in enumerate(wanted):
            on_progress(done, len(wanted))
            with self._indexing.lock:
                self._check_models(source, target)
                if self._catalog.documents.with_content(target.id, document.sha256):
                    present.append(document.name)
                    continue
                name = self._free_name(document, source, target)
                if name != document.name:
                    renamed[document.name] = name
                copy = self._catalog.copy_document(document, target.id, name)
                self._indexing.publish(copy)
                records += copy.chunks
        return Merged(len(wanted) - len(present), records, tuple(present), renamed)

    def _free_name(self, document: Document, source: Collection, target: Collection) -> str:
        """A name that no document of the target has, which would be replaced."""
        name, number = document.name, 1
        while document.kind != BY_HAND and self._catalog.documents.named(target.id, name):
            number += 1
            name = f"{document.name} ({source.name})" + (f" {number - 1}" if number > 2 else "")
        return name

    def _check_models(self, *collections: Collection) -> None:
        for each in collections:
            if self._catalog.collections.get(each.id).fingerprint != each.fingerprint:
                raise UsageError(
                    "“{name}” was changed meanwhile. Look at it again, then try once more.", name=each.name
                )


def _model(collection: Collection) -> str:
    """The model with as much of its revision as tells two apart."""
    fingerprint = collection.fingerprint
    return f"{fingerprint.id} ({fingerprint.dimension}, {fingerprint.revision[:12]})"
