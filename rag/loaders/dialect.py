"""How a file of comma-separated values is written: its delimiter and its escapes."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

DELIMITERS = ",;\t|"
SAMPLE_CHARACTERS = 1 << 16
SAMPLE_ROWS = 500
LONGEST_CELL = (1 << 31) - 1
NAMED = re.compile(r"\Asep=([,;\t|])[ \t]*\n", re.I)
# Another delimiter inside a cell, but for prose and decimals: "1,5" and "red; green" are whole.
TORN = re.compile(r"[\t|]|[;,](?=[^\s\d])|;(?=\d)")


@dataclass(frozen=True, slots=True)
class Dialect:
    """`delimiter` is None where each line is one cell; `escapes`: a backslash keeps quotes and delimiters."""

    delimiter: str | None
    escapes: bool = False

    def rows(self, text: str, *, quotes: bool = True) -> Iterator[tuple[int, list[str]]]:
        """The rows of `text` with the number of the line each ends on, from 1."""
        csv.field_size_limit(LONGEST_CELL)
        reader = csv.reader(
            io.StringIO(self._guarded(text)),
            # A one-column file has no delimiter: one that it cannot hold stands in.
            delimiter=self.delimiter or "\x1f",
            quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
            escapechar="\\" if self.escapes else None,
        )
        return ((reader.line_num, row) for row in reader)

    def _guarded(self, text: str) -> str:
        """Doubles the backslashes that are not escapes, so that they stay."""
        if not self.escapes:
            return text
        return re.sub(rf'(?<!\\)(\\++)(?!["{re.escape(self.delimiter or "")}])', r"\1\1", text)


def dialect_of(text: str, *, likely: str | None = None) -> Dialect:
    """The dialect by which the beginning of `text` falls into the most regular rows.

    `likely` is the delimiter that the file's name speaks for.
    """
    if named := NAMED.match(text):
        return Dialect(named[1], _has_escapes(text, named[1]))
    sample = text[:SAMPLE_CHARACTERS]
    if len(text) > SAMPLE_CHARACTERS:
        sample = sample[: sample.rfind("\n") + 1] or sample
    best, highest = Dialect(None), 0.0
    for delimiter in dict.fromkeys((likely or ",") + DELIMITERS):
        for escapes in (False, True) if _has_escapes(text, delimiter) else (False,):
            dialect = Dialect(delimiter, escapes)
            score = _score(dialect, sample)
            if score > highest or (escapes and score == highest > 0):
                best, highest = dialect, score
    return best


def _has_escapes(text: str, delimiter: str) -> bool:
    """A backslash before a quote that does not end its cell, or before a delimiter near the beginning."""
    end = re.escape(delimiter)
    inside = re.search(rf'[^\\]\\"(?![{end}\n"]|\Z)', text)
    return inside is not None or f"\\{delimiter}" in text[:SAMPLE_CHARACTERS]


def _score(dialect: Dialect, sample: str) -> float:
    """How regular the rows are: 1 at best; 0 where most have one cell."""
    rows = [row for _, row in islice(dialect.rows(sample), SAMPLE_ROWS) if any(row)]
    widths = Counter(map(len, rows))
    if not rows:
        return 0.0
    width, regular = widths.most_common(1)[0]
    if width < 2:
        return 0.0
    cells = [cell for row in rows for cell in row if cell]
    torn = sum(TORN.search(cell) is not None for cell in cells) / max(1, len(cells))
    return regular / len(rows) * (1 - torn) * (1 - 1 / (4 * width))
