"""The blocks of a sheet: titles, notes and tables, told apart by the rows and columns left blank."""

import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rag.loaders.tables import Merge, is_number, merged_table

COMMENT = "[Comment] "
MOST_BETWEEN = 2
MOST_BESIDE = 50
# Beyond these a sheet is so thinly filled that its blank cells would be most of its table.
DENSE_CELLS = 1_000_000
MOST_BLANKS = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One row that is not blank: its number from 0, and its texts by column from 0."""

    number: int
    cells: Mapping[int, str]


def with_comment(text: str, comment: str) -> str:
    """A cell's text with what someone remarked on it."""
    return f"{text} {COMMENT}{comment}".strip()


def blocks(rows: Iterable[Row], merges: Sequence[Merge]) -> Iterator[str]:
    """The texts of a sheet's blocks from top to bottom; every table is one Markdown table."""
    ordered = sorted(merges, key=lambda merge: merge.row)
    starts = [merge.row for merge in ordered]
    for table in _tables(rows):
        first, last = table[0].number, table[-1].number
        inside = ordered[bisect.bisect_left(starts, first) : bisect.bisect_right(starts, last)]
        for columns in _side_by_side(table, inside):
            yield from _block(table, columns, inside)


def _tables(rows: Iterable[Row]) -> list[list[Row]]:
    tables: list[list[Row]] = []
    for band in _bands(rows):
        above = next((index for index in range(1, 4) if index <= len(tables) and _is_wide(tables[-index])), 0)
        between = [row for table in tables[len(tables) - above + 1 :] for row in table] if above else []
        if above and len(between) <= MOST_BETWEEN and _goes_on(tables[-above], band):
            tables[-above] += between + band
            del tables[len(tables) - above + 1 :]
        else:
            tables.append(band)
    return tables


def _bands(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows that follow each other without a blank one, another header or a leap to other columns."""
    band: list[Row] = []
    for row in rows:
        if band and (row.number > band[-1].number + 1 or _begins_anew(row, band)):
            yield band
            band = []
        band.append(row)
    if band:
        yield band


def _begins_anew(row: Row, band: Sequence[Row]) -> bool:
    """Whether a row has nothing above it, or is once more the header that the band began with."""
    if len(row.cells) < 2:
        return False
    if len(band[-1].cells) > 1 and row.cells.keys().isdisjoint(band[-1].cells):
        return True
    first = band[0].cells
    return (
        row.cells.keys() == first.keys()
        and row.cells[min(first)] == first[min(first)]
        and not any(is_number(text) for text in (*first.values(), *row.cells.values()))
    )


def _is_wide(rows: Sequence[Row]) -> bool:
    return any(len(row.cells) > 1 for row in rows)


def _goes_on(table: Sequence[Row], band: Sequence[Row]) -> bool:
    """Whether a band below a blank row belongs to the table above: it has no header of its own."""
    first = next((index for index, row in enumerate(band) if len(row.cells) > 1), None)
    if first is None:
        return False
    above = {column for row in table[:50] for column in row.cells}
    if not {column for row in band[:50] for column in row.cells} <= above:
        return False
    header, below = band[first], band[first + 1 : first + 4]
    is_header = not any(is_number(text) for text in header.cells.values())
    return not (is_header and any(is_number(text) for row in below for text in row.cells.values()))


def _side_by_side(table: Sequence[Row], merges: Sequence[Merge]) -> list[list[int]]:
    """The columns of each table, where several stand beside each other with a blank column between."""
    used = sorted({column for row in table for column in row.cells})
    groups = [[used[0]]]
    for column in used[1:]:
        if column == groups[-1][-1] + 1:
            groups[-1].append(column)
        else:
            groups.append([column])
    gaps = [group[0] - 1 for group in groups[1:]]
    joined = any(merge.column <= gap < merge.column + merge.columns for merge in merges for gap in gaps[:50])
    if not 1 < len(groups) <= MOST_BESIDE or joined:
        return [used]
    parts = [[row for row in table if any(column in row.cells for column in group)] for group in groups]
    heights = {(rows[0].number, rows[-1].number) for rows in parts}
    pairs = list(zip(parts, groups, strict=True))
    if all(_has_header(rows, group) for rows, group in pairs) and (
        len(heights) > 1 or all(_has_names(rows, group[0]) for rows, group in pairs)
    ):
        return groups
    return [used]


def _has_header(rows: Sequence[Row], columns: Sequence[int]) -> bool:
    """Whether these columns, two or more, each have a name."""
    names = [rows[0].cells.get(column, "") for column in columns]
    return len(columns) > 1 and len(rows) > 1 and all(names) and not any(map(is_number, names))


def _has_names(rows: Sequence[Row], column: int) -> bool:
    """Whether most of what stands in a column, below its name, is words."""
    texts = [row.cells.get(column, "") for row in rows[1:50]]
    return sum(bool(text) and not is_number(text, years=True) for text in texts) * 2 > len(texts)


def _block(table: Sequence[Row], columns: Sequence[int], merges: Sequence[Merge]) -> Iterator[str]:
    chosen = set(columns)
    rows = [row for row in table if not chosen.isdisjoint(row.cells)]
    begin = 0
    while begin < len(rows) and _is_title(rows[begin], columns, merges):
        yield _line(rows[begin], columns)
        begin += 1
    rows = rows[begin:]
    used = {column for row in rows for column in row.cells}
    kept = [column for column in columns if column in used]
    filled = sum(len(row.cells) for row in rows)
    if len(kept) < 2 or len(rows) * len(kept) > max(DENSE_CELLS, MOST_BLANKS * filled):
        yield "\n".join(_line(row, kept) for row in rows)
    else:
        yield from _table(rows, kept, merges)


def _is_title(row: Row, columns: Sequence[int], merges: Sequence[Merge]) -> bool:
    """Whether a row above a table holds one text alone, at its left or over its whole width."""
    own = [column for column in row.cells if columns[0] <= column <= columns[-1]]
    if len(columns) < 2 or own != [columns[0]]:
        return False
    stretched = [merge for merge in merges if merge.row == row.number and merge.column == columns[0]]
    return not any(merge.rows > 1 and merge.columns < len(columns) for merge in stretched)


def _line(row: Row, columns: Sequence[int]) -> str:
    wanted = set(columns)
    return " | ".join(row.cells[column] for column in sorted(row.cells) if column in wanted)


def _table(rows: Sequence[Row], columns: Sequence[int], merges: Sequence[Merge]) -> Iterator[str]:
    texts = [[row.cells.get(column, "") for column in columns] for row in rows]
    remarks = []
    for position, text in enumerate(texts[0]):
        name, mark, remark = text.partition(COMMENT)
        if mark:
            texts[0][position] = name.strip()
            remarks.append(COMMENT + (f"{name.strip()}: {remark}" if name.strip() else remark))
    numbers = [row.number for row in rows]
    yield merged_table(texts, _placed(merges, numbers, columns))
    yield from remarks


def _placed(merges: Sequence[Merge], numbers: Sequence[int], columns: Sequence[int]) -> Iterator[Merge]:
    """The merges in the rows and columns that are left after the blank ones are gone."""
    for merge in merges:
        top = bisect.bisect_left(numbers, merge.row)
        bottom = bisect.bisect_left(numbers, merge.row + merge.rows)
        left = bisect.bisect_left(columns, merge.column)
        right = bisect.bisect_left(columns, merge.column + merge.columns)
        if top < bottom and left < right:
            yield Merge(top, left, bottom - top, right - left)
