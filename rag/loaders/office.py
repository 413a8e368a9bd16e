"""Word documents (DOCX), in document order."""

import zipfile
from collections.abc import Iterator
from typing import Any

import docx
from docx.document import Document as WordDocument
from docx.oxml.parser import parse_xml
from lxml import etree

from rag.documents import Notice, ParsedFile
from rag.errors import DocumentError
from rag.loaders.archives import check_archive, is_excessive, too_deep
from rag.loaders.characters import clean, squeeze
from rag.loaders.markdown_table import markdown_table
from rag.loaders.numbering import Numbering
from rag.loaders.outline import HEADING_NAME, Outline
from rag.loaders.source import Source
from rag.loaders.word_xml import (
    LEFT_OUT,
    attribute,
    boxes,
    hidden_letters,
    inside,
    local_name,
    paragraphs,
    runs,
    value,
)

FEWEST_HIDDEN = 20  # letters
NOTE_PARTS = ("footnotes", "endnotes", "comments")


def read_docx(source: Source) -> ParsedFile:
    """Headings, paragraphs, lists, tables, text boxes, notes, comments; headers and footers once."""
    check_archive(source.path, source.name)
    try:
        document = docx.Document(str(source.path))
        reader = _Reader(document)
        reader.read()
    except (
        KeyError,
        ValueError,
        AttributeError,
        zipfile.BadZipFile,
        etree.XMLSyntaxError,
        OSError,
        EOFError,
    ) as error:
        if is_excessive(error):
            raise too_deep(source.name) from error
        raise DocumentError(
            "{name} is damaged: its contents cannot be read as a Word document. "
            "Save it again and add it again.",
            name=source.name,
        ) from error
    except zipfile.zlib.error as error:  # type: ignore[attr-defined]
        raise DocumentError(
            "{name} is damaged: a part of it cannot be unpacked. Save it again and add it again.",
            name=source.name,
        ) from error
    title = squeeze(document.core_properties.title or "")
    return ParsedFile("docx", reader.outline.sections(), title=title or None, warnings=_notices(document))


def _notices(document: WordDocument) -> tuple[Notice, ...]:
    letters = hidden_letters(document.element)
    if letters < FEWEST_HIDDEN:
        return ()
    return (
        Notice(
            "Text that cannot be seen in the document was left out: {letters} characters. "
            "It could be there to mislead; open the file to check.",
            {"letters": letters},
        ),
    )


