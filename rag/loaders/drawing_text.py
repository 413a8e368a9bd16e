"""Text in drawings of Office files (DrawingML): paragraphs with their bullets, tables, diagrams, pictures."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rag.loaders.characters import clean, squeeze
from rag.loaders.charts import chart_blocks
from rag.loaders.numbering import numeral
from rag.loaders.parts import Parts, Relation, child
from rag.loaders.tables import Merge, merged_table
from rag.loaders.word_xml import attribute, local_name

NUMBERED = {
    "arabic": "decimal", "alphaLc": "lowerLetter", "alphaUc": "upperLetter", "romanLc": "lowerRoman",
    "romanUc": "upperRoman", "ea1Chs": "chineseCounting", "ea1Cht": "chineseCounting",
    "ea1JpnKor": "chineseCounting", "ea1JpnChs": "chineseCounting",
}  # fmt: skip
NO_TEXT = frozenset({"pPr", "rPr", "endParaRPr", "Fallback"})
# What programs write for a picture nobody has described.
NO_WORDS = re.compile(
    r"(picture|image|graphic|grafik|bild|imagen|图片|图像|圖片|画像)\s*\d*$|[\w-]+\.(png|jpe?g|gif)$", re.I
)
MOST_SPAN = 256


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; `marker` is its bullet or number, "" if it is no item of a list."""

    text: str
    marker: str = ""
    depth: int = 0

    @property
    def line(self) -> str:
        """The paragraph as an item of a list, or as it is."""
        if not self.marker:
            return self.text
        return f"{'  ' * self.depth}{self.marker} {squeeze(self.text)}"


def paragraphs(body: Any, styles: Sequence[Any] = ()) -> list[Paragraph]:
    """The paragraphs of a text body that are not blank; `styles` are the lists of levels it inherits."""
    own = child(body, "lstStyle")
    levels = [*([own] if own is not None else []), *styles]
    counts: defaultdict[int, int] = defaultdict(int)
    found = []
    for node in body:
        if local_name(node) != "p" or not (text := clean("".join(runs(node))).strip()):
            continue
        properties = child(node, "pPr")
        level = properties.get("lvl", "0") if properties is not None else "0"
        depth = min(int(level), 8) if level.isdecimal() else 0
        inherited = (child(style, f"lvl{depth + 1}pPr") for style in levels)
        marker = _marker([properties, *inherited], depth, counts)
        found.append(Paragraph(text, marker, depth))
    return found


def _marker(sources: Sequence[Any | None], depth: int, counts: defaultdict[int, int]) -> str:
    for deeper in [other for other in counts if other > depth]:
        del counts[deeper]
    for source in sources:
        for node in source if source is not None else ():
            tag = local_name(node)
            if tag == "buAutoNum":
                start = node.get("startAt", "1")
                counts[depth] = counts[depth] + 1 if counts[depth] else int(start) if start.isdecimal() else 1
                return _number(node.get("type") or "", counts[depth])
            if tag in ("buNone", "buChar", "buBlip"):
                counts[depth] = 0
                return "" if tag == "buNone" else "-"
    counts[depth] = 0
    return ""


def _number(kind: str, count: int) -> str:
    form = next((form for prefix, form in NUMBERED.items() if kind.startswith(prefix)), "decimal")
    number = numeral(count, form)
    if kind.endswith("ParenBoth"):
        return f"({number})"
    return f"{number})" if kind.endswith("ParenR") else f"{number}."


def runs(node: Any) -> Iterator[str]:
    """The text of a paragraph; a slide's number is not part of it."""
    for each in node:
        tag = local_name(each)
        if tag == "t":
            yield each.text or ""
        elif tag == "br":
            yield "\n"
        elif tag == "tab":
            yield "\t"
        elif tag not in NO_TEXT and not (tag == "fld" and each.get("type") == "slidenum"):
            yield from runs(each)


def table(node: Any) -> str:
    """A table of a slide as Markdown."""
    rows: list[list[str]] = []
    merges: list[Merge] = []
    for row in node:
        if local_name(row) != "tr":
            continue
        texts = []
        for cell in row:
            if local_name(cell) != "tc":
                continue
            body = child(cell, "txBody")
            texts.append("\n".join(each.line for each in paragraphs(body)) if body is not None else "")
            across, down = (_span(cell.get(name)) for name in ("gridSpan", "rowSpan"))
            if across > 1 or down > 1:
                merges.append(Merge(len(rows), len(texts) - 1, down, across))
        rows.append(texts)
    return merged_table(rows, merges)


def _span(text: str | None) -> int:
    return min(int(text), MOST_SPAN) if text and text.isdecimal() and len(text) < 6 else 1


def frame_blocks(parts: Parts, relations: dict[str, Relation], frame: Any) -> list[str]:
    """What a frame shows: a table, a chart or a diagram."""
    found = []
    for node in frame.iter("{*}tbl", "{*}chart", "{*}relIds"):
        if local_name(node) == "tbl":
            found.append(table(node))
            continue
        key = attribute(node, "dm" if local_name(node) == "relIds" else "id") or ""
        target = relations[key].target if key in relations else ""
        if local_name(node) == "chart":
            found += chart_blocks(parts, target)
        else:
            found += _diagram(parts, target)
    return found


def _diagram(parts: Parts, part: str) -> list[str]:
    """The texts of a SmartArt diagram as a list."""
    root = parts.xml(part)
    lines = []
    for point in root.iter("{*}pt") if root is not None else ():
        body = child(point, "t")
        if body is not None and point.get("type", "node") in ("node", "asst"):
            lines += [f"- {squeeze(each.text)}" for each in paragraphs(body)]
    return ["\n".join(lines)] if lines else []


def alt_text(node: Any) -> str:
    """What the author says a picture shows, "" if nothing."""
    for each in node.iter("{*}cNvPr"):
        words = squeeze(each.get("descr") or "")
        return f"[Picture] {words}" if words and not NO_WORDS.match(words) else ""
    return ""


def drawing_blocks(parts: Parts, part: str) -> list[str]:
    """The text boxes, charts and described pictures that lie on a sheet."""
    root = parts.xml(part)
    if root is None:
        return []
    relations = parts.relations(part)
    found = []
    for node in root.iter("{*}sp", "{*}pic", "{*}graphicFrame"):
        tag = local_name(node)
        body = child(node, "txBody")
        if tag == "graphicFrame":
            found += [block.partition("\n")[0] for block in frame_blocks(parts, relations, node)[:1]]
        elif body is not None:
            found.append("\n".join(each.line for each in paragraphs(body)))
        elif tag == "pic" and (words := alt_text(node)):
            found.append(words)
    return found
