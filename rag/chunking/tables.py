"""Where the Markdown tables of a text are."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# From the line break before it, so that the search leaps from line to line.
_SEPARATOR = re.compile(r"\n[ \t]*+\|?[ \t:]*+-[-| \t:]*+(?=\n|\Z)")


@dataclass(frozen=True, slots=True)
class Table:
    """A table's header and separator lines, and its rows, each with the line break after it."""

    header: str
    rows: tuple[str, ...]

    @property
    def text(self) -> str:
        return self.header + "".join(self.rows)


def split_tables(text: str) -> Iterator[str | Table]:
    """The tables of `text` and the text between them, in order: together they are `text` again."""
    start = position = 0
    while found := _SEPARATOR.search(text, position):
        position = found.end()
        begin = text.rfind("\n", start, found.start()) + 1 or start
        if "|" not in found.group() or "|" not in text[begin : found.start()]:
            continue
        rows, end = _rows(text, min(len(text), position + 1))
        if begin > start:
            yield text[start:begin]
        yield Table(text[begin : position + 1], rows)
        start = position = end
    if start < len(text):
        yield text[start:]


def _rows(text: str, start: int) -> tuple[tuple[str, ...], int]:
    """The rows from `start` on, and where they end."""
    rows: list[str] = []
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        if text.find("|", start, end) < 0:
            break
        rows.append(text[start:end])
        start = end
    return tuple(rows), start
