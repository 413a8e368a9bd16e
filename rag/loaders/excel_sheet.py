"""One sheet of an Excel workbook, read row by row: what it costs is what is in it, not what it declares."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from rag.loaders.cell_format import general, moment, shown
from rag.loaders.characters import squeeze
from rag.loaders.parts import Parts
from rag.loaders.sheet_blocks import Row, with_comment
from rag.loaders.tables import Merge
from rag.loaders.word_xml import local_name

ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
PLACE = re.compile(r"\$?([A-Za-z]{1,3})\$?(\d{1,7})$")
MOST_MERGES = 50_000
MOST_COLUMNS = 16_384


@dataclass(frozen=True, slots=True)
class Workbook:
    """What all sheets of a workbook share: texts, and the code of each cell style."""

    texts: Sequence[str]
    codes: Sequence[str]
    since_1904: bool


@dataclass(slots=True)
class Sheet:
    """A sheet being read; comments by (row, column) are taken out as their cells are met."""

    workbook: Workbook
    comments: dict[tuple[int, int], str]
    merges: list[Merge] = field(default_factory=list)
    hidden_columns: set[int] = field(default_factory=set)
    hidden_rows: int = 0
    hidden_cells: set[int] = field(default_factory=set)
    uncomputed: int = 0

    def rows(self, parts: Parts, part: str) -> Iterator[Row]:
        """The rows that are not blank, from top to bottom; merges are known at the end."""
        number = -1
        for node in parts.stream(part, ("cols", "row", "mergeCell")):
            tag = local_name(node)
            if tag == "row":
                number = _whole(node.get("r"), number + 2) - 1
                if cells := self._cells(node, number):
                    self.hidden_rows += node.get("hidden") in ("1", "true")
                    yield Row(number, cells)
            elif tag == "cols":
                self._columns(node)
            elif len(self.merges) < MOST_MERGES and (merge := _merge(node.get("ref"))):
                self.merges.append(merge)

    def _columns(self, node: Any) -> None:
        for column in node:
            if local_name(column) == "col" and column.get("hidden") in ("1", "true"):
                first, last = _whole(column.get("min"), 1), _whole(column.get("max"), 1)
                self.hidden_columns.update(range(first - 1, min(last, MOST_COLUMNS)))

    def _cells(self, row: Any, number: int) -> dict[int, str]:
        cells = {}
        column = -1
        for cell in row:
            if local_name(cell) != "c":
                continue
            found = _column(cell.get("r", "").rstrip("0123456789$"))
            column = column + 1 if found is None else found
            text = squeeze(self._text(cell)) if len(cell) else ""
            if self.comments and (comment := self.comments.pop((number, column), "")):
                text = with_comment(text, comment)
            if text:
                cells[column] = text
        self.hidden_cells.update(self.hidden_columns.intersection(cells))
        return cells

    def _text(self, cell: Any) -> str:
        kind = cell.get("t", "n")
        value = formula = ""
        for child in cell:
            tag = local_name(child)
            if tag == "v":
                value = child.text or ""
            elif tag == "f":
                formula = child.text or ""
            elif tag == "is":
                return rich_text(child)
        if formula and not value and kind != "str":
            self.uncomputed += 1
            return f"={formula}"
        return self._shown(value, kind, _whole(cell.get("s"), 0))

    def _shown(self, value: str, kind: str, style: int) -> str:
        book = self.workbook
        if kind == "s":
            index = _whole(value, -1)
            return book.texts[index] if 0 <= index < len(book.texts) else ""
        if kind == "b":
            return "TRUE" if value.strip() in ("1", "true") else "FALSE" if value else ""
        if kind in ("str", "e", "inlineStr"):
            return unescaped(value)
        if kind == "d":
            return _iso(value)
        code = book.codes[style] if 0 <= style < len(book.codes) else ""
        return number_text(value, code, since_1904=book.since_1904)


def number_text(value: str, code: str, *, since_1904: bool) -> str:
    """What a person sees of a number written as text."""
    try:
        number = float(value)
    except ValueError:
        return value
    try:
        return shown(number, code, since_1904=since_1904) if code else general(number)
    except (ValueError, OverflowError):
        return value


def rich_text(node: Any) -> str:
    """The text of a string item without the readings that stand above Chinese characters in Japanese."""
    pieces = []
    for child in node:
        tag = local_name(child)
        if tag == "t":
            pieces.append(child.text or "")
        elif tag == "r":
            pieces.append(rich_text(child))
    return unescaped("".join(pieces))


def unescaped(text: str) -> str:
    """`text` with the characters that XML cannot hold, which Excel writes as _x000D_."""
    return ESCAPED.sub(lambda code: chr(int(code[1], 16)), text) if "_x" in text else text


def position(place: str | None) -> tuple[int, int] | None:
    """(row, column) from 0 of a cell called "B3"."""
    found = PLACE.match(place or "")
    if found is None:
        return None
    column = 0
    for letter in found[1].upper():
        column = column * 26 + ord(letter) - 64
    return int(found[2]) - 1, column - 1


@lru_cache(maxsize=1024)
def _column(letters: str) -> int | None:
    """The column, from 0, that is called by these letters."""
    place = position(f"{letters}1")
    return place[1] if place else None


def _merge(area: str | None) -> Merge | None:
    first, _, last = (area or "").partition(":")
    start, end = position(first), position(last)
    if start is None or end is None or end[0] < start[0] or end[1] < start[1]:
        return None
    return Merge(*start, end[0] - start[0] + 1, end[1] - start[1] + 1)


def _iso(value: str) -> str:
    try:
        return moment(datetime.fromisoformat(value.strip()).replace(tzinfo=None))
    except ValueError:
        return value


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.strip().isdecimal() and len(text) < 10 else otherwise


def codes_of(styles: Any | None, built_in: Mapping[int, str]) -> list[str]:
    """The number format's code of each cell style, "" for the general one."""
    own: dict[int, str] = {}
    formats: list[int] = []
    for group in styles if styles is not None else ():
        for node in group:
            if local_name(node) == "numFmt":
                own[_whole(node.get("numFmtId"), 0)] = node.get("formatCode") or ""
            elif local_name(node) == "xf" and local_name(group) == "cellXfs":
                formats.append(_whole(node.get("numFmtId"), 0))
    return [own.get(number, built_in.get(number, "")) for number in formats]
