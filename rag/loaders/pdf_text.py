"""From the lines of a PDF's pages to paragraphs."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rag.loaders.characters import clean

BULLET = re.compile(r"\s*(?:[•●○▪■◦‣⁃·–—\-*➢➤✓]|[\uf0b7\uf0a7\uf0d8\uf076\uf0fc])\s")
NUMBERED = re.compile(
    r"\s*(?:\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]|\[\d+\]|[（(]?[一二三四五六七八九十]{1,3}[、)）.]|第.{1,5}[章条节款])\s?"
)
SENTENCE_END = re.compile(r"[.!?:;。！？：；…]['\")\]”’」』）]*$")
WIDE = re.compile(
    "[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]"
)
HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7ff]")
PRIVATE_BULLETS = str.maketrans({"\uf0b7": "•", "\uf0a7": "▪", "\uf0d8": "➢", "\uf076": "•", "\uf0fc": "✓"})
HYPHEN_MARKS = "\ufffe\x02\u00ad"
NUMBER = re.compile(r"[\d.,%$€£¥()\-–—/:+*]+$")
# Cells of a table are further apart than words, in sizes of the type.
CELL_GAP = 1.5
EDGE_LINES = 3
FEWEST_PAGES = 4


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it stands on the page: `left`, `right`, `base`line (up is more) and type `size` in points.

    pdfium joins the lines of a divided word: then `foot`, the baseline at the end, is lower than `base`.
    """

    text: str
    left: float
    right: float
    base: float
    size: float
    foot: float