class _Reader:
    """One pass over a document's XML, which holds more than python-docx's objects show."""

    def __init__(self, document: WordDocument) -> None:
        self.outline = Outline()
        self._document = document
        self._levels = _heading_levels(document)
        self._numbering = Numbering(_part(document, "numbering"))
        self._style_lists = _style_lists(document)

    def read(self) -> None:
        edges = dict.fromkeys(self._edges())
        for text in edges:
            self.outline.block(text)
        self._blocks(self._document.element.body)
        for kind in NOTE_PARTS:
            part = _part(self._document, kind)
            for note in part if part is not None else ():
                if attribute(note, "type") in (None, "normal") and (text := self._text_of(note)):
                    label = {"comments": "Comment", "endnotes": "Endnote"}.get(kind, "Footnote")
                    self.outline.block(f"[{label}] {text}")

    def _edges(self) -> Iterator[str]:
        """The texts of headers and footers, from the parts themselves: linked ones share a part."""
        for relation in self._document.part.rels.values():
            is_edge = not relation.is_external and relation.reltype.endswith(("/header", "/footer"))
            if is_edge and (text := self._text_of(_root(relation.target_part))):
                yield text

    def _blocks(self, parent: Any) -> None:
        for child in parent:
            tag = local_name(child)
            if tag == "p":
                self._paragraph(child)
            elif tag == "tbl":
                self.outline.block(self._table(child))
            elif tag not in LEFT_OUT:
                self._blocks(child)

    def _paragraph(self, node: Any) -> None:
        text = clean("".join(runs(node))).strip(" ")
        marker, depth = self._marker(node)
        level = self._heading_level(node)
        if text.strip() and level is not None:
            title = squeeze(f"{marker} {text}" if marker not in ("", "-") else text)
            self.outline.heading(level, title)
        elif marker and text.strip():
            self.outline.item(f"{'  ' * depth}{marker} {text}")
        else:
            self.outline.block(text)
        for box in boxes(node):
            self._blocks(box)

    def _table(self, node: Any) -> str:
        rows = [[self._cell(cell) for cell in inside(row, "tc")] for row in inside(node, "tr")]
        return markdown_table([[text for cell in row for text in cell] for row in rows])

    def _cell(self, cell: Any) -> list[str]:
        """The cell's text, and an empty one for each further column it spans."""
        properties = cell.find("{*}tcPr")
        span = value(properties, "gridSpan") if properties is not None else None
        width = min(int(span), 64) if span and span.isdecimal() else 1
        return [squeeze(self._text_of(cell)), *[""] * (width - 1)]

    def _text_of(self, parent: Any) -> str:
        """All text below `parent` in order, a line for each paragraph, tables inside tables included."""
        lines = []
        for node in paragraphs(parent):
            marker, _ = self._marker(node)
            text = clean("".join(runs(node))).strip()
            lines.append(f"{marker} {text}" if marker and text else text)
            lines += [self._text_of(box) for box in boxes(node)]
        return "\n".join(line for line in lines if line)

    def _heading_level(self, node: Any) -> int | None:
        properties = node.find("{*}pPr")
        if properties is None:
            return None
        outline = value(properties, "outlineLvl")
        if outline is not None and outline.isdecimal():
            return int(outline) + 1 if int(outline) < 9 else None
        return self._levels.get(value(properties, "pStyle") or "")

    def _marker(self, node: Any) -> tuple[str, int]:
        properties = node.find("{*}pPr")
        if properties is None:
            return "", 0
        numbers = properties.find("{*}numPr")
        listed, depth = self._style_lists.get(value(properties, "pStyle") or "", (None, 0))
        if numbers is not None:
            listed = value(numbers, "numId") or listed
            depth = int(value(numbers, "ilvl") or depth)
        return (self._numbering.marker(listed, depth), depth) if listed else ("", 0)


def _heading_levels(document: WordDocument) -> dict[str, int]:
    """Style id → heading level (from 1), by outline level or name, through the styles they are based on."""
    levels: dict[str, int] = {}
    parents: dict[str, str] = {}
    for style in document.styles.element.iterfind("{*}style"):
        style_id = attribute(style, "styleId") or ""
        parents[style_id] = value(style, "basedOn") or ""
        outline = value(style, "pPr/{*}outlineLvl")
        name = HEADING_NAME.match((value(style, "name") or "").strip())
        if outline is not None and outline.isdecimal() and int(outline) < 9:
            levels[style_id] = int(outline) + 1
        elif name:
            levels[style_id] = int(name[1])
        elif (value(style, "name") or "").lower() == "title":
            levels[style_id] = 1
    for style_id in parents:
        ancestor, seen = style_id, set()
        while ancestor and ancestor not in levels and ancestor not in seen:
            seen.add(ancestor)
            ancestor = parents.get(ancestor, "")
        if ancestor in levels:
            levels[style_id] = levels[ancestor]
    return levels


def _style_lists(document: WordDocument) -> dict[str, tuple[str, int]]:
    """Style id → (list id, depth) of the styles that number their paragraphs."""
    found = {}
    for style in document.styles.element.iterfind("{*}style"):
        if list_id := value(style, "pPr/{*}numPr/{*}numId"):
            depth = value(style, "pPr/{*}numPr/{*}ilvl") or "0"
            found[attribute(style, "styleId") or ""] = (list_id, int(depth))
    return found


def _part(document: WordDocument, kind: str) -> Any | None:
    for relation in document.part.rels.values():
        if not relation.is_external and relation.reltype.endswith(f"/{kind}"):
            return _root(relation.target_part)
    return None


def _root(part: Any) -> Any:
    element = getattr(part, "element", None)
    return parse_xml(part.blob) if element is None else element
