"""The lines of a PDF page and where they stand, by pdfium."""

import ctypes
import math
import re
from dataclasses import dataclass
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from rag.loaders.pdf_hidden import FEWEST_HIDDEN, Sight
from rag.loaders.pdf_text import CELL_GAP, WIDE, Line

SCAN_SHARE = 0.5
# A line this much wider than its letters is looked into for the gaps between cells.
SPARSE = 1.25
# A number or a bullet before an item, which is no cell.
MARKER = re.compile(r"\W{0,2}(?:[\d.]{1,8}|\w{1,2})?\W{0,2}$")
LINE = re.compile(r"[^\r\n]+")
PART = re.compile("[^\r\n\ufffe]+\ufffe?")


@dataclass(frozen=True, slots=True)
class PageLines:
    """A page's lines that can be seen; whether anything is drawn, and the share under pictures.

    `unseen` tells that hidden text was left out, `layer` that text recognition has put its own over a scan.
    """

    lines: list[Line]
    drawn: bool
    pictured: float
    unseen: bool
    layer: bool = False


def page_lines(document: Any, index: int) -> PageLines | None:
    """The lines of page `index` (from 0) in the PDF's order; None if pdfium cannot load the page."""
    try:
        page = document[index]
        text_page = page.get_textpage()
    except pdfium.PdfiumError:
        return None
    try:
        return _page_lines(page, text_page)
    finally:
        text_page.close()
        page.close()


def _page_lines(page: Any, text_page: Any) -> PageLines:
    rotation = page.get_rotation()
    drawn, pictured = _drawing(page)
    sight = Sight(page, text_page, is_scan=pictured >= SCAN_SHARE)
    text = page_text(text_page)
    sight.look_for_shapeless(text)
    lines = [
        _line(text_page, part, rotation)
        for match in LINE.finditer(text)
        if match[0].strip()
        for part in _parts(sight, match)
    ]
    return PageLines(lines, drawn, pictured, sight.missed > FEWEST_HIDDEN, sight.is_layer)


def _parts(sight: Sight, match: re.Match[str]) -> list[re.Match[str]]:
    """What can be seen of a line: all of it, or of several that pdfium joined at their hyphens some."""
    if "\ufffe" not in match[0]:
        return [match] if sight.shows(match) else []
    parts = list(PART.finditer(match.string, match.start(), match.end()))
    seen = [part for part in parts if sight.shows(part)]
    return [match] if len(seen) == len(parts) else seen


def page_text(text_page: Any) -> str:
    """A page's text, one character of the string for each of pdfium's."""
    count = text_page.count_chars()
    text = text_page.get_text_range() if count else ""
    if len(text) == count:
        return str(text)
    codes = (pdfium_c.FPDFText_GetUnicode(text_page, place) for place in range(count))
    return "".join(chr(code) if code < 0x110000 else "\ufffd" for code in codes)


def plain_lines(text: str) -> list[Line]:
    """Lines of a text whose places are unknown: a letter is taken to be half as wide as high."""
    found = []
    for number, row in enumerate(text.split("\n")):
        if row.strip():
            indent = len(row) - len(row.lstrip())
            found.append(
                Line(row.strip(), indent * 5.0, len(row.rstrip()) * 5.0, number * -12.0, 10.0, number * -12.0)
            )
    return found


def _line(text_page: Any, match: re.Match[str], rotation: int) -> Line:
    """A line with its place as the reader sees it, and tabs between its cells."""
    text = match[0]
    first = match.start() + len(text) - len(text.lstrip())
    last = max(first, match.end() - 1 - (len(text) - len(text.rstrip(" \ufffe\x02"))))
    left, base, _ = _place(text_page, first, rotation)
    _, foot, right = _place(text_page, last, rotation)
    middle = (first + last) // 2
    size = max(_type_size(text_page, place) for place in {first, middle, last})
    letters = (len(text) + len(WIDE.findall(text))) / 2
    if " " in text and size > 0 and right - left > SPARSE * letters * size:
        text = _with_tabs(text_page, match, rotation, size)
    return Line(text, left, right, base, size, foot)


def _with_tabs(text_page: Any, match: re.Match[str], rotation: int, size: float) -> str:
    """The line with a tab for each space that is as wide as only those between the cells of a table are."""
    text = match[0]
    for space in re.finditer(r"(?<=\S) +(?=\S)", text):
        _, _, end = _place(text_page, match.start() + space.start() - 1, rotation)
        begin, _, _ = _place(text_page, match.start() + space.end(), rotation)
        if begin - end > CELL_GAP * size and not MARKER.match(text[: space.start()]):
            text = text[: space.start()] + "\t" * len(space[0]) + text[space.end() :]
    return re.sub("\t+", "\t", text)


def _place(text_page: Any, place: int, rotation: int) -> tuple[float, float, float]:
    """(left, baseline, right) of a character in points, turned as the page is shown."""
    x, y = ctypes.c_double(), ctypes.c_double()
    pdfium_c.FPDFText_GetCharOrigin(text_page, place, x, y)
    box = pdfium_c.FS_RECTF()
    pdfium_c.FPDFText_GetLooseCharBox(text_page, place, box)
    if rotation == 90:
        return y.value, -x.value, max(box.top, box.bottom)
    if rotation == 180:
        return -x.value, -y.value, -box.left
    if rotation == 270:
        return -y.value, x.value, -min(box.top, box.bottom)
    return x.value, y.value, box.right


def _type_size(text_page: Any, place: int) -> float:
    """The size of a letter's type in points, as drawn."""
    matrix = pdfium_c.FS_MATRIX()
    pdfium_c.FPDFText_GetMatrix(text_page, place, matrix)
    return float(pdfium_c.FPDFText_GetFontSize(text_page, place)) * math.hypot(matrix.c, matrix.d)


def _drawing(page: Any) -> tuple[bool, float]:
    """Whether anything is drawn on the page, and the share of it under pictures."""
    width, height = page.get_size()
    count = pdfium_c.FPDFPage_CountObjects(page)
    covered = 0.0
    edges = [ctypes.c_float() for _ in range(4)]
    for place in range(min(count, 2000)):
        item = pdfium_c.FPDFPage_GetObject(page, place)
        if pdfium_c.FPDFPageObj_GetType(item) in (pdfium_c.FPDF_PAGEOBJ_IMAGE, pdfium_c.FPDF_PAGEOBJ_FORM):
            pdfium_c.FPDFPageObj_GetBounds(item, *edges)
            left, bottom, right, top = (edge.value for edge in edges)
            covered += max(0.0, right - left) * max(0.0, top - bottom)
    return count > 0, covered / max(1.0, width * height)
