"""Documents, chunks and originals as plain files that need no Passage to be read."""

import json
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from rag.catalog import Catalog, Collection, StoredChunk
from rag.documents import Document, readable
from rag.errors import StoreError, UsageError
from rag.keeping.writing import check_outside, copy_original, unfinished, writing

DOCUMENTS = "documents.jsonl"
CHUNKS = "chunks.jsonl"
ORIGINALS = "originals"
ROUNDS = 5
MOST_BYTES = 120  # of a name, which file systems end at 255
_KEPT = re.compile(r"[^\w .()+-]")


@dataclass(frozen=True, slots=True)
class Export:
    """What was exported; `lost` are names of documents whose original is missing or damaged."""

    folder: Path
    documents: int
    chunks: int
    lost: tuple[str, ...]


def export(
    catalog: Catalog, folder: Path, *, collections: Sequence[Collection], force: bool = False
) -> Export:
    """Write the documents of the collections, what they hold and their originals to a new folder.

    It only reads, and all as it was at one moment. With `force` an earlier export in `folder` is replaced.
    Raises UsageError where there is anything else in it; StoreError.
    """
    folder = folder.absolute()
    _check_target(catalog, folder, force=force)
    with unfinished(folder) as part, writing(folder):
        files = _Files(catalog, part / "export")
        for _ in range(ROUNDS):
            with catalog.snapshot():
                files.write(collections)
            if not files.deleted_meanwhile():
                break
        else:
            raise StoreError("The documents changed all the while. Export again when less is going on.")
        files.remove_others()
        _check_target(catalog, folder, force=force)
        if folder.exists():
            folder.rename(part / "earlier")
        files.folder.rename(folder)
    return Export(folder, files.documents, files.chunks, files.lost())


def safe_name(document: Document) -> str:
    """A file name for the original that every system takes, and no other document has.

    The user's name is in it to be recognised, as far as it is harmless.
    """
    label = unicodedata.normalize("NFC", document.name.replace("\\", "/").rpartition("/")[2])
    label = _KEPT.sub("_", label).strip(" .")
    stem, dot, suffix = label.rpartition(".")
    if not dot or len(suffix) > 10:
        stem, suffix = label, ""
    if document.kind == "json" and not suffix.lower().startswith("json"):
        stem, suffix = label, "jsonl"  # records adopted from elsewhere are named after what they came from
    stem = stem.encode()[:MOST_BYTES].decode(errors="ignore").strip(" .")
    return "-".join(filter(None, (document.id, stem))) + (f".{suffix}" if suffix else "")


class _Files:
    """Writes everything, again if need be: what was copied the first time is not copied a second time."""

    def __init__(self, catalog: Catalog, folder: Path) -> None:
        self._catalog = catalog
        self.folder = folder
        (folder / ORIGINALS).mkdir(parents=True)
        self._names: set[str] = set()
        self._missing: list[Document] = []
        self._damaged: dict[str, str] = {}
        self.documents = 0
        self.chunks = 0

    def write(self, collections: Sequence[Collection]) -> None:
        """Write the lines of every document and copy its original. Raises OSError."""
        self.documents = self.chunks = 0
        self._names.clear()
        self._missing.clear()
        with _lines(self.folder / DOCUMENTS) as documents, _lines(self.folder / CHUNKS) as chunks:
            for collection in collections:
                for document in reversed(self._catalog.documents.all(collection.id)):
                    if document.status in ("ready", "failed"):
                        _write_line(documents, _document_row(document, collection, self._copy(document)))
                        self.documents += 1
                        for chunk in self._catalog.documents.chunks(document.id):
                            _write_line(chunks, _chunk_row(document, chunk))
                            self.chunks += 1

    def deleted_meanwhile(self) -> bool:
        """Whether an original is missing because its document has gone, or was added again, since."""
        return any(
            not self._catalog.documents.uses_original(each.sha256)
            or self._catalog.originals.path(each.sha256).exists()
            for each in self._missing
        )

    def remove_others(self) -> None:
        """Remove the originals of documents that have gone since they were copied."""
        for path in (self.folder / ORIGINALS).iterdir():
            if path.name not in self._names:
                path.unlink()

    def lost(self) -> tuple[str, ...]:
        """The names of the documents whose original is missing or not as it was."""
        damaged = (label for name, label in self._damaged.items() if name in self._names)
        return tuple(sorted({*damaged, *(document.name for document in self._missing)}))

    def _copy(self, document: Document) -> str | None:
        """Copy an original; its path in the export, or None where there is none."""
        name = safe_name(document)
        target = self.folder / ORIGINALS / name
        if not target.exists():
            try:
                source = self._catalog.originals.path(document.sha256).open("rb")
            except FileNotFoundError:
                self._missing.append(document)
                return None
            with source, target.open("wb") as copy:
                if copy_original(source, copy) != document.sha256:
                    self._damaged[name] = document.name
        self._names.add(name)
        return f"{ORIGINALS}/{name}"


def _check_target(catalog: Catalog, folder: Path, *, force: bool) -> None:
    check_outside(folder, catalog.data_dir)
    if folder.is_dir() and any(names := [path.name for path in folder.iterdir()]):
        if not set(names) <= {DOCUMENTS, CHUNKS, ORIGINALS}:
            raise UsageError("{path} holds other files. Choose a folder that is new or empty.", path=folder)
        if not force:
            raise UsageError(
                "{path} holds an export already. Choose another folder, or add --force.", path=folder
            )
    elif folder.exists() and not folder.is_dir():
        raise UsageError("{path} is a file. Choose a folder that is new or empty.", path=folder)


@contextmanager
def _lines(path: Path) -> Iterator[IO[str]]:
    """A text file to write, on the disk when it is closed."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _write_line(file: IO[str], row: dict[str, Any]) -> None:
    file.write(readable(json.dumps(row, ensure_ascii=False)) + "\n")


def _document_row(document: Document, collection: Collection, original: str | None) -> dict[str, Any]:
    return {
        "id": document.id,
        "collection": collection.name,
        "name": document.name,
        "original": original,
        "sha256": document.sha256,
        "status": document.status,
        "type": document.kind or None,
        "title": document.title,
        "pages": document.pages,
        "chunks": document.chunks,
        "tokens": document.tokens,
        "bytes": document.bytes,
        "added_at": document.added_at,
        "metadata": dict(document.metadata),
        "warnings": [str(warning) for warning in document.warnings],
        "error": str(document.error) if document.error else None,
    }


def _chunk_row(document: Document, stored: StoredChunk) -> dict[str, Any]:
    return {
        "id": stored.id,
        "document_id": document.id,
        "name": document.name,
        "ordinal": stored.ordinal,
        "page": stored.chunk.page,
        "heading": " › ".join(stored.chunk.headings) or None,
        "text": stored.chunk.text,
        **({"metadata": dict(stored.metadata)} if stored.metadata else {}),
    }
