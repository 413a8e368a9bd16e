"""Electronic books (EPUB), in reading order; nothing is unpacked to disk or fetched."""

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from lxml import etree

from rag.documents import Notice, ParsedFile
from rag.errors import DocumentError
from rag.loaders.archives import check_archive
from rag.loaders.characters import squeeze
from rag.loaders.outline import Outline
from rag.loaders.parts import damage
from rag.loaders.source import Source
from rag.loaders.web import read_page

CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"
PAGE_TYPES = ("application/xhtml+xml", "text/html", "text/x-oeb1-document")
HTML_NAMES = (".xhtml", ".html", ".htm")
PAGE_NAMES = (*HTML_NAMES, ".xml")
HEADING = re.compile(rb"<h[1-6][\s>]", re.I)
MOST_XML_BYTES = 20 << 20
UNREADABLE = (KeyError, ValueError, RuntimeError, EOFError, OSError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, slots=True)
class _Item:
    """A file of the book: its path in the archive, its type, and what it is for."""

    path: str
    type: str
    properties: str


@dataclass(frozen=True, slots=True)
class _Book:
    """The pages in reading order, and what the table of contents calls those that it names as a whole."""

    pages: Sequence[str]
    labels: dict[str, str]
    title: str


def read_epub(source: Source) -> ParsedFile:
    """The pages in reading order under their headings; a page without one is headed as in the contents."""
    check_archive(source.path, source.name)
    notices = []
    with zipfile.ZipFile(source.path) as archive:
        book = _book(archive)
        if not book.pages:
            book = _Book([name for name in archive.namelist() if name.lower().endswith(HTML_NAMES)], {}, "")
            notices.append(
                Notice(
                    "{name} does not tell the order of its pages; they were read as they lie in the file.",
                    {"name": source.name},
                )
            )
        _check_protection(archive, book, source.name)
        pages = _Pages(archive, book)
        missing = [page for page in book.pages if not pages.write(page)]
    if missing:
        notices.append(
            Notice(
                "{count} pages of {name} are missing or damaged and were left out, the first being {page}.",
                {"name": source.name, "count": len(missing), "page": missing[0]},
            )
        )
    sections = pages.outline.sections()
    if missing and not sections:
        raise damage(source.name)
    if not sections:
        raise DocumentError("{name} holds no text.", name=source.name)
    return ParsedFile("epub", sections, title=book.title or None, warnings=tuple(notices))


class _Pages:
    """The pages of a book written into one outline, in order."""

    def __init__(self, archive: zipfile.ZipFile, book: _Book) -> None:
        self.outline = Outline()
        self._archive = archive
        self._labels = book.labels
        self._under_label = False

    def write(self, page: str) -> bool:
        """Write a page; False where it cannot be had."""
        try:
            content = self._archive.read(page)
        except UNREADABLE:
            return False
        label = "" if HEADING.search(content) else self._labels.get(page, "")
        if label or (self._under_label and HEADING.search(content)):
            self.outline.leave()
            self._under_label = bool(label)
        if label:
            self.outline.heading(1, label)
        read_page(content, self.outline)
        return True


def _book(archive: zipfile.ZipFile) -> _Book:
    """The book as its package file describes it; without pages where that is missing or broken."""
    package = _package_path(archive)
    root = _xml(archive, package)
    if root is None:
        return _Book([], {}, "")
    items = {
        item.get("id", ""): _Item(
            _resolved(package, item.get("href", "")), item.get("media-type", ""), item.get("properties") or ""
        )
        for item in root.iterfind(".//{*}manifest/{*}item")
    }
    spine = root.find(".//{*}spine")
    references = [] if spine is None else [entry.get("idref", "") for entry in spine.iterfind("{*}itemref")]
    order = [items[reference] for reference in references if reference in items] or list(items.values())
    pages = [item.path for item in order if item.type in PAGE_TYPES or item.path.lower().endswith(PAGE_NAMES)]
    contents = [item for item in items.values() if "nav" in item.properties.split() or "ncx" in item.type]
    labels = dict(label for item in contents for label in _labels(archive, item.path))
    title = root.find(".//{http://purl.org/dc/elements/1.1/}title")
    return _Book(list(dict.fromkeys(pages)), labels, squeeze(title.text or "") if title is not None else "")


def _package_path(archive: zipfile.ZipFile) -> str:
    """Where the package file is: as the container says, else the first of that name."""
    container = _xml(archive, CONTAINER)
    found = None if container is None else container.find(".//{*}rootfile[@full-path]")
    if found is not None and found.get("full-path") in archive.namelist():
        return str(found.get("full-path"))
    return next((name for name in archive.namelist() if name.lower().endswith(".opf")), "")


def _labels(archive: zipfile.ZipFile, path: str) -> Iterator[tuple[str, str]]:
    """(page, name) of each entry of a table of contents, old or new, that stands for a whole page."""
    root = _xml(archive, path)
    if root is None:
        return
    entries = [(link.get("href"), link) for link in root.iterfind(".//{*}nav//{*}a")]
    for point in root.iterfind(".//{*}navPoint"):
        target, name = point.find("{*}content"), point.find("{*}navLabel")
        if target is not None and name is not None:
            entries.append((target.get("src"), name))
    for target, name in entries:
        if target and "#" not in target and (label := squeeze("".join(name.itertext()))):
            yield _resolved(path, target), label


def _check_protection(archive: zipfile.ZipFile, book: _Book, name: str) -> None:
    """Raise DocumentError where pages are encrypted; fonts may be, and are no one's reading."""
    locked = {member.filename for member in archive.infolist() if member.flag_bits & 1}
    root = _xml(archive, ENCRYPTION)
    for reference in root.iterfind(".//{*}CipherReference") if root is not None else ():
        locked.add(posixpath.normpath(unquote(reference.get("URI", ""))).lstrip("/"))
    if locked.intersection(book.pages):
        raise DocumentError(
            "{name} is protected against copying (DRM), so its text cannot be read. "
            "Add a copy without protection.",
            name=name,
        )


def _xml(archive: zipfile.ZipFile, path: str) -> etree._Element | None:
    """The root of a member, as far as it can be read; None where there is none."""
    try:
        if archive.getinfo(path).file_size > MOST_XML_BYTES:
            return None
        parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, load_dtd=False)
        root: etree._Element | None = etree.fromstring(archive.read(path), parser)
    except (*UNREADABLE, etree.XMLSyntaxError):
        return None
    return root


def _resolved(base: str, target: str) -> str:
    """The path in the archive that `target` means in the file `base`."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(target.partition("#")[0])))
