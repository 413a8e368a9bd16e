"""The order in which people read what is placed on a slide."""

from collections.abc import Sequence
from dataclasses import dataclass

# What overlaps by less than this, in EMU (a tenth of an inch), counts as beside or below each other.
TOLERANCE = 91_440
MOST_DEPTH = 40


@dataclass(frozen=True, slots=True)
class Box:
    """Where something lies, in EMU from the upper left corner."""

    left: int
    top: int
    width: int
    height: int


def reading_order(boxes: Sequence[Box | None]) -> list[int]:
    """Indices of `boxes` from top to bottom, columns one after the other; those without a place at the end.

    The page is cut along the widest gap that runs all across it, again and again (the XY-cut of Nagy and
    Seth, 1984).
    """
    placed = [index for index, box in enumerate(boxes) if box is not None]
    known = {index: box for index, box in enumerate(boxes) if box is not None}
    order = _cut(placed, known, 0)
    return order + [index for index, box in enumerate(boxes) if box is None]


def _cut(indices: list[int], boxes: dict[int, Box], depth: int) -> list[int]:
    if len(indices) < 2:
        return indices
    across = _gap([(boxes[index].top, boxes[index].height, index) for index in indices])
    down = _gap([(boxes[index].left, boxes[index].width, index) for index in indices])
    best = down if down and (across is None or down[0] > across[0]) else across
    if best is None or depth == MOST_DEPTH:
        return sorted(indices, key=lambda index: (boxes[index].top, boxes[index].left))
    _, before, after = best
    return _cut(before, boxes, depth + 1) + _cut(after, boxes, depth + 1)


def _gap(spans: list[tuple[int, int, int]]) -> tuple[int, list[int], list[int]] | None:
    """(width, indices before, indices after) of the widest gap between (start, length, index)."""
    spans = sorted(spans)
    best: tuple[int, int] | None = None
    end = spans[0][0] + spans[0][1]
    for place, (start, length, _) in enumerate(spans[1:], start=1):
        if start - end > (best[0] if best else -TOLERANCE):
            best = (start - end, place)
        end = max(end, start + length)
    if best is None:
        return None
    width, place = best
    return width, [index for *_, index in spans[:place]], [index for *_, index in spans[place:]]
