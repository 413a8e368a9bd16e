"""The order in which recognised pieces of text are read: columns one after the other, rows across."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from rag.loaders.pdf_text import CELL_GAP, WIDE, Line

# A line's box is about half as high again as its type is large.
TYPE_SHARE = 0.7
# What is less than this part of a common height apart is one size of type.
SAME_SIZE = 0.3
# Fewer lines or letters are the cells of a table, which is read across.
FEWEST_LINES = 3
FEWEST_LETTERS = 14
UPRIGHT = 3


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a line and the box around it, in pixels from the upper left corner."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


def in_reading_order(fragments: Sequence[Fragment]) -> list[Line]:
    """Lines, each of the fragments that stand in a row; a wide gap between two of them is a tab.

    What is written upwards in the margin comes last.
    """
    if not fragments:
        return []
    common = median(min(each.height, each.right - each.left) for each in fragments)
    upright = [each for each in fragments if each.height > UPRIGHT * (each.right - each.left)]
    level = [each for each in fragments if each not in upright]
    regions = [*_regions(level, common), *([each] for each in upright)]
    return [_line(row, common) for region in regions for row in _rows(region)]


def _regions(fragments: list[Fragment], common: float) -> list[list[Fragment]]:
    """What is read one after the other: what stands above columns, each column, what stands below."""
    bands = _bands(fragments)
    for count in range(len(bands), 0, -1):
        for start in range(len(bands) - count + 1):
            inside = [each for band in bands[start : start + count] for each in band]
            if (gutter := _gutter(inside, common)) is None:
                continue
            above = [each for band in bands[:start] for each in band]
            below = [each for band in bands[start + count :] for each in band]
            left = [each for each in inside if each.right <= gutter]
            right = [each for each in inside if each.right > gutter]
            parts = (above, left, right, below)
            return [region for part in parts if part for region in _regions(part, common)]
    return [fragments]


def _bands(fragments: list[Fragment]) -> list[list[Fragment]]:
    """The fragments from top to bottom, parted where a level line meets none of them."""
    bands: list[list[Fragment]] = []
    reached = float("-inf")
    for each in sorted(fragments, key=lambda each: each.top):
        margin = 0.25 * each.height  # the boxes of neighbouring lines touch
        if each.top + margin >= reached:
            bands.append([])
        bands[-1].append(each)
        reached = max(reached, each.bottom - margin)
    return bands


def _gutter(fragments: list[Fragment], common: float) -> float | None:
    """Where a blank strip parts two columns of running text; None where there is no such strip."""
    if len(fragments) < 2 * FEWEST_LINES:
        return None
    ordered = sorted(fragments, key=lambda each: each.left)
    reached = ordered[0].right
    for place, each in enumerate(ordered):
        if each.left - reached > 0.4 * common and _is_column(ordered[:place]) and _is_column(ordered[place:]):
            return (each.left + reached) / 2
        reached = max(reached, each.right)
    return None


def _is_column(fragments: Sequence[Fragment]) -> bool:
    """Whether these are lines of running text, and not the cells of a column in a table."""
    if len(fragments) < FEWEST_LINES:
        return False
    return median(_letters(each.text) for each in fragments) >= FEWEST_LETTERS


def _letters(text: str) -> int:
    """Letters, a Chinese one counted twice, as it is twice as wide."""
    return len(text) + len(WIDE.findall(text))


def _rows(fragments: Sequence[Fragment]) -> list[list[Fragment]]:
    """Fragments side by side, from left to right; the rows from top to bottom."""
    rows: list[list[Fragment]] = []
    for each in sorted(fragments, key=lambda each: each.middle):
        last = rows[-1][-1] if rows else None
        if last and each.middle - last.middle < 0.5 * min(each.height, last.height):
            rows[-1].append(each)
        else:
            rows.append([each])
    return [sorted(row, key=lambda each: each.left) for row in rows]


def _line(row: Sequence[Fragment], common: float) -> Line:
    height = median(each.height for each in row)
    size = TYPE_SHARE * (common if abs(height - common) < SAME_SIZE * common else height)
    text = row[0].text.strip()
    for before, each in pairwise(row):
        text += ("\t" if each.left - before.right > CELL_GAP * size else " ") + each.text.strip()
    base = -median(each.middle for each in row)
    return Line(text, row[0].left, max(each.right for each in row), base, size, base)
