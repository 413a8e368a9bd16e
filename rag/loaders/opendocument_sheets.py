"""OpenDocument spreadsheets (ODS), read row by row."""

import re
from datetime import datetime
from typing import Any

from rag.documents import ParsedFile
from rag.loaders.cell_format import general, moment
from rag.loaders.characters import squeeze
from rag.loaders.opendocument import Remarks, comment_text, document_title, open_document, plain_text, repeats
from rag.loaders.opendocument_objects import alt_text, object_blocks
from rag.loaders.outline import Outline
from rag.loaders.parts import Parts, child
from rag.loaders.sheet_blocks import Row, blocks, with_comment
from rag.loaders.sheet_notices import Hidden, notices
from rag.loaders.source import Source
from rag.loaders.tables import Merge
from rag.loaders.word_xml import attribute, local_name

TAGS = ("style", "table-row", "table-column", "shapes", "table")
CLOCK = re.compile(r"(-?)PT(\d+)H(\d+)M(\d+)(?:[.,]\d+)?S$")
MOST_MERGES = 50_000
MOST_REPEATED_CELLS = 100_000
UNSEEN = ("collapse", "filter")


def read_ods(source: Source) -> ParsedFile:
    """A section for each sheet, under its name."""
    with open_document(source) as parts:
        reader = _Reader(parts)
        for node in parts.stream("content.xml", TAGS):
            reader.element(node)
        reader.end_damaged()
        sections = reader.outline.sections()
        parts.check_text(sections, source.name)
        warnings = (*parts.warnings(), *notices(reader.hidden))
        return ParsedFile("ods", sections, title=document_title(parts), warnings=warnings)


class _Reader:
    """The sheet being read: its rows come before its own end."""

    def __init__(self, parts: Parts) -> None:
        self.outline = Outline()
        self.hidden = Hidden()
        self._parts = parts
        self._unseen_styles: set[str] = set()
        self._name = ""
        self._begin()

    def _begin(self) -> None:
        self._rows: list[Row] = []
        self._merges: list[Merge] = []
        self._others: list[str] = []
        self._number = 0
        self._repeated = 0
        self._column = 0
        self._hidden_rows = 0
        self._hidden_columns: set[int] = set()

    def element(self, node: Any) -> None:
        tag = local_name(node)
        if tag == "style":
            properties = child(node, "table-properties")
            if properties is not None and attribute(properties, "display") == "false":
                self._unseen_styles.add(attribute(node, "name") or "")
        elif tag == "table-column":
            times = repeats(node, "number-columns-repeated")
            if attribute(node, "visibility") in UNSEEN:
                self._hidden_columns.update(range(self._column, self._column + times))
            self._column += times
        elif tag == "table-row":
            self._name = attribute(node.getparent(), "name") or self._name
            self._row(node)
        elif tag == "shapes":
            self._shapes(node)
        else:
            name = attribute(node, "name") or ""
            self._end(name, is_hidden=attribute(node, "style-name") in self._unseen_styles)

    def end_damaged(self) -> None:
        """Keep the rows of a sheet whose end is missing."""
        self._end(self._name, is_hidden=False)

    def _shapes(self, node: Any) -> None:
        for frame in node:
            texts = [text for text in object_blocks(self._parts, frame) if not text.startswith("|")]
            texts = texts or [alt_text(frame), plain_text(frame, Remarks())]
            self._others += [text for text in texts if text]

    def _row(self, node: Any) -> None:
        times = _count(node, "number-rows-repeated")
        cells = self._cells(node)
        if cells:
            is_hidden = attribute(node, "visibility") in UNSEEN
            for number in range(self._number, self._number + self._affordable(times, len(cells))):
                self._rows.append(Row(number, cells))
                self._hidden_rows += is_hidden
        self._number += times

    def _affordable(self, times: int, cells: int) -> int:
        """How often something said to be repeated is repeated: a few bytes may claim a million rows."""
        times = max(1, min(times, (MOST_REPEATED_CELLS - self._repeated) // cells))
        self._repeated += (times - 1) * cells
        return times

    def _cells(self, row: Any) -> dict[int, str]:
        cells: dict[int, str] = {}
        column = 0
        for cell in row:
            if local_name(cell) not in ("table-cell", "covered-table-cell"):
                continue
            times = _count(cell, "number-columns-repeated")
            across, down = repeats(cell, "number-columns-spanned"), repeats(cell, "number-rows-spanned")
            if (across > 1 or down > 1) and len(self._merges) < MOST_MERGES:
                self._merges.append(Merge(self._number, column, down, across))
            if len(cell) and (text := squeeze(_text(cell))):
                cells.update(dict.fromkeys(range(column, column + self._affordable(times, 1)), text))
            column += times
        return cells

    def _end(self, name: str, *, is_hidden: bool) -> None:
        texts = [*(blocks(self._rows, self._merges) if self._rows else ()), *self._others]
        if texts:
            self.outline.heading(1, squeeze(name) or "Sheet")
            for text in texts:
                self.outline.block(text)
            filled = self._hidden_columns.intersection(column for row in self._rows for column in row.cells)
            self.hidden.add(name, sheet=is_hidden, rows=self._hidden_rows, columns=len(filled))
        self._begin()


def _text(cell: Any) -> str:
    """A cell as a person sees it, days in ISO form, with its comment."""
    comments = [comment_text(each) for each in cell if local_name(each) == "annotation"]
    text = _value(cell, squeeze(plain_text(cell, Remarks())))
    frames = [alt_text(frame) for frame in cell.iter("{*}frame")]
    text = " ".join(part for part in (text, *frames) if part)
    return with_comment(text, squeeze(" / ".join(comments))) if any(comments) else text


def _value(cell: Any, seen: str) -> str:
    kind = attribute(cell, "value-type") or ""
    if kind == "date":
        return _day(attribute(cell, "date-value") or "") or seen
    if kind == "time":
        found = CLOCK.match(attribute(cell, "time-value") or "")
        return f"{found[1]}{int(found[2]):02}:{found[3]}:{found[4]}" if found else seen
    if kind == "boolean":
        return (attribute(cell, "boolean-value") or seen).upper()
    if kind in ("float", "percentage", "currency"):
        return _number(attribute(cell, "value") or "", seen, is_share=kind == "percentage")
    return seen or squeeze(attribute(cell, "string-value") or "")


def _number(value: str, seen: str, *, is_share: bool) -> str:
    try:
        number = float(value)
    except ValueError:
        return seen
    try:
        is_plain = float(seen) == number
    except ValueError:
        is_plain = not seen
    if is_plain:
        return f"{general(number * 100)}%" if is_share else general(number)
    return seen


def _day(value: str) -> str:
    try:
        return moment(datetime.fromisoformat(value).replace(tzinfo=None))
    except ValueError:
        return value


def _count(node: Any, name: str) -> int:
    """How often a row or cell is said to stand there."""
    count = attribute(node, name) or "1"
    return max(1, int(count)) if count.isdecimal() and len(count) < 10 else 1
