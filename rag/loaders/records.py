"""JSON and JSON Lines."""

import json
from collections.abc import Sequence
from itertools import chain
from typing import TypeAlias, Union

from rag.documents import Notice, ParsedFile
from rag.loaders.characters import clean, squeeze
from rag.loaders.encodings import decode
from rag.loaders.markdown_table import markdown_table
from rag.loaders.outline import Outline
from rag.loaders.source import Source
from rag.loaders.text import guess_notices

# Numbers stay as they are written, objects keep every pair: a tuple of (key, value).
Object: TypeAlias = "tuple[tuple[str, Value], ...]"
Value: TypeAlias = Union[str, bool, "list[Value]", Object, None]

DEEPEST = 12  # headings; what is below stands on one line
LONGEST_TITLE = 120  # characters
LONGEST_CELL = 300
LONGEST_LINE = 200
TITLES = ("title", "name", "标题", "名称", "题目")
NAMES = (*TITLES, "姓名", "id", "编号")


def read_json(source: Source) -> ParsedFile:
    """Records as lines "key: value" under headings, a list of flat objects as a table; else as plain text."""
    decoded = decode(source.path.read_bytes())
    outline = Outline()
    title = ""
    try:
        value, broken, problem = _value(source, decoded.text)
        _write(outline, value, 1)
        title = _name(value, TITLES)
    except RecursionError:
        outline, broken = Outline(), decoded.text
        problem = Notice(
            "{name} is nested too deeply to be shown as records; it was read as plain text.",
            {"name": source.name},
        )
    outline.block(clean(broken))
    notices = (*guess_notices(source, decoded), *([problem] if problem else []))
    return ParsedFile("json", outline.sections(), title=title or None, warnings=notices)


def _value(source: Source, text: str) -> tuple[Value, str, Notice | None]:
    """What the file holds, what in it is no JSON, and what to tell the user of that."""
    try:
        return _loads(text), "", None
    except ValueError as error:
        line = getattr(error, "lineno", 1)
    records, broken = _lines(text)
    if len(records) <= len(broken):
        problem = Notice(
            "{name} is not valid JSON (line {line}); it was read as plain text.",
            {"name": source.name, "line": line},
        )
        return None, text, problem
    problem = Notice(
        "{count} lines of {name} are not valid JSON and were read as plain text.",
        {"name": source.name, "count": len(broken)},
    )
    return records, "\n".join(broken), problem if broken else None


def _loads(text: str) -> Value:
    value: Value = json.loads(
        text, object_pairs_hook=tuple, parse_int=str, parse_float=str, parse_constant=str
    )
    return value


def _lines(text: str) -> tuple[list[Value], list[str]]:
    """The value of each line, and the lines that have none."""
    values: list[Value] = []
    broken = []
    for line in filter(str.strip, text.split("\n")):
        try:
            values.append(_loads(line))
        except ValueError:
            broken.append(line)
    return values, broken


def _write(outline: Outline, value: Value, depth: int) -> None:
    """Write what stands under one heading; headings in it are of the level `depth`."""
    if isinstance(value, tuple):
        lines = (_line(key, each) for key, each in value if not _is_nested(each, depth))
        outline.block("\n".join(filter(None, lines)))
        for key, each in value:
            if _is_nested(each, depth):
                _heading(outline, depth, key)
                _write(outline, each, depth + 1)
    elif not isinstance(value, list) or not _is_nested(value, depth):
        outline.block(_text(value))
    elif _is_table(value):
        outline.block(_table([each for each in value if isinstance(each, tuple)]))
    else:
        for number, each in enumerate(value, start=1):
            _heading(outline, depth, f"{number}. {_name(each)}".rstrip(". "))
            _write(outline, each, depth + 1)


def _heading(outline: Outline, depth: int, title: str) -> None:
    line = squeeze(title)
    outline.heading(depth, line[:LONGEST_TITLE], line=line)


def _line(key: str, value: Value) -> str:
    text = _text(value)
    if not text:
        return ""
    return f"{clean(key)}:\n{text}" if "\n" in text else f"{clean(key)}: {text}"


def _is_nested(value: Value, depth: int) -> bool:
    """Whether it needs headings or a table of its own: it holds objects."""
    return depth <= DEEPEST and _holds_objects(value)


def _holds_objects(value: Value) -> bool:
    if isinstance(value, list):
        return any(_holds_objects(each) for each in value)
    return isinstance(value, tuple) and bool(value)


def _is_table(values: Sequence[Value]) -> bool:
    """Whether these are flat objects with short values and much the same keys."""
    if not all(isinstance(each, tuple) for each in values):
        return False
    pairs = list(chain.from_iterable(each for each in values if isinstance(each, tuple)))
    if any(_holds_objects(value) or len(_text(value)) > LONGEST_CELL for _, value in pairs):
        return False
    return len({key for key, _ in pairs}) * len(values) <= 2 * len(pairs)


def _table(objects: Sequence[Object]) -> str:
    keys = list(dict.fromkeys(key for each in objects for key, _ in each))
    rows = []
    for each in objects:
        cells: dict[str, list[str]] = {}
        for key, value in each:
            cells.setdefault(key, []).append(_text(value))
        rows.append([", ".join(cells.get(key, ())) for key in keys])
    return markdown_table([[clean(key) for key in keys], *rows])


def _text(value: Value) -> str:
    """A value in words: lists with commas if that is short, else a line for each item."""
    if isinstance(value, str):
        return clean(value).strip()
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    if isinstance(value, tuple):
        return "; ".join(f"{clean(key)}: {text}" for key, each in value if (text := _text(each)))
    parts = list(filter(None, map(_text, value)))
    line = ", ".join(parts)
    return line if len(line) <= LONGEST_LINE and "\n" not in line else "\n".join(parts)


def _name(value: Value, keys: Sequence[str] = NAMES) -> str:
    """What a record calls itself, or nothing."""
    if not isinstance(value, tuple):
        return ""
    names = {key.lower(): each for key, each in value if isinstance(each, str)}
    return squeeze(next((str(names[key]) for key in keys if names.get(key)), ""))[:LONGEST_TITLE]
