"""What a deletion leaves behind: looked for in every place, not taken for granted."""

from collections.abc import Iterator
from dataclasses import dataclass

from rag.catalog import Catalog, Collection, StoredChunk
from rag.documents import Document, Notice
from rag.ingestion.indexing import Indexing
from rag.keyword_index import KeywordIndex
from rag.vector_index import VectorIndex


@dataclass(frozen=True, slots=True)
class DeletionReceipt:
    """What was found after a document was deleted; `clean` if nothing was left that only it needed.

    `is_listed`: it is still in the catalogue. `in_vectors`, `in_keywords`: an index of its collection still
    holds it. `is_rebuilding`: a vector index that could not be asked is built anew, without it.
    `vectors_left` and `files_left` count cached vectors and originals or pictures that nothing needs. Other
    documents need `vectors_shared` of the vectors and `files_shared` of the files; `shared_with` are the
    names of those that need a file.
    """

    id: str
    name: str
    chunks: int
    is_listed: bool
    in_vectors: bool
    in_keywords: bool
    is_rebuilding: bool
    vectors_left: int
    vectors_shared: int
    files_left: int
    files_shared: int
    shared_with: tuple[str, ...]

    @property
    def clean(self) -> bool:
        found = (self.is_listed, self.in_vectors, self.in_keywords, self.vectors_left, self.files_left)
        return not any(found)


def delete_with_receipt(
    catalog: Catalog, indexing: Indexing, vectors: VectorIndex, keywords: KeywordIndex, document_id: str
) -> DeletionReceipt:
    """Delete a document and look for what is left of it. Raises UsageError, StoreError."""
    with indexing.lock:
        document = catalog.documents.get(document_id)
        chunks = catalog.documents.chunks(document_id)
        indexes = _indexes(catalog, document)
        indexing.delete(document_id)
        used, unused = catalog.vectors.kept({chunk.text_hash for chunk in chunks})
        with catalog.originals.lock:  # a file that is just being added has its job when this is free
            files = [each for each in _files(document, chunks) if catalog.originals.path(each).exists()]
            needing = {each: catalog.documents.needing(each) for each in files}
        return DeletionReceipt(
            id=document.id,
            name=document.name,
            chunks=len(chunks),
            is_listed=catalog.documents.find(document_id) is not None
            or bool(catalog.documents.chunks(document_id)),
            in_vectors=any(vectors.holds(each, document_id) for each in indexes if vectors.is_trusted(each)),
            in_keywords=keywords.holds(document.collection_id, document_id),
            is_rebuilding=not all(map(vectors.is_trusted, indexes)),
            vectors_left=unused,
            vectors_shared=used,
            files_left=sum(not names for names in needing.values()),
            files_shared=sum(bool(names) for names in needing.values()),
            shared_with=tuple(sorted({name for names in needing.values() for name in names})),
        )


def receipt_notices(receipt: DeletionReceipt) -> Iterator[Notice]:
    """A receipt in words."""
    if not receipt.clean:
        yield Notice("Something of “{name}” is left. Run: rag check --repair", {"name": receipt.name})
    elif receipt.files_shared or receipt.vectors_shared:
        yield Notice(
            "“{name}” is deleted: what only it needed was looked for and is gone.", {"name": receipt.name}
        )
    else:
        yield Notice(
            "“{name}” is deleted: its text, vectors, keywords and file were looked for and are gone.",
            {"name": receipt.name},
        )
    if receipt.is_rebuilding:
        yield Notice("The index is being built anew without it; no search shows it meanwhile.")
    if receipt.files_shared:
        yield Notice(
            "Its file or a picture in it is kept, because it is in these too: {names}.",
            {"names": ", ".join(receipt.shared_with)},
        )
    if receipt.vectors_shared:
        yield Notice(
            "{n} of its vectors are kept, because other documents have the same passages.",
            {"n": receipt.vectors_shared},
        )


def _indexes(catalog: Catalog, document: Document) -> list[str]:
    collection: Collection = catalog.collections.get(document.collection_id)
    other = catalog.collections.other_index(collection)
    return [collection.index_name, *([other.index_name] if other else [])]


def _files(document: Document, chunks: list[StoredChunk]) -> list[str]:
    """The digests of the original and of the pictures in it."""
    return list(
        dict.fromkeys([document.sha256, *(each.chunk.picture for each in chunks if each.chunk.picture)])
    )
