"""The parts of an Office file: its XML, and which part points to which."""

import posixpath
import zipfile
import zlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from lxml import etree

from rag.documents import Notice, Section
from rag.errors import DocumentError
from rag.loaders.archives import check_archive, is_excessive, too_deep
from rag.loaders.word_xml import local_name

BROKEN = (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError)


@dataclass(frozen=True, slots=True)
class Relation:
    """A pointer from one part to another: the last word of its type, and the part's name."""

    kind: str
    target: str


class Parts:
    """An archive of XML parts, read as far as it can be; `damaged` names those that could not be read whole,
    `excessive` those of them that are nested too deeply, or grow too far, to be.

    Entities are never expanded, and nothing outside the archive is opened. Raises DocumentError where the
    archive is not one, or would unpack to something unreasonable.
    """

    def __init__(self, path: Path, name: str) -> None:
        check_archive(path, name)
        self.damaged: set[str] = set()
        self.excessive: set[str] = set()
        self._archive = zipfile.ZipFile(path)
        self._names = {member.lower(): member for member in reversed(self._archive.namelist())}

    def __enter__(self) -> "Parts":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()

    def __contains__(self, part: str) -> bool:
        return part.lower() in self._names

    def names(self, prefix: str) -> list[str]:
        """The names of the parts that begin with `prefix`."""
        return [member for lower, member in self._names.items() if lower.startswith(prefix)]

    def xml(self, part: str) -> Any | None:
        """The root element of a part, None if it is missing or nothing of it can be read."""
        if part not in self:
            return None
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, recover=True, remove_comments=True
        )
        content = self._bytes(part)
        try:
            root = etree.fromstring(content, parser)
        except (etree.XMLSyntaxError, ValueError):
            root = None
        if root is None or _is_broken(parser.error_log):
            self._note(part, parser.error_log)
        return root

    def stream(self, part: str, tags: tuple[str, ...]) -> Iterator[Any]:
        """The elements of these local names in the order of their ends, each gone after its turn."""
        if part not in self:
            return
        try:
            with self._archive.open(self._names[part.lower()]) as file:
                if log := (yield from _elements(file, tags)):
                    self._note(part, log)
        except (etree.XMLSyntaxError, *BROKEN):
            self.damaged.add(part)

    def relations(self, part: str) -> dict[str, Relation]:
        """The parts that `part` points to, by the ids it uses; "" is the archive itself."""
        folder, base = posixpath.split(part)
        root = self.xml(posixpath.join(folder, "_rels", f"{base}.rels"))
        found = {}
        for node in root if root is not None else ():
            if node.get("TargetMode") != "External" and node.get("Target"):
                target = posixpath.normpath(posixpath.join("/", folder, node.get("Target"))).lstrip("/")
                kind = (node.get("Type") or "").rpartition("/")[2]
                found[node.get("Id") or ""] = Relation(kind, target)
        return found

    def related(self, part: str, kind: str) -> list[str]:
        """The parts of one kind that `part` points to."""
        return [relation.target for relation in self.relations(part).values() if relation.kind == kind]

    def main(self, usual: str) -> str:
        """The part that holds the document: what the archive points to, or `usual`."""
        found = self.related("", "officeDocument")
        return found[0] if found and found[0] in self else usual

    def check_text(self, sections: Sequence[Section], name: str) -> None:
        """Raise DocumentError where damage is the reason that there is no text."""
        if not sections and self.damaged:
            raise too_deep(name) if self.excessive else damage(name)

    def warnings(self) -> tuple[Notice, ...]:
        """That some parts could not be read whole, if so."""
        if not self.damaged:
            return ()
        if self.excessive:
            return (
                Notice(
                    "Parts of the file are nested too deeply, or would grow far beyond their size when read, "
                    "and were left out. "
                    "Check that nothing is missing."
                ),
            )
        return (
            Notice("The file is damaged; what could be recovered was read. Check that nothing is missing."),
        )

    def _note(self, part: str, log: Any) -> None:
        self.damaged.add(part)
        if any(map(is_excessive, log)):
            self.excessive.add(part)

    def _bytes(self, part: str) -> bytes:
        """As much of a part as can be unpacked."""
        content = bytearray()
        try:
            with self._archive.open(self._names[part.lower()]) as file:
                while piece := file.read(1 << 16):
                    content += piece
        except BROKEN:
            self.damaged.add(part)
        return bytes(content)


def damage(name: str) -> DocumentError:
    """What is said of an Office file that nothing can be read from."""
    return DocumentError(
        "{name} is damaged: its contents cannot be read. Open it in the program it was made with, "
        "save it again and add it again.",
        name=name,
    )


def _elements(file: IO[bytes], tags: tuple[str, ...]) -> Generator[Any, None, Any]:
    """The elements of these names; at the end, the log of what was broken, None if the part was whole."""
    reader = etree.iterparse(
        file,
        events=("end",),
        tag=[f"{{*}}{tag}" for tag in tags],
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        recover=True,
        remove_comments=True,
    )
    for _, node in reader:
        yield node
        node.clear()
        while node.getprevious() is not None:
            del node.getparent()[0]
    return reader.error_log if _is_broken(reader.error_log) else None


def _is_broken(log: Any) -> bool:
    """Whether more than a name space's address is wrong; some programs write odd ones."""
    return any(
        entry.level >= etree.ErrorLevels.ERROR and entry.domain != etree.ErrorDomains.NAMESPACE
        for entry in log
    )


def child(node: Any, name: str) -> Any | None:
    """The first child of this local name."""
    for each in node:
        if local_name(each) == name:
            return each
    return None
