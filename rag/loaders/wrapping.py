"""Lines that were broken only to fit a width, put together again."""

import re
from collections.abc import Sequence

WIDE = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff60]")
ENTRY = re.compile(
    r"\s*(?:[-*+•·]\s|\d{1,3}[.)、]|[(（]?[a-z一二三四五六七八九十]{1,3}[)）、]|第.{1,6}[章节条])"
)
LEAST_WIDTH = 40  # columns; shorter lines are verse, lists or addresses
EVEN = 0.75  # of the widest line: how far a full line may fall short


def joined(lines: Sequence[str]) -> str:
    """Lines as one, with a space where the script writes spaces."""
    text = ""
    for line in (each.strip() for each in lines):
        wide = text and line and WIDE.match(text[-1]) and WIDE.match(line[0])
        text += line if wide or not text else f" {line}"
    return text


def unwrapped(text: str) -> str:
    """Paragraphs whose lines but the last are about equally long, as one line each."""
    return "\n\n".join(
        joined(lines) if _is_wrapped(lines) else "\n".join(lines)
        for lines in (block.split("\n") for block in re.split(r"\n[ \t]*\n+", text.strip("\n")))
    )


def _is_wrapped(lines: Sequence[str]) -> bool:
    widths = [_columns(line) for line in lines[:-1]]
    return (
        bool(widths)
        and min(widths) >= max(LEAST_WIDTH, EVEN * max(widths))
        and not any(ENTRY.match(line) or "\t" in line or "|" in line for line in lines[1:])
    )


def _columns(line: str) -> int:
    """The width of a line, a CJK character counting two."""
    return len(line.strip()) + len(WIDE.findall(line))
