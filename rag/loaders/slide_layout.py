"""What a shape of a slide takes from its layout and master: its place and its bullets."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rag.loaders.parts import child
from rag.loaders.reading_order import Box
from rag.loaders.word_xml import local_name

SAME_KIND = {"ctrTitle": "title", "subTitle": "body", "obj": "body", "": "body"}


@dataclass(frozen=True, slots=True)
class Placeholder:
    """What a shape stands for on its layout: its kind, "" for any content, and its number there."""

    kind: str
    index: str


@dataclass(frozen=True, slots=True)
class SlideLayout:
    """A slide's layout and master, as far as there are any."""

    layout: Any | None
    master: Any | None

    def box(self, shape: Any) -> Box | None:
        """Where a shape lies; what it does not say itself, its layout or master does."""
        for node in (shape, *self._above(placeholder(shape))):
            if (box := _own_box(node)) is not None:
                return box
        return None

    def styles(self, shape: Any) -> list[Any]:
        """The lists of levels that a shape's paragraphs inherit, the nearest first."""
        own = placeholder(shape)
        if own is None:
            return []
        bodies = (child(node, "txBody") for node in self._above(own))
        found = [child(body, "lstStyle") for body in bodies if body is not None]
        common = child(self.master, "txStyles") if self.master is not None else None
        if common is not None:
            kind = SAME_KIND.get(own.kind, own.kind)
            name = {"title": "titleStyle", "body": "bodyStyle"}.get(kind, "otherStyle")
            found.append(child(common, name))
        return [style for style in found if style is not None]

    def _above(self, own: Placeholder | None) -> Iterator[Any]:
        if own is None:
            return
        kind = SAME_KIND.get(own.kind, own.kind)
        for root, by_index in ((self.layout, True), (self.master, False)):
            shapes = [] if root is None else list(root.iter("{*}sp"))
            known = [(shape, placeholder(shape)) for shape in shapes]
            same = [shape for shape, other in known if by_index and other and other.index == own.index != ""]
            alike = [
                shape for shape, other in known if other and SAME_KIND.get(other.kind, other.kind) == kind
            ]
            yield from (same or alike)[:1]


def placeholder(shape: Any) -> Placeholder | None:
    """What a shape stands for on its layout, None if it was drawn freely."""
    for part in shape:
        if local_name(part).startswith("nv"):
            for node in part.iter("{*}ph"):
                return Placeholder(node.get("type", ""), node.get("idx", ""))
    return None


def _own_box(shape: Any) -> Box | None:
    for node in shape:
        if local_name(node) in ("spPr", "grpSpPr", "xfrm"):
            frame = node if local_name(node) == "xfrm" else child(node, "xfrm")
            offset, extent = (child(frame, "off"), child(frame, "ext")) if frame is not None else (None, None)
            if offset is not None and extent is not None:
                return _box(offset.get("x"), offset.get("y"), extent.get("cx"), extent.get("cy"))
    return None


def _box(*values: str | None) -> Box | None:
    try:
        left, top, width, height = (int(value or "0") for value in values)
    except ValueError:
        return None
    return Box(left, top, width, height)
