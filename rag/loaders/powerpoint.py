"""PowerPoint presentations (PPTX, PPTM, PPSX): a page for each slide, in reading order."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from rag.documents import Notice, ParsedFile, Section
from rag.loaders.characters import squeeze
from rag.loaders.drawing_text import alt_text, frame_blocks, paragraphs
from rag.loaders.excel import core_title
from rag.loaders.outline import Outline
from rag.loaders.pages import check_pages, page_ranges
from rag.loaders.parts import Parts, Relation, child, damage
from rag.loaders.reading_order import reading_order
from rag.loaders.slide_layout import SlideLayout, placeholder
from rag.loaders.source import Source
from rag.loaders.word_xml import local_name

TITLES = ("title", "ctrTitle")
EDGES = ("dt", "ftr", "hdr")
MOST_DEPTH = 50


def read_pptx(source: Source) -> ParsedFile:
    """Titles, lists, tables, charts, diagrams, described pictures, notes and comments of every slide."""
    with Parts(source.path, source.name) as parts:
        slides = _slides(parts, parts.main("ppt/presentation.xml"))
        if not slides:
            raise damage(source.name)
        check_pages(source, len(slides))
        reader = _Reader(parts)
        sections = [section for page, slide in enumerate(slides, 1) for section in reader.slide(page, slide)]
        parts.check_text(sections, source.name)
        return ParsedFile(
            "pptx",
            tuple(sections),
            pages=len(slides),
            title=core_title(parts),
            warnings=(*parts.warnings(), *_hidden(reader.hidden)),
        )


class _Reader:
    """What is shared by the slides: their layouts, and the edges that each of them repeats."""

    def __init__(self, parts: Parts) -> None:
        self.hidden: list[int] = []
        self._parts = parts
        self._roots: dict[str, Any] = {}
        self._edges: set[str] = set()

    def slide(self, page: int, part: str) -> tuple[Section, ...]:
        root = self._parts.xml(part)
        if root is None:
            self._parts.damaged.add(part)
            return ()
        relations = self._parts.relations(part)
        shapes = _Shapes(self._parts, relations, self._layout(relations), self._edges)
        for tree in root.iter("{*}spTree"):
            shapes.read(tree, 0)
            break
        outline = shapes.outline
        for kind, text in self._remarks(relations):
            outline.block(f"[{kind}] {text}")
        found = tuple(replace(section, page=page) for section in outline.sections())
        if found and root.get("show") in ("0", "false"):
            self.hidden.append(page)
        return found

    def _layout(self, relations: dict[str, Relation]) -> SlideLayout:
        part = next((each.target for each in relations.values() if each.kind == "slideLayout"), "")
        masters = self._parts.related(part, "slideMaster") if part else []
        return SlideLayout(self._root(part), self._root(masters[0]) if masters else None)

    def _root(self, part: str) -> Any | None:
        if part not in self._roots:
            self._roots[part] = self._parts.xml(part)
        return self._roots[part]

    def _remarks(self, relations: dict[str, Relation]) -> Iterator[tuple[str, str]]:
        for relation in relations.values():
            if relation.kind not in ("notesSlide", "comments"):
                continue
            root = self._parts.xml(relation.target)
            if root is None:
                continue
            yield from ((("Notes", text) for text in _notes(root)) if relation.kind == "notesSlide" else ())
            yield from (
                (("Comment", text) for text in _comments(root)) if relation.kind == "comments" else ()
            )


class _Shapes:
    """The shapes of one slide, read into an outline."""

    def __init__(
        self, parts: Parts, relations: dict[str, Relation], layout: SlideLayout, edges: set[str]
    ) -> None:
        self.outline = Outline()
        self._parts = parts
        self._relations = relations
        self._layout = layout
        self._edges = edges

    def read(self, tree: Any, depth: int) -> None:
        shapes = list(_members(tree))
        if depth == 0:
            for shape in [each for each in shapes if self._is_title(each)]:
                shapes.remove(shape)
                self._title(shape)
        for index in reading_order([self._layout.box(shape) for shape in shapes]):
            self._shape(shapes[index], depth)

    def _is_title(self, shape: Any) -> bool:
        own = placeholder(shape)
        return own is not None and own.kind in TITLES and local_name(shape) == "sp"

    def _title(self, shape: Any) -> None:
        body = child(shape, "txBody")
        text = " ".join(each.text for each in paragraphs(body)) if body is not None else ""
        if title := squeeze(text):
            self.outline.heading(1, title)

    def _shape(self, shape: Any, depth: int) -> None:
        tag = local_name(shape)
        if tag == "grpSp" and depth < MOST_DEPTH:
            self.read(shape, depth + 1)
        elif tag == "graphicFrame":
            blocks = frame_blocks(self._parts, self._relations, shape)
            for block in (*blocks, alt_text(shape)):
                self.outline.block(block)
        elif tag == "pic":
            self.outline.block(alt_text(shape))
        elif (body := child(shape, "txBody")) is not None:
            self._text(shape, body)

    def _text(self, shape: Any, body: Any) -> None:
        own = placeholder(shape)
        if own is not None and own.kind == "sldNum":
            return
        texts = paragraphs(body, self._layout.styles(shape))
        if own is not None and own.kind in EDGES:
            edge = "\n".join(each.text for each in texts)
            if edge in self._edges:
                return
            self._edges.add(edge)
        for each in texts:
            if each.marker:
                self.outline.item(each.line)
            else:
                self.outline.block(each.text)
        if not texts:
            self.outline.block(alt_text(shape))


def _members(tree: Any) -> Iterator[Any]:
    """The shapes of a group, also those in a form that only newer programs show."""
    for node in tree:
        tag = local_name(node)
        if tag in ("sp", "grpSp", "graphicFrame", "pic", "cxnSp", "contentPart"):
            yield node
        elif tag in ("AlternateContent", "Choice"):
            yield from _members(node)


def _slides(parts: Parts, main: str) -> list[str]:
    """The parts of the slides in order; without a readable list, those there are."""
    relations = parts.relations(main)
    root = parts.xml(main)
    keys = [_relation_id(node) for node in root.iter("{*}sldId")] if root is not None else []
    found = [relations[key].target for key in keys if key in relations]
    if any(part in parts for part in found):
        return found
    loose = sorted(
        (part for part in parts.names("ppt/slides/slide") if part.endswith(".xml")),
        key=lambda part: (len(part), part),
    )
    if loose:
        parts.damaged.add(main)
    return loose


def _relation_id(node: Any) -> str:
    """The id of the relation that a node names; its own plain id is another matter."""
    return next((str(value) for key, value in node.attrib.items() if key.endswith("}id")), "")


def _notes(root: Any) -> Iterator[str]:
    for shape in root.iter("{*}sp"):
        own, body = placeholder(shape), child(shape, "txBody")
        if own is not None and own.kind in ("body", "") and body is not None:
            text = "\n".join(each.line for each in paragraphs(body))
            if text:
                yield text


def _comments(root: Any) -> Iterator[str]:
    for node in root.iter("{*}text", "{*}txBody"):
        if local_name(node) == "text":
            text = squeeze(node.text or "")
        else:
            text = "\n".join(each.text for each in paragraphs(node))
        if text:
            yield text


def _hidden(pages: list[int]) -> tuple[Notice, ...]:
    if not pages:
        return ()
    return (Notice("Hidden slides were read like the others: {pages}.", {"pages": page_ranges(pages)}),)
