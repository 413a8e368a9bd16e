"""The lines of a PDF page and where they stand, by pdfium."""

import ctypes
import math
import re
from dataclasses import dataclass
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from rag.loaders.pdf_text import Line

INVISIBLE = 3
SMALLEST_TYPE = 1.5
SCAN_SHARE = 0.5
LINE = re.compile(r"[^\r\n]+")


@dataclass(frozen=True, slots=True)
class PageLines:
    """A page's lines; whether anything is drawn, the share under pictures, and whether text is invisible."""

    lines: list[Line]
    drawn: bool
    pictured: float
    unseen: bool


def page_lines(document: Any, index: int) -> PageLines | None:
    """The lines of page `index` (from 0) in the PDF's order; None if pdfium cannot load the page."""
    try:
        page = document[index]
        text_page = page.get_textpage()
    except pdfium.PdfiumError:
        return None
    try:
        rotation = page.get_rotation()
        marks = [_mark(text_page, match, rotation) for match in LINE.finditer(page_text(text_page))]
        lines = [line for line, _ in marks if line.text.strip()]
        drawn, pictured = _drawing(page)
        # Invisible text over a picture is what text recognition leaves, and means to be found.
        unseen = pictured < SCAN_SHARE and any(hidden for line, hidden in marks if line.text.strip())
        return PageLines(lines, drawn, pictured, unseen)
    finally:
        text_page.close()
        page.close()


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


def _mark(text_page: Any, match: re.Match[str], rotation: int) -> tuple[Line, bool]:
    """A line with its place as the reader sees it, and whether the letter in its middle is hidden."""
    text = match[0]
    first = match.start() + len(text) - len(text.lstrip())
    last = max(first, match.end() - 1 - (len(text) - len(text.rstrip(" \ufffe\x02"))))
    left, base, _ = _place(text_page, first, rotation)
    _, foot, right = _place(text_page, last, rotation)
    middle = (first + last) // 2
    size = max(_type_size(text_page, place) for place in {first, middle, last})
    return Line(text, left, right, base, size, foot), _is_hidden(text_page, middle, size)


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
    """The size of a character's type in points, as drawn."""
    matrix = pdfium_c.FS_MATRIX()
    pdfium_c.FPDFText_GetMatrix(text_page, place, matrix)
    return float(pdfium_c.FPDFText_GetFontSize(text_page, place)) * math.hypot(matrix.c, matrix.d)


def _is_hidden(text_page: Any, place: int, size: float) -> bool:
    text_object = pdfium_c.FPDFText_GetTextObject(text_page, place)
    invisible = bool(text_object) and pdfium_c.FPDFTextObj_GetTextRenderMode(text_object) == INVISIBLE
    return invisible or 0 < size < SMALLEST_TYPE


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
