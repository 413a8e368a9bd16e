"""A folder kept in step with a collection: what is in it, what is new, what has vanished."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rag.catalog import Catalog, Collection
from rag.documents import ChunkSize, Document, Metadata, readable
from rag.errors import DocumentError, too_large


@dataclass(frozen=True, slots=True)
class FolderListing:
    """What lies in a folder: its files by the names they get, which are their paths from there.

    `names` are those of everything there is, files or not. `unreadable` are the names of what could not be
    looked at ("." is the folder itself), `skipped` those of what is not taken, with the reasons. Hidden files
    and folders are left out.
    """

    folder: str
    files: Sequence[tuple[str, Path]]
    names: frozenset[str]
    unreadable: Mapping[str, str]
    skipped: Mapping[str, str] = field(default_factory=dict)

    def may_hold(self, name: str) -> bool:
        """Whether there is something of this name, or may be where nobody could look."""
        hidden = (each == "." or name == each or name.startswith(f"{each}/") for each in self.unreadable)
        return name in self.names or any(hidden)


def list_folder(folder: Path) -> FolderListing:
    """Everything in a folder and the folders in it.

    Links to folders are not followed, nor those that lead out of the folder: whoever may write a link into it
    must not get at other files.
    """
    folder = folder.resolve()
    files: list[tuple[str, Path]] = []
    skipped: dict[str, str] = {}
    errors: list[OSError] = []
    found = sorted(_visible(folder, errors))
    for path in found:
        try:
            if reason := _left_out(path, folder):
                skipped[_name(path, folder)] = reason
            elif path.is_file():
                files.append((_name(path, folder), path))
        except FileNotFoundError:
            continue  # it has just gone
        except OSError as error:
            errors.append(error)
    unreadable = {_name(Path(error.filename), folder): error.strerror or str(error) for error in errors}
    names = frozenset(_name(path, folder) for path in found)
    return FolderListing(readable(str(folder)), files, names, unreadable, skipped)


def vanished(catalog: Catalog, collection: Collection, listing: FolderListing) -> list[Document]:
    """The documents that came from the folder, and from nowhere else, whose files are not there any more."""
    known = catalog.documents.of_folder(collection.id, listing.folder)
    return [document for document in known if not listing.may_hold(document.name)]


def same_document(
    catalog: Catalog,
    collection_id: str,
    name: str,
    sha256: str,
    metadata: Metadata,
    *,
    is_alike: Callable[[Document], bool] = lambda _: True,
) -> Document | None:
    """The ready document that holds this content already, under this name or, if the name is new, another.

    One whose file has vanished from its folder does not count under another name: the file was renamed.
    """
    same = [
        each
        for each in catalog.documents.with_content(collection_id, sha256)
        if dict(each.metadata) == dict(metadata) and is_alike(each)
    ]
    if is_taken(catalog, collection_id, name):
        same = [each for each in same if each.name == name]
    return next((each for each in same if each.name == name or not _has_vanished(each)), None)


def is_cut_alike(document: Document, wanted: ChunkSize | None, usual: ChunkSize) -> bool:
    """Whether a document is cut as is wanted, or as usual; what is not known is changed only if asked to."""
    if document.chunk_size is None:
        return wanted is None
    return document.chunk_size == (wanted or usual)


def is_taken(catalog: Catalog, collection_id: str, name: str) -> bool:
    """Whether there is a ready document of this name."""
    return any(each.status == "ready" for each in catalog.documents.named(collection_id, name))


class Plan:
    """What adding files would do, found out without changing anything."""

    def __init__(
        self,
        catalog: Catalog,
        collection: Collection | None,
        metadata: Metadata,
        is_alike: Callable[[Document], bool] = lambda _: True,
    ) -> None:
        self._catalog = catalog
        self._is_alike = is_alike
        self._collection = collection
        self._metadata = metadata
        self._coming: dict[str, str] = {}

    def status(self, name: str, path: Path, *, most_mb: int) -> str:
        """ "added", "replaced" or "unchanged", after the files asked about before. Raises DocumentError."""
        name = readable(name)
        if (size := path.stat().st_size) > most_mb << 20:
            raise too_large(name, size, most_mb)
        with path.open("rb") as source:
            sha256 = hashlib.file_digest(source, "sha256").hexdigest()
        earlier = self._coming.get(name)
        is_copy = name not in self._coming and sha256 in self._coming.values()
        self._coming[name] = sha256
        if earlier == sha256:
            return "unchanged"
        if earlier is not None:
            return "replaced"
        if self._collection is None:
            return "unchanged" if is_copy else "added"
        if same_document(
            self._catalog, self._collection.id, name, sha256, self._metadata, is_alike=self._is_alike
        ):
            return "unchanged"
        if is_taken(self._catalog, self._collection.id, name):
            return "replaced"
        return "unchanged" if is_copy else "added"


def cannot_be_opened(path: Path | str, reason: object) -> DocumentError:
    """What is said of a file or folder that the operating system does not give out."""
    return DocumentError(
        "{path} cannot be opened: {reason}. Check the path and its permissions.", path=path, reason=reason
    )


def _visible(folder: Path, errors: list[OSError]) -> Iterator[Path]:
    """Everything that is not hidden; the errors of folders that cannot be looked into go to `errors`."""
    for place, folders, files in os.walk(folder, onerror=errors.append):
        folders[:] = [each for each in folders if not each.startswith(".")]
        for each in (*folders, *files):
            if not each.startswith("."):
                yield Path(place, each)


def _left_out(path: Path, folder: Path) -> str | None:
    """Why something is not taken; None for files, and for folders, which are looked into. Raises OSError."""
    if path.is_symlink():
        if not os.path.lexists(os.path.realpath(path)):
            return "it is a link to nothing"
        mode = path.stat().st_mode  # a link that leads to itself fails here
        if not Path(os.path.realpath(path)).is_relative_to(folder):
            return "it is a link that leads out of the folder, and is not followed"
    else:
        mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        return "it is a pipe, a socket or a device"
    return None


def _name(path: Path, folder: Path) -> str:
    return readable(path.relative_to(folder).as_posix())


def _has_vanished(document: Document) -> bool:
    return document.folder is not None and not os.path.lexists(Path(document.folder, document.name))
