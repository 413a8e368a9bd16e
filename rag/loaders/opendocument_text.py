"""OpenDocument texts (ODT), in document order."""

from collections import defaultdict
from typing import Any

from rag.documents import ParsedFile
from rag.loaders.characters import squeeze
from rag.loaders.numbering import numeral
from rag.loaders.opendocument import (
    Remarks,
    document_title,
    open_document,
    paragraph_text,
    plain_text,
    repeats,
    table_text,
)
from rag.loaders.opendocument_objects import alt_text, object_blocks
from rag.loaders.outline import Outline
from rag.loaders.parts import Parts, child
from rag.loaders.source import Source
from rag.loaders.word_xml import attribute, local_name

LEFT_OUT = frozenset({"tracked-changes", "forms", "sequence-decls", "variable-decls", "user-field-decls"})
FORMS = {"1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
MOST_DEPTH = 10
MOST_NESTED = 200


def read_odt(source: Source) -> ParsedFile:
    """Headings, paragraphs, lists, tables, text boxes, notes, comments; headers and footers once."""
    with open_document(source) as parts:
        reader = _Reader(parts)
        reader.read()
        sections = reader.outline.sections()
        parts.check_text(sections, source.name)
        return ParsedFile("odt", sections, title=document_title(parts), warnings=parts.warnings())


class _Reader:
    """One pass over a text."""

    def __init__(self, parts: Parts) -> None:
        self.outline = Outline()
        self._parts = parts
        self._styles = parts.xml("styles.xml")
        self._content = parts.xml("content.xml")
        self._forms = list_forms(self._styles, self._content)
        self._remarks = Remarks()
        self._nested = 0

    def read(self) -> None:
        for edge in self._styles.iter("{*}header", "{*}footer") if self._styles is not None else ():
            if text := plain_text(edge, self._remarks):
                self.outline.block(text)
        body = next(self._content.iter("{*}text"), None) if self._content is not None else None
        if body is not None:
            self._blocks(body)

    def _blocks(self, parent: Any) -> None:
        self._nested += 1
        for node in parent if self._nested < MOST_NESTED else ():
            tag = local_name(node)
            if tag == "h":
                self._heading(node)
            elif tag == "p":
                self.outline.block(paragraph_text(node, self._remarks))
            elif tag == "list":
                self._list(node, 0, attribute(node, "style-name") or "")
            elif tag == "table":
                self.outline.block(table_text(node, self._remarks))
            elif tag in ("frame", "custom-shape"):
                self._remarks.frames.append(node)
            elif tag not in LEFT_OUT:
                self._blocks(node)
            self._attached()
        self._nested -= 1

    def _attached(self) -> None:
        """What the last paragraph, list or table had hanging on it."""
        for note in self._remarks.take():
            self.outline.block(note)
        while self._remarks.frames:
            frame = self._remarks.frames.pop(0)
            blocks = object_blocks(self._parts, frame)
            for block in (*blocks, *([] if blocks else [alt_text(frame)])):
                self.outline.block(block)
            inner = child(frame, "text-box") if local_name(frame) == "frame" else frame
            if inner is not None:
                kept, self._remarks.frames = self._remarks.frames, []
                self._blocks(inner)
                self._remarks.frames = kept

    def _heading(self, node: Any) -> None:
        title = squeeze(paragraph_text(node, self._remarks))
        level = repeats(node, "outline-level")
        if title:
            self.outline.heading(level, title)

    def _list(self, node: Any, depth: int, style: str) -> None:
        form, suffix = self._forms.get((style, depth + 1), ("", ""))
        count = 0
        for item in node:
            if local_name(item) not in ("list-item", "list-header"):
                continue
            start = attribute(item, "start-value") or ""
            count = int(start) if start.isdecimal() and len(start) < 7 else count + 1
            marker = f"{numeral(count, form)}{suffix}" if form else "-"
            for each in item:
                tag = local_name(each)
                if tag == "h":
                    self._heading(each)
                elif tag == "p" and (text := squeeze(paragraph_text(each, self._remarks))):
                    self.outline.item(f"{'  ' * depth}{marker} {text}" if marker else text)
                    marker = " " * len(marker)
                elif tag == "list" and depth < MOST_DEPTH:
                    self._list(each, depth + 1, attribute(each, "style-name") or style)
                elif tag == "table":
                    self.outline.block(table_text(each, self._remarks))


def list_forms(*roots: Any | None) -> dict[tuple[str, int], tuple[str, str]]:
    """(list style, level from 1) → (form of its numbers, what follows them); bullets are not among them."""
    found: defaultdict[tuple[str, int], tuple[str, str]] = defaultdict(lambda: ("", ""))
    for root in roots:
        for style in root.iter("{*}list-style") if root is not None else ():
            for level in style:
                form = FORMS.get(attribute(level, "num-format") or "", "")
                if local_name(level) == "list-level-style-number" and form:
                    key = (attribute(style, "name") or "", repeats(level, "level"))
                    found[key] = (form, attribute(level, "num-suffix") or ".")
    return dict(found)
