"""Old Excel workbooks (XLS), by xlrd."""

import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from rag.documents import Notice, ParsedFile
from rag.errors import DocumentError
from rag.loaders.cell_format import general, shown
from rag.loaders.characters import squeeze
from rag.loaders.encrypted import read_encrypted
from rag.loaders.outline import Outline
from rag.loaders.parts import damage
from rag.loaders.sheet_blocks import COMMENT, Row, blocks, with_comment
from rag.loaders.sheet_notices import Hidden, notices
from rag.loaders.source import Source
from rag.loaders.tables import Merge

LOGGER = logging.getLogger(__name__)


def read_xls(source: Source) -> ParsedFile:
    """A section for each sheet, under its name; a workbook under a password is opened with it."""
    import xlrd

    if _is_encrypted(source):
        return replace(read_encrypted(source), kind="xls")
    try:
        with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a device, not a path
            book = xlrd.open_workbook(str(source.path), logfile=nowhere, formatting_info=True)
            return _read(book, source)
    except (MemoryError, DocumentError):
        raise
    except Exception as error:  # xlrd meets damage with whatever its code runs into
        LOGGER.info("xlrd: %s", error)
        raise damage(source.name) from error


def _is_encrypted(source: Source) -> bool:
    from msoffcrypto import OfficeFile

    try:
        with source.path.open("rb") as file:
            return bool(OfficeFile(file).is_encrypted())
    except Exception as error:  # noqa: BLE001 - what is damaged is for the reader to say
        LOGGER.info("msoffcrypto: %s", error)
        return False


def _read(book: Any, source: Source) -> ParsedFile:
    outline, hidden, unread = Outline(), Hidden(), []
    for index, name in enumerate(book.sheet_names()):
        try:
            sheet = book.sheet_by_index(index)
            _read_sheet(book, sheet, outline, hidden)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - the other sheets may be whole
            LOGGER.info("xlrd, sheet %s: %s", index, error)
            unread.append(str(name))
    sections = outline.sections()
    if unread and not sections:
        raise damage(source.name)
    return ParsedFile("xls", sections, warnings=(*_unread(unread), *notices(hidden)))


def _unread(sheets: list[str]) -> tuple[Notice, ...]:
    if not sheets:
        return ()
    return (Notice("Sheets that are damaged could not be read: {sheets}.", {"sheets": ", ".join(sheets)}),)


def _read_sheet(book: Any, sheet: Any, outline: Outline, hidden: Hidden) -> None:
    comments = {
        place: words for place, note in sheet.cell_note_map.items() if (words := squeeze(note.text or ""))
    }
    hidden_rows = {number for number, info in sheet.rowinfo_map.items() if info.hidden}
    hidden_columns = {number for number, info in sheet.colinfo_map.items() if info.hidden}
    rows = list(_rows(book, sheet, comments))
    merges = [Merge(top, left, bottom - top, right - left) for top, bottom, left, right in sheet.merged_cells]
    texts = [*blocks(rows, merges), *(f"{COMMENT}{text}" for text in comments.values())]
    if not texts:
        return
    outline.heading(1, squeeze(sheet.name))
    for text in texts:
        outline.block(text)
    hidden.add(
        sheet.name,
        sheet=sheet.visibility != 0,
        rows=sum(row.number in hidden_rows for row in rows),
        columns=len(hidden_columns.intersection(column for row in rows for column in row.cells)),
    )


def _rows(book: Any, sheet: Any, comments: dict[tuple[int, int], str]) -> Iterator[Row]:
    """The rows that are not blank; comments are taken out as their cells are met."""
    for number in range(sheet.nrows):
        cells = {}
        for column in range(sheet.row_len(number)):
            text = squeeze(_text(book, sheet.cell(number, column)))
            if comments and (comment := comments.pop((number, column), "")):
                text = with_comment(text, comment)
            if text:
                cells[column] = text
        if cells:
            yield Row(number, cells)


def _text(book: Any, cell: Any) -> str:
    import xlrd

    if cell.ctype == xlrd.XL_CELL_TEXT:
        return str(cell.value)
    if cell.ctype in (xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_DATE):
        code = book.format_map[book.xf_list[cell.xf_index].format_key].format_str
        return _number(cell.value, code, since_1904=bool(book.datemode))
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return "TRUE" if cell.value else "FALSE"
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, ""))
    return ""


def _number(value: float, code: str, *, since_1904: bool) -> str:
    try:
        return shown(value, code, since_1904=since_1904)
    except (ValueError, OverflowError):
        return general(value)
