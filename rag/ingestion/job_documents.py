"""What becomes of a job in the catalogue: the document that was read, or the failure."""

import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rag.catalog import Catalog, Job
from rag.documents import ChunkSize, Document, Notice
from rag.ingestion.reading import Read


def read_document(
    job: Job, read: Read, replaced: Sequence[Document], usual: ChunkSize, size: int
) -> Document:
    """A document that is yet to be indexed, in place of those it replaces; `size` in bytes."""
    return Document(
        id=secrets.token_hex(8),
        collection_id=job.collection_id,
        name=job.name,
        sha256=job.sha256,
        kind=read.parsed.kind,
        bytes=size,
        status="indexing",
        added_at=_now(),
        title=read.parsed.title,
        pages=read.parsed.pages,
        tokens=sum(chunk.tokens for chunk in read.chunks),
        warnings=(*read.parsed.warnings, *_same_name_elsewhere(job, replaced)),
        metadata=job.metadata,
        folder=job.folder,
        chunk_size=job.chunk_size or usual,
    )


def failed_document(job: Job, error: Notice, size: int) -> Document:
    """A file that could not be added, kept in sight with the reason; `size` in bytes."""
    return Document(
        id=secrets.token_hex(8),
        collection_id=job.collection_id,
        name=job.name,
        sha256=job.sha256,
        kind="",
        bytes=size,
        status="failed",
        added_at=_now(),
        error=error,
        metadata=job.metadata,
        folder=job.folder,
        chunk_size=job.chunk_size,
    )


def unexpected(error: Exception) -> Notice:
    """What is said of an error that is none of ours."""
    return Notice(
        "Something unexpected went wrong: {reason}. Try again; if it happens again, report it.",
        {"reason": f"{type(error).__name__}: {error}"},
    )


def lost_by_hand(catalog: Catalog, replaced: Sequence[Document]) -> Iterator[Notice]:
    """What is said where a new version takes the place of one that was changed by hand."""
    for document in replaced:
        if count := catalog.records.changed_by_hand(document.id):
            yield Notice(
                "It took the place of a version of which {n} records had been edited or deleted by hand; "
                "these changes went with that version.",
                {"n": count},
            )


def _same_name_elsewhere(job: Job, replaced: Sequence[Document]) -> Iterator[Notice]:
    """What is said where a file takes the place of one that came from another folder."""
    for document in replaced:
        if document.folder not in (None, job.folder):
            yield Notice(
                "It replaced a document of the same name that came from the folder {folder}. To keep both, "
                "rename one, or add the folders to different collections.",
                {"folder": document.folder or ""},
            )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
