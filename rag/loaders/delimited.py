"""Files of comma-separated values, whatever separates them (CSV, TSV)."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from rag.documents import Notice, ParsedFile
from rag.errors import DocumentError
from rag.loaders.characters import clean
from rag.loaders.dialect import NAMED, Dialect, dialect_of
from rag.loaders.encodings import decode
from rag.loaders.markdown_table import markdown_table
from rag.loaders.outline import Outline
from rag.loaders.source import Source
from rag.loaders.text import guess_notices

LOOKED_AT = 200  # rows, to tell whether the first is a header
MOST_TITLES = 10
MOST_EMPTY_CELLS = 2_000_000
# Line breaks that a program may have written into a cell: only the plain ones end a row.
INNER_BREAKS = re.compile("[\v\f\x1c-\x1e\x85\u2028\u2029]")
NUMBER = re.compile(r"[-+−]?[$€£¥￥]?\d[\d.,' ]*(?:e[-+]?\d+)?\s*[%€元]?|[-+−]?\.\d+", re.I)
DATE = re.compile(r"\d{1,4}([-/.年])\d{1,2}[-/.月]\d{1,4}日?(?:[T ]\d.*)?")
ADDRESS = re.compile(r"\S+@\S+\.\S+|https?://\S+", re.I)
YEAR = re.compile(r"(?:1[5-9]|20)\d\d年?")


def read_csv(source: Source) -> ParsedFile:
    """The file as one table under its header; without one, columns are called 1, 2, 3.

    Lines above the header that have one cell only are the table's title.
    """
    decoded = decode(source.path.read_bytes())
    text = clean(INNER_BREAKS.sub(" ", decoded.text))
    tabs = Path(source.name).suffix.lower() in (".tsv", ".tab")
    dialect = dialect_of(text, likely="\t" if tabs else None)
    rows, notices = _rows(source, NAMED.sub("", text), dialect)
    if not rows:
        raise DocumentError("{name} holds no text.", name=source.name)
    titles = _titles(rows)
    outline = Outline()
    outline.block("\n".join(titles))
    outline.block(markdown_table(_with_header(_even(rows[len(titles) :]))))
    return ParsedFile(
        "csv",
        outline.sections(),
        title=titles[0] if titles else None,
        warnings=(*guess_notices(source, decoded), *notices),
    )


def _rows(source: Source, text: str, dialect: Dialect) -> tuple[list[list[str]], list[Notice]]:
    """The rows that hold something; after a quotation mark that is never closed, each line is one."""
    rows: list[list[str]] = []
    begun = ended = 0
    for line, row in dialect.rows(text):
        begun, ended = ended, line
        if any(cell.strip() for cell in row):
            rows.append([cell.strip() for cell in row])
    if ended - begun < 2:
        return rows, []
    last = "".join(islice(text.splitlines(keepends=True), begun, None))
    if not _is_open(last, dialect):
        return rows, []
    rows[-1:] = [
        [cell.strip() for cell in row]
        for _, row in dialect.rows(last, quotes=False)
        if any(cell.strip() for cell in row)
    ]
    return rows, [
        Notice(
            "In {name}, the quotation mark that opens in line {line} is never closed; "
            "from there on, each line was read as a row.",
            {"name": source.name, "line": begun + 1},
        )
    ]


def _is_open(row: str, dialect: Dialect) -> bool:
    """Whether a quoted cell of the file's last row goes on to the end: a row more then changes nothing."""
    return len(list(dialect.rows(f"{row.rstrip()}\n1"))) == 1


def _titles(rows: Sequence[Sequence[str]]) -> list[str]:
    """The first rows of which only the first cell is filled, if a wider one follows."""
    filled = [sum(map(bool, row)) for row in rows[: MOST_TITLES + 1]]
    wide = next((index for index, count in enumerate(filled) if count > 1), 0)
    titles = [row[0] for row in rows[:wide]]
    return titles if all(titles) else []


def _even(rows: list[list[str]]) -> list[list[str]]:
    """`rows`, where a few are absurdly wide those with their surplus in the last common column."""
    width = max(map(len, rows))
    if width * len(rows) - sum(map(len, rows)) <= MOST_EMPTY_CELLS:
        return rows
    common = Counter(map(len, rows)).most_common(1)[0][0]
    return [[*row[: common - 1], " ".join(row[common - 1 :])] if len(row) > common else row for row in rows]


def _with_header(rows: list[list[str]]) -> list[list[str]]:
    """`rows` under a header that names each column, by its number where the file does not."""
    numbers = [str(number) for number in range(1, max(map(len, rows)) + 1)]
    if not _begins_with_header(rows[: LOOKED_AT + 1]):
        return [numbers, *rows]
    header, *others = rows
    names = [*header, *[""] * (len(numbers) - len(header))]
    return [[name or number for name, number in zip(names, numbers, strict=True)], *others]


def _begins_with_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names what is below it: true unless its cells are of the kinds below them."""
    header, *others = rows
    if not others:
        return len(header) > 1
    votes = 0
    for column, name in enumerate(header):
        cells = [row[column] for row in others if column < len(row) and row[column]]
        if not name or not cells:
            continue
        kind, share = Counter(map(_kind, cells)).most_common(1)[0]
        if name in cells:
            votes -= 1
        elif kind != "words" and share > 0.6 * len(cells):
            votes += 1 if _kind(name) != kind else 0 if YEAR.fullmatch(name) else -1
    return votes >= 0


def _kind(cell: str) -> str:
    for kind, pattern in (("number", NUMBER), ("date", DATE), ("address", ADDRESS)):
        if pattern.fullmatch(cell):
            return kind
    return "words"
