"""OpenDocument presentations (ODP): a page for each slide, in reading order."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from rag.documents import Notice, ParsedFile, Section
from rag.loaders.characters import squeeze
from rag.loaders.opendocument import (
    Remarks,
    comment_text,
    document_title,
    open_document,
    paragraph_text,
    plain_text,
    table_text,
)
from rag.loaders.opendocument_objects import alt_text, object_blocks
from rag.loaders.outline import Outline
from rag.loaders.pages import check_pages, page_ranges
from rag.loaders.parts import Parts, child
from rag.loaders.reading_order import Box, reading_order
from rag.loaders.source import Source
from rag.loaders.word_xml import attribute, local_name

UNITS = {"cm": 360_000, "mm": 36_000, "in": 914_400, "pt": 12_700, "pc": 152_400, "px": 9_525}
LENGTH = re.compile(r"(-?\d{1,6}(?:\.\d{1,8})?)(cm|mm|in|pt|pc|px)$")
MOST_DEPTH = 50


def read_odp(source: Source) -> ParsedFile:
    """Titles, lists, tables, charts, described pictures, notes and comments of every slide."""
    with open_document(source) as parts:
        root = parts.xml("content.xml")
        slides = list(root.iter("{*}page")) if root is not None else []
        check_pages(source, len(slides))
        unseen = _unseen(root)
        sections: list[Section] = []
        hidden = []
        for number, slide in enumerate(slides, 1):
            found = _Slide(parts).read(slide)
            sections += [replace(section, page=number) for section in found]
            if found and attribute(slide, "style-name") in unseen:
                hidden.append(number)
        parts.check_text(sections, source.name)
        return ParsedFile(
            "odp",
            tuple(sections),
            pages=len(slides),
            title=document_title(parts),
            warnings=(*parts.warnings(), *_notices(hidden)),
        )


class _Slide:
    """One slide, read into an outline."""

    def __init__(self, parts: Parts) -> None:
        self._outline = Outline()
        self._parts = parts
        self._remarks = Remarks()

    def read(self, slide: Any) -> tuple[Section, ...]:
        shapes = [each for each in slide if local_name(each) not in ("notes", "annotation", "forms")]
        for shape in [each for each in shapes if attribute(each, "class") == "title"]:
            shapes.remove(shape)
            if title := squeeze(plain_text(_body(shape), self._remarks)):
                self._outline.heading(1, title)
        self._shapes(shapes, 0)
        for note in self._remarks.take():
            self._outline.block(note)
        for each in slide:
            if local_name(each) == "notes" and (text := _notes(each)):
                self._outline.block(f"[Notes] {text}")
            elif local_name(each) == "annotation" and (text := comment_text(each)):
                self._outline.block(f"[Comment] {text}")
        return self._outline.sections()

    def _shapes(self, shapes: list[Any], depth: int) -> None:
        for index in reading_order([_box(shape) for shape in shapes]):
            shape = shapes[index]
            if local_name(shape) in ("g", "a"):
                if depth < MOST_DEPTH:
                    self._shapes(list(shape), depth + 1)
            elif attribute(shape, "class") not in ("page-number", "footer", "date-time", "header"):
                self._shape(shape)

    def _shape(self, shape: Any) -> None:
        table = child(shape, "table")
        if table is not None:
            self._outline.block(table_text(table, self._remarks))
            return
        blocks = object_blocks(self._parts, shape)
        for block in blocks:
            self._outline.block(block)
        self._text(_body(shape), -1)
        if not blocks:
            self._outline.block(alt_text(shape))

    def _text(self, node: Any, depth: int) -> None:
        """Paragraphs, and lists with their depth."""
        for each in node:
            tag = local_name(each)
            if tag in ("p", "h") and (text := paragraph_text(each, self._remarks)):
                if depth < 0:
                    self._outline.block(text)
                else:
                    self._outline.item(f"{'  ' * depth}- {squeeze(text)}")
            elif tag in ("list", "list-item", "list-header"):
                self._text(each, depth + 1 if tag == "list" and depth < MOST_DEPTH else depth)


def _body(shape: Any) -> Any:
    box = child(shape, "text-box")
    return shape if box is None else box


def _notes(node: Any) -> str:
    texts = [plain_text(_body(each), Remarks()) for each in node if attribute(each, "class") == "notes"]
    return "\n".join(text for text in texts if text)


def _unseen(root: Any | None) -> set[str]:
    """The styles of slides that are left out when the slides are shown."""
    found = set()
    for style in root.iter("{*}style") if root is not None else ():
        properties = child(style, "drawing-page-properties")
        if properties is not None and attribute(properties, "visibility") == "hidden":
            found.add(attribute(style, "name") or "")
    return found


def _notices(hidden: list[int]) -> Iterator[Notice]:
    if hidden:
        yield Notice("Hidden slides were read like the others: {pages}.", {"pages": page_ranges(hidden)})


def _box(shape: Any) -> Box | None:
    """Where a shape lies; a group lies where all its shapes do."""
    sizes = [_length(attribute(shape, name)) for name in ("x", "y", "width", "height")]
    if sizes[0] is not None and sizes[1] is not None:
        return Box(sizes[0], sizes[1], sizes[2] or 0, sizes[3] or 0)
    boxes = [box for each in shape if (box := _box(each))] if local_name(shape) == "g" else []
    if not boxes:
        return None
    left, top = min(box.left for box in boxes), min(box.top for box in boxes)
    right = max(box.left + box.width for box in boxes)
    return Box(left, top, right - left, max(box.top + box.height for box in boxes) - top)


def _length(text: str | None) -> int | None:
    found = LENGTH.match(text or "")
    return round(float(found[1]) * UNITS[found[2]]) if found else None
