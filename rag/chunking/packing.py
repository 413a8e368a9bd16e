"""Pieces put together in runs of about equal size."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from rag.chunking.pieces import Piece


def pack(pieces: Sequence[Piece], room: int, overlap: int) -> Iterator[Sequence[Piece]]:
    """Runs of pieces of about equal size, none over `room`, each beginning with the end of the one before.

    Rows of a table are not repeated: they have their header in common.
    """
    target = _target(pieces, room, overlap)
    start = size = 0
    for position, piece in enumerate(pieces):
        cost = piece.cost(pieces[position - 1] if position > start else None)
        if size and (size + cost > room or size + cost / 2 > target):
            yield pieces[start:position]
            start, size = _overlap_start(pieces, position, min(overlap, room - piece.cost(None)))
            cost = piece.cost(pieces[position - 1] if position > start else None)
        size += cost
    if start < len(pieces):
        yield pieces[start:]


def _target(pieces: Sequence[Piece], room: int, overlap: int) -> int:
    """The tokens of each run if all were equal."""
    total = sum(piece.tokens for piece in pieces)
    rows: Counter[Piece] = Counter()
    for piece in pieces:
        if piece.header:
            rows[piece.header] += piece.tokens
    total += sum(header.tokens * math.ceil(rows[header] / max(1, room - header.tokens)) for header in rows)
    parts = max(1, math.ceil((total - overlap) / max(1, room - overlap)))
    return min(room, math.ceil((total + (parts - 1) * overlap) / parts))


def _overlap_start(pieces: Sequence[Piece], end: int, overlap: int) -> tuple[int, int]:
    """Where the next run begins so that it repeats at most `overlap` tokens, and how many it repeats."""
    start, size = end, 0
    while start > 0 and not pieces[start - 1].header and size + pieces[start - 1].tokens <= overlap:
        start -= 1
        size += pieces[start].tokens
    return start, size
