"""The pieces that chunks are put together from: sentences, tables, rows, and parts of what is too long."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rag.chunking.sentences import split_sentences
from rag.chunking.tables import Table, split_tables

CountTokens = Callable[[str], int]

LONGEST_TOKEN = 20  # characters: longer texts need not be counted to know that they are long

_CLAUSE_END = re.compile(r"[，、：,;:—]\s*|\s+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A text that stays whole, and its tokens. `header` is the one of the table whose row it is."""

    text: str
    tokens: int
    header: "Piece | None" = None

    def cost(self, before: "Piece | None") -> int:
        """The tokens it adds to a chunk after `before`: a row needs its header unless that is there."""
        return self.tokens + (self.header.tokens if self.header and self.needs_header(before) else 0)

    def needs_header(self, before: "Piece | None") -> bool:
        """Whether it is a row that does not follow another one of its table."""
        return self.header is not None and (before is None or before.header is not self.header)


def text_of(pieces: Sequence[Piece]) -> str:
    """The pieces as one text, with the header above each run of rows."""
    parts = []
    before = None
    for piece in pieces:
        if piece.header and piece.needs_header(before):
            parts.append(piece.header.text)
        parts.append(piece.text)
        before = piece
    return "".join(parts).strip()


def pieces_of(text: str, count_tokens: CountTokens, room: int) -> Iterator[Piece]:
    """The pieces of a text, none of more than `room` tokens, a row together with its header."""
    for part in split_tables(text):
        if isinstance(part, Table):
            yield from _table(part, count_tokens, room)
        else:
            for sentence in split_sentences(part):
                yield from _fitting(sentence, count_tokens, room)


def _table(table: Table, count_tokens: CountTokens, room: int) -> Iterator[Piece]:
    """A table whole if it fits, else its rows; a row too long is cut, under its header if that is short."""
    header = Piece(table.header, _size(table.header, count_tokens, room))
    rows = [(row, _size(row, count_tokens, room)) for row in table.rows]
    if (
        header.tokens + sum(tokens for _, tokens in rows) <= room
        and (whole := count_tokens(table.text)) <= room
    ):
        yield Piece(table.text, whole)
        return
    is_short = header.tokens < room / 3
    # Rows without a letter or digit may be dropped: no header depends on them.
    is_kept = any((is_short or header.tokens + tokens <= room) and has_words(row) for row, tokens in rows)
    if not is_kept:
        yield from _fitting(table.header, count_tokens, room)
    for row, tokens in rows:
        if is_kept and header.tokens + tokens <= room:
            yield Piece(row, tokens, header)
        elif is_kept and is_short:
            yield from _cut(row, count_tokens, room - header.tokens, header)
        else:
            yield from _fitting(row, count_tokens, room)


def has_words(text: str) -> bool:
    """Whether there is a letter or digit in it."""
    return any(map(str.isalnum, text))


def _size(text: str, count_tokens: CountTokens, room: int) -> int:
    """The tokens of a text; of one that is clearly too long only that: millions would fill the memory."""
    return room + 1 if len(text) > room * LONGEST_TOKEN else count_tokens(text)


def _fitting(text: str, count_tokens: CountTokens, room: int) -> Iterator[Piece]:
    tokens = _size(text, count_tokens, room)
    if tokens <= room:
        yield Piece(text, tokens)
    else:
        yield from _cut(text, count_tokens, room)


def _cut(text: str, count_tokens: CountTokens, room: int, header: Piece | None = None) -> Iterator[Piece]:
    """A sentence or row that is too long, cut after clauses, else between words, else anywhere."""
    start = 0
    while start < len(text):
        left = len(text) - start
        low, high = 1, min(left, 4 * room)
        while high < left and count_tokens(text[start : start + high]) <= room:
            low, high = high, min(left, 2 * high)
        while low < high:
            middle = (low + high + 1) // 2
            fits = count_tokens(text[start : start + middle]) <= room
            low, high = (middle, high) if fits else (low, middle - 1)
        if low < left:
            ends = [match.end() for match in _CLAUSE_END.finditer(text, start + low // 2, start + low)]
            low = ends[-1] - start if ends else low
        part = text[start : start + low]
        yield Piece(part, count_tokens(part), header)
        start += low
