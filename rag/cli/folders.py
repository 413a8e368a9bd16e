"""Folders as the command takes them: which files they hold, and what has vanished from them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from rag.errors import DocumentError, UsageError

if TYPE_CHECKING:
    from rag.catalog import Catalog, Collection
    from rag.documents import ChunkSize, Document
    from rag.engine import Engine
    from rag.ingestion.folders import FolderListing


Source: TypeAlias = tuple[str, Path, str | None]


@dataclass(frozen=True)
class Sources:
    """What the paths of a command line stand for: files as (name, path, folder or None), and the folders."""

    files: Sequence[Source]
    folders: Sequence["FolderListing"]

    def skipped(self) -> list[dict[str, str]]:
        """What in the folders is not taken, and why."""
        return [
            {"name": name, "reason": reason}
            for listing in self.folders
            for name, reason in listing.skipped.items()
        ]

    def unreadable(self) -> Iterator[tuple[str, DocumentError]]:
        """The names of what cannot be looked at inside the folders, with the errors."""
        from rag.ingestion.folders import cannot_be_opened

        for listing in self.folders:
            for name, reason in listing.unreadable.items():
                yield name, cannot_be_opened(Path(listing.folder, name), reason)


def find_sources(paths: Sequence[Path], *, prune: bool) -> Sources:
    """The files to add.

    Raises UsageError where there are none, or where `prune` would believe a missing or empty folder.
    """
    from rag.ingestion.folders import list_folder

    files: list[Source] = []
    folders: list[FolderListing] = []
    for path in paths:
        if path.is_dir():
            listing = list_folder(path)
            folders.append(listing)
            files += [(name, inside, listing.folder) for name, inside in listing.files]
        else:
            files.append((path.name, path, None))
        if prune:
            _check_prunable(path, folders[-1] if path.is_dir() else None)
    if not files and not any(listing.unreadable or listing.skipped for listing in folders):
        raise UsageError("There are no files in {paths}.", paths=", ".join(map(str, paths)))
    return Sources(files, folders)


def _check_prunable(path: Path, listing: "FolderListing | None") -> None:
    if listing is None:
        raise UsageError(
            "--prune removes what has vanished from a folder, and {path} is none that can be looked into. "
            "Nothing was done.",
            path=path,
        )
    if not listing.files:
        raise UsageError(
            "There are no files in {path}. Is its disk there? With --prune all its documents would be "
            "removed, so nothing was done.",
            path=path,
        )


def find_vanished(catalog: "Catalog", collection: "Collection | None", sources: Sources) -> list["Document"]:
    """The documents whose files are no longer in the folder that they came from."""
    from rag.ingestion.folders import vanished

    if collection is None:
        return []
    found = [each for listing in sources.folders for each in vanished(catalog, collection, listing)]
    return list({document.id: document for document in found}.values())  # a folder may be named twice


def names_of(documents: Sequence["Document"]) -> list[str]:
    """Each name once: a document may have failed and be there in its earlier version."""
    return list(dict.fromkeys(document.name for document in documents))


def planned_rows(
    engine: "Engine",
    collection: "Collection | None",
    sources: Sources,
    meta: dict[str, Any],
    size: "ChunkSize | None",
) -> Iterator[dict[str, Any]]:
    """What adding the files would do to each, as far as can be told without reading them."""
    from rag.ingestion.folders import Plan, cannot_be_opened, is_cut_alike

    for name, error in sources.unreadable():
        yield {"name": name, "status": "failed", "error": str(error)}
    usual = engine.settings.chunk_size
    plan = Plan(engine.catalog, collection, meta, lambda each: is_cut_alike(each, size, usual))
    for name, path, _folder in sources.files:
        try:
            yield {"name": name, "status": plan.status(name, path, most_mb=engine.settings.max_file_mb)}
        except OSError as broken:
            failed = cannot_be_opened(path, broken.strerror or broken)
            yield {"name": name, "status": "failed", "error": str(failed)}
        except DocumentError as refused:
            yield {"name": name, "status": "failed", "error": str(refused)}
