"""The numbers and bullets that Word computes for lists and headings."""

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

HANZI_DIGITS = "零一二三四五六七八九"


@dataclass(frozen=True, slots=True)
class Level:
    """How one level of a list is numbered: `text` such as "%1.%2)"."""

    form: str
    text: str
    start: int


class Numbering:
    """The counters of all lists of a document."""

    def __init__(self, part: Any | None) -> None:
        self._levels: dict[str, dict[int, Level]] = {}
        self._counts: dict[str, dict[int, int]] = defaultdict(dict)
        self._lists: dict[str, str] = {}
        if part is not None:
            self._read(part)

    def marker(self, list_id: str, depth: int) -> str:
        """The next number or bullet of list `list_id` at `depth` (from 0), "" if it has none."""
        levels = self._levels.get(list_id, {})
        level = levels.get(depth)
        if level is None or level.form == "none":
            return ""
        if level.form == "bullet":
            return "-"
        counts = self._counts[self._lists[list_id]]
        counts[depth] = counts.get(depth, level.start - 1) + 1
        for deeper in [other for other in counts if other > depth]:
            del counts[deeper]

        def number(match: re.Match[str]) -> str:
            other = int(match[1]) - 1
            known = levels.get(other, level)
            return numeral(counts.setdefault(other, known.start), known.form)

        return re.sub(r"%(\d)", number, level.text).strip()

    def _read(self, part: Any) -> None:
        abstract = {node.get(_w(part, "abstractNumId")): node for node in part.iterfind("{*}abstractNum")}
        for node in part.iterfind("{*}num"):
            list_id = node.get(_w(part, "numId"))
            pointer = node.find("{*}abstractNumId")
            target = pointer.get(_w(part, "val")) if pointer is not None else None
            restarts = node.find("{*}lvlOverride/{*}startOverride") is not None
            self._lists[list_id] = list_id if restarts else f"abstract {target}"
            if (definition := abstract.get(target)) is not None:
                self._levels[list_id] = dict(_level(part, level) for level in definition.iterfind("{*}lvl"))


def _level(part: Any, node: Any) -> tuple[int, Level]:
    def value(tag: str, default: str) -> str:
        child = node.find(f"{{*}}{tag}")
        return str(child.get(_w(part, "val"), default)) if child is not None else default

    start = value("start", "1")
    level = Level(value("numFmt", "decimal"), value("lvlText", ""), int(start) if start.isdecimal() else 1)
    return int(node.get(_w(part, "ilvl"), "0")), level


def _w(node: Any, name: str) -> str:
    return f"{node.tag.rpartition('}')[0]}}}{name}"


def numeral(number: int, form: str) -> str:
    """`number` as a list of this form shows it: a letter, a Roman or Chinese numeral, or digits."""
    if form in ("lowerLetter", "upperLetter"):
        letter = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letter.upper() if form == "upperLetter" else letter
    if form in ("lowerRoman", "upperRoman"):
        return _roman(number).lower() if form == "lowerRoman" else _roman(number)
    if form.startswith(
        ("chineseCounting", "japaneseCounting", "ideographDigital", "chineseLegal", "taiwanese")
    ):
        return _hanzi(number)
    return f"{number:02}" if form == "decimalZero" else str(number)


def _roman(number: int) -> str:
    signs = ((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"),
             (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))  # fmt: skip
    text = ""
    for value, sign in signs:
        text += sign * (number // value)
        number %= value
    return text


def _hanzi(number: int) -> str:
    """1 … 999 in Chinese numerals; beyond that, digits."""
    if not 0 < number < 1000:
        return str(number)
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    text = f"{HANZI_DIGITS[hundreds]}百" if hundreds else ""
    if tens:
        text += "十" if tens == 1 and not hundreds else f"{HANZI_DIGITS[tens]}十"
    elif hundreds and ones:
        text += "零"
    return text + (HANZI_DIGITS[ones] if ones else "")
