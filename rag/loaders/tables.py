"""Tables with merged cells and headers of several rows, as Markdown."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rag.loaders.markdown_table import markdown_table

MOST_HEADER_ROWS = 4
MOST_NUMBER = 40
NUMBER = re.compile(r"[\s(+-]*[^\w\s]{0,3}\s?\d[\d.,:/\s-]*[^\W\d]{0,3}\s?[%)€¥£元]{0,2}$")
YEAR = re.compile(r"(19|20)\d\d\b.{0,4}$")


@dataclass(frozen=True, slots=True)
class Merge:
    """A cell that stretches over others: the first one's row and column, and how many of each it covers."""

    row: int
    column: int
    rows: int
    columns: int


def is_number(text: str, *, years: bool = False) -> bool:
    """Whether a text is a quantity or a day; a year alone may as well be a name."""
    if len(text) > MOST_NUMBER or NUMBER.match(text) is None:
        return False
    return years or YEAR.match(text) is None


def merged_table(rows: Sequence[Sequence[str]], merges: Iterable[Merge] = ()) -> str:
    """`rows` as a Markdown table in which every line can be read alone.

    What stretches over several rows is in each of them; what stretches over several columns of the header is
    in the name of each of these columns.
    """
    width = max(map(len, rows), default=0)
    cells = [[*row, *[""] * (width - len(row))] for row in rows]
    known = [merge for merge in merges if merge.row < len(cells) and merge.column < width]
    header = _header_rows(cells, known)
    for merge in known:
        _fill(cells, merge, header)
    names = [_name(cells[row][column] for row in range(header)) for column in range(width)]
    return markdown_table([names, *cells[header:]])


def _header_rows(cells: Sequence[Sequence[str]], merges: Sequence[Merge]) -> int:
    """How many rows the header has: one more below each that has a cell over several columns, or rows."""
    header, row = 1, 0
    while row < header < min(len(cells), MOST_HEADER_ROWS):
        for merge in merges:
            if merge.row == row and cells[row][merge.column]:
                below = merge.rows if merge.rows > 1 else (2 if merge.columns > 1 else 1)
                header = max(header, row + below)
        row += 1
    most = max(1, min(MOST_HEADER_ROWS, len(cells) - 1))
    if header == 1 and _is_second_header(cells):
        return 2
    return header if header <= most else 1


def _is_second_header(cells: Sequence[Sequence[str]]) -> bool:
    """Whether the second row names the columns that the first leaves blank, and numbers begin below it."""
    if len(cells) < 3 or (cells[0][0] and cells[1][0]) or sum(map(bool, cells[1])) < 2:
        return False
    unnamed = any(below and not above for above, below in zip(cells[0][1:], cells[1][1:], strict=True))
    texts = (*cells[0], *cells[1])
    return unnamed and not any(map(is_number, texts)) and any(map(is_number, cells[2]))


def _fill(cells: list[list[str]], merge: Merge, header: int) -> None:
    text = cells[merge.row][merge.column]
    across = merge.columns if merge.row < header else 1
    for row in cells[merge.row : merge.row + merge.rows]:
        for column in range(merge.column, min(merge.column + across, len(row))):
            row[column] = row[column] or text


def _name(parts: Iterable[str]) -> str:
    """A column's name: what stands above it, each once."""
    return " ".join(dict.fromkeys(part for part in parts if part))