def without_running_heads(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """The pages without what stands at the edge of most of them; it is kept where it stands first.

    A number in such a line may count the pages. Left and right pages may differ.
    """
    counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for number, page in enumerate(pages):
        counts[number % 2].update({key for line in _edges(page) for key in _keys(line.text, number)})
    halves = ((len(pages) + 1) // 2, len(pages) // 2)
    often = [
        {key for key, count in counts[side].items() if count > max(1, 0.6 * halves[side])} for side in (0, 1)
    ]
    if len(pages) < FEWEST_PAGES or not any(often):
        return [list(page) for page in pages]
    seen: set[str] = set()
    kept = []
    for number, page in enumerate(pages):
        edges = {id(line) for line in _edges(page)}
        kept.append([
            line for line in page
            if id(line) not in edges or not _is_repeated(_keys(line.text, number) & often[number % 2], seen)
        ])  # fmt: skip
    return kept


def _is_repeated(keys: set[str], seen: set[str]) -> bool:
    known = bool(keys & seen) or any(not re.search(r"[^\W\d_]", key) for key in keys)
    seen |= keys
    return bool(keys) and known


def _edges(page: Sequence[Line]) -> list[Line]:
    """The outermost lines of a page; a PDF may hold them at any place in its order."""
    by_height = sorted(page, key=lambda line: -line.base)
    return [*by_height[:EDGE_LINES], *by_height[EDGE_LINES:][-EDGE_LINES:]]


def _keys(text: str, page: int) -> set[str]:
    """What a line says, and the same with each one number told as its distance from the page's."""
    text = " ".join(text.split())
    if not text or len(text) > 120:
        return set()
    keys = {text}
    for match in re.finditer(r"(?<!\d)\d{1,4}(?!\d)", text):
        keys.add(f"{text[: match.start()]}\0{int(match[0]) - page}{text[match.end() :]}")
    return keys


def paragraphs(lines: Sequence[Line]) -> str:
    """Clean text: a paragraph is one line, a blank line parts paragraphs; lines that are short end."""
    lines = [line for line in lines if line.text.strip()]
    done: list[str] = []
    last = ""
    for place, line in enumerate(lines):
        piece = line.text.strip().translate(PRIVATE_BULLETS)
        gap = _gap(lines, place) if place else ""
        if gap is None and done and done[-1] == "\t":
            gap = "\n"
        if gap is None:
            done.append(_joint(last, piece))
            last = piece
        else:
            done += [_without_marks(last), gap]
            last = piece
    return clean("".join([*done, _without_marks(last)]))


def _gap(lines: Sequence[Line], place: int) -> str | None:
    """What separates a line from the one before it: None if the sentence simply goes on."""
    before, line = lines[place - 1], lines[place]
    size = max(before.size, line.size, 1.0)
    step = min(before.base, before.foot) - line.base
    # Raised or lowered by half a line is an index or a note's number, not another line.
    if abs(step) < 0.6 * size and line.left > before.right - size:
        return "\t" if abs(step) < 0.1 * size and line.left > before.right + CELL_GAP * size else " "
    hyphenated = before.text.rstrip().endswith(tuple(HYPHEN_MARKS))
    if abs(before.size - line.size) > 0.12 * size and not hyphenated:
        return "\n\n"
    ended = SENTENCE_END.search(before.text.rstrip()) is not None
    if step < -0.3 * size or step > 6 * size:
        return None if _goes_on(before, line, ended) else "\n\n"
    if step > 1.35 * _usual_step(lines, place, size):
        return "\n\n"
    if BULLET.match(line.text) or _is_row(before.text) or _is_row(line.text):
        return "\n"
    if ended and line.left - before.left > 0.8 * size:
        return "\n\n"
    if _has_room(lines, place, size):
        return "\n\n" if ended else "\n"
    return "\n" if ended and NUMBERED.match(line.text) else None


def _goes_on(before: Line, line: Line, ended: bool) -> bool:
    """Whether a sentence runs over from one column to the next."""
    first = line.text.strip()[:1]
    next_column = line.base - before.foot > 5 * line.size and line.left > before.right
    return not ended and next_column and (first.islower() or WIDE.match(first) is not None)


def _usual_step(lines: Sequence[Line], place: int, size: float) -> float:
    """The commonest distance of baselines near a line, at least the type's size."""
    near = range(max(1, place - 8), min(len(lines), place + 9))
    steps = sorted(lines[i - 1].foot - lines[i].base for i in near)
    steps = [step for step in steps if 0.7 * size < step < 3 * size]
    # The lower quartile: on a page of short paragraphs most steps are gaps.
    return max(size, steps[len(steps) // 4]) if steps else 1.2 * size


def _has_room(lines: Sequence[Line], place: int, size: float) -> bool:
    """Whether the line before could have held this line's first word: then it was ended on purpose."""
    before, line = lines[place - 1], lines[place]
    near = lines[max(0, place - 7) : place + 7]
    column = [other.right for other in near if abs(other.left - before.left) < 3 * size]
    edge = max([before.right, *column])
    text = line.text.strip()
    letter = 0.5 * size
    word = 3 if WIDE.match(text) else len(text.split(" ", 1)[0]) + 1
    return before.right + word * letter < edge - 0.3 * size


def _is_row(text: str) -> bool:
    """A row of a table, as far as its cells and numbers tell."""
    if "\t" in text:
        return True
    words = text.split()
    numbers = sum(NUMBER.match(word) is not None for word in words)
    return numbers >= 2 and numbers >= 0.4 * len(words)


def _joint(text: str, piece: str) -> str:
    """How a line ends when the next one, `piece`, continues it."""
    text = text.rstrip()
    if text.endswith(tuple(HYPHEN_MARKS)):
        return text[:-1]
    if re.search(r"[^\W\d_]-$", text[-2:]) and piece[:1].islower():
        # The hyphen goes, unless the word has others ("state-of-the-" "art").
        return text if "-" in text.split()[-1][:-1] else text[:-1]
    last, first = text[-1:], piece[:1]
    wide = WIDE.match(last) and WIDE.match(first) and not (HANGUL.match(last) and HANGUL.match(first))
    return text if wide else f"{text} "


def _without_marks(text: str) -> str:
    """A mark that ends a line which nothing continues is a hyphen that was meant."""
    return text[:-1] + "-" if text.endswith(tuple(HYPHEN_MARKS)) else text
