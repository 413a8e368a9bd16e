"""A PDF's page as a picture, with a passage marked on it."""

import ctypes
import io
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image, ImageChops, ImageDraw

from rag.errors import DocumentError, needs_password
from rag.loaders.pdf_lines import page_text

MARKER = (255, 235, 59)
# Long enough not to match by accident; Chinese says as much in half the characters.
SHINGLE = 12
MOST_PLACES = 50
WIDEST, HIGHEST = 4000, 12_000

Box = tuple[float, float, float, float]


def page_picture(
    path: Path, page: int, *, width_px: int, name: str, highlight: str = "", password: str | None = None
) -> bytes:
    """Page `page` (from 1) as PNG, `width_px` wide; the lines that hold the text of `highlight` are yellow.

    Raises DocumentError where the file cannot be opened or has no such page.
    """
    try:
        document = pdfium.PdfDocument(path, password=password or None)
    except pdfium.PdfiumError as error:
        if error.err_code == pdfium_c.FPDF_ERR_PASSWORD:
            raise needs_password(name) from error
        raise DocumentError(
            "{name} cannot be opened to draw its pages. Save it again and add it again.", name=name
        ) from error
    try:
        if not 1 <= page <= len(document):
            raise DocumentError("{name} has no page {page}.", name=name, page=page)
        return _drawn(document[page - 1], min(max(width_px, 16), WIDEST), highlight)
    except pdfium.PdfiumError as error:
        raise DocumentError(
            "Page {page} of {name} cannot be drawn: it is damaged.", name=name, page=page
        ) from error
    finally:
        document.close()


def _drawn(page: Any, width_px: int, highlight: str) -> bytes:
    width, height = page.get_size()
    scale = min(width_px / max(width, 1), HIGHEST / max(height, 1))
    picture = page.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB")
    boxes = _found_boxes(page, highlight, picture.size) if highlight.strip() else []
    if boxes:
        paper = Image.new("RGB", picture.size, "white")
        pen = ImageDraw.Draw(paper)
        for box in boxes:
            pen.rectangle(box, fill=MARKER)
        picture = ImageChops.multiply(picture, paper)
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def _found_boxes(page: Any, highlight: str, size: tuple[int, int]) -> list[Box]:
    """The rectangles of the lines found, in pixels (left, top, right, bottom)."""
    text_page = page.get_textpage()
    try:
        boxes = [
            _pixel_box(page, text_page, place, size)
            for place in find_passage(page_text(text_page), highlight)
        ]
    finally:
        text_page.close()
    return _lines([box for box in boxes if box is not None])


def _pixel_box(page: Any, text_page: Any, place: int, size: tuple[int, int]) -> Box | None:
    """Where a character stands in the picture: pdfium turns and crops as it does when it draws."""
    found = pdfium_c.FS_RECTF()
    if not pdfium_c.FPDFText_GetLooseCharBox(text_page, place, found):
        return None
    corners = []
    for x, y in ((found.left, found.top), (found.right, found.bottom)):
        across, down = ctypes.c_int(), ctypes.c_int()
        pdfium_c.FPDF_PageToDevice(page, 0, 0, *size, 0, x, y, across, down)
        corners.append((across.value, down.value))
    (x1, y1), (x2, y2) = corners
    return (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)) if x1 != x2 and y1 != y2 else None


def _lines(boxes: list[Box]) -> list[Box]:
    """Boxes of neighbours joined where they stand in one row, or in one column of upright writing."""
    joined: list[Box] = []
    for box in boxes:
        if joined and _adjoin(joined[-1], box):
            last = joined[-1]
            joined[-1] = (
                min(last[0], box[0]),
                min(last[1], box[1]),
                max(last[2], box[2]),
                max(last[3], box[3]),
            )
        else:
            joined.append(box)
    return joined


def _adjoin(one: Box, other: Box) -> bool:
    for low, high in ((0, 2), (1, 3)):
        across = 1 - low
        shared = min(one[across + 2], other[across + 2]) - max(one[across], other[across])
        thinner = min(one[across + 2] - one[across], other[across + 2] - other[across])
        gap = max(one[low], other[low]) - min(one[high], other[high])
        if shared > 0.5 * thinner and gap < 1.5 * thinner:
            return True
    return False


def find_passage(page: str, passage: str) -> list[int]:
    """The places in `page` of the characters that belong to `passage`, ascending.

    White space, hyphens and punctuation do not count, so a passage is found although its lines were joined
    and its words mended; what was left out of it or put into it only leaves a hole.
    """
    page_letters, places = _letters(page)
    wanted, _ = _letters(passage)
    runs = sorted(_runs(page_letters, wanted), key=lambda run: -run[2])
    kept: list[tuple[int, int, int]] = []
    for run in runs:
        trimmed = _without_overlap(run, kept)
        if trimmed is not None and all(_in_order(trimmed, other) for other in kept):
            kept.append(trimmed)
    return sorted({places[start + step] for start, _, length in kept for step in range(length)})


def _letters(text: str) -> tuple[str, list[int]]:
    """The letters and digits of `text`, folded, and where each stood."""
    letters: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        for folded in unicodedata.normalize("NFKD", char).casefold():
            if folded.isalnum():
                letters.append(folded)
                places.append(place)
    return "".join(letters), places


def _runs(page: str, wanted: str) -> Iterator[tuple[int, int, int]]:
    """The longest common runs of at least a shingle: (start in page, start in wanted, length)."""
    size = max(1, min(SHINGLE if wanted.isascii() else SHINGLE // 2, len(wanted)))
    index: dict[str, list[int]] = defaultdict(list)
    for start in range(len(wanted) - size + 1):
        if len(places := index[wanted[start : start + size]]) < MOST_PLACES:
            places.append(start)
    reached: dict[int, int] = {}
    for start in range(len(page) - size + 1):
        for other in index.get(page[start : start + size], ()):
            if reached.get(start - other, -1) >= start + size:
                continue
            length = size
            while (
                page[start + length : start + length + 1] == wanted[other + length : other + length + 1] != ""
            ):
                length += 1
            reached[start - other] = start + length
            yield start, other, length


def _without_overlap(
    run: tuple[int, int, int], kept: list[tuple[int, int, int]]
) -> tuple[int, int, int] | None:
    """What of a run is not yet covered, cut at its ends; None if it is covered or torn in two."""
    start, other, length = run
    for side in (0, 1):
        for known in kept:
            begin, end = (start, other)[side], (start, other)[side] + length
            first, last = known[side], known[side] + known[2]
            if begin < last and first < end:
                if first <= begin:
                    cut = min(last, end) - begin
                    start, other, length = start + cut, other + cut, length - cut
                elif last >= end:
                    length -= end - first
                else:
                    return None
            if length <= 2:
                return None
    return start, other, length


def _in_order(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    return (one[0] < other[0]) == (one[1] < other[1])
