"""Splits sections into chunks that fit the model's window, at headings, sentences and clauses. Pure."""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rag.documents import Chunk, Section

LONGEST_TOKEN = 20  # characters: longer texts need not be counted to know that they are long

CountTokens = Callable[[str], int]

_SENTENCE_END = re.compile(
    r"""(?:[。！？；…]+[”’」』）】》]*\s*)      # Chinese and Japanese need no space after it
      | (?:[.!?]+["'”’)\]]*\s+)
      | (?:\s*\n\s*)""",
    re.VERBOSE,
)
_CLAUSE_END = re.compile(r"[，、：,;:—]\s*|\s+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|cf|vs|al|[Ff]igs?|[Ee]qs?|[Ss]ec|[Nn]os?|[Vv]ol|pp?|Dr|Mrs?|Ms|Prof|St|Jr|Inc|Ltd)"
    r"|\b[A-Z])\.\s+$"
)


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    tokens: int


def split_sentences(text: str) -> list[str]:
    """The sentences of `text` with the space after them: joined they are `text` again."""
    pieces: list[str] = []
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if "\n" not in match.group() and _ABBREVIATION.search(text, start, match.end()):
            continue
        pieces.append(text[start : match.end()])
        start = match.end()
    if start < len(text):
        pieces.append(text[start:])
    return pieces


def split_sections(
    sections: Iterable[Section], count_tokens: CountTokens, *, max_tokens: int, overlap_tokens: int
) -> list[Chunk]:
    """Chunks of at most `max_tokens` tokens, their headings included, in reading order.

    Neighbours within a section share up to `overlap_tokens` tokens of whole sentences. No chunk crosses a
    page. Short sections of one page are put together under the headings they share. Stretches without a
    letter or digit are dropped. A picture is a chunk of its own.
    """
    chunks: list[Chunk] = []
    for section in _merge_short(sections, count_tokens, max_tokens // 2):
        if section.picture:
            chunks.append(_picture(section, count_tokens))
            continue
        headings = _fitting_headings(section.headings, count_tokens, max_tokens // 3)
        room = max_tokens - (count_tokens(" › ".join(headings)) + 1 if headings else 0)
        pieces = list(_pieces(section.text, count_tokens, room))
        for group in _pack(pieces, room, min(overlap_tokens, room // 3)):
            chunks.extend(_chunks(group, replace(section, headings=headings), count_tokens, max_tokens))
    return chunks


def _picture(section: Section, count_tokens: CountTokens) -> Chunk:
    chunk = Chunk(section.text, 0, section.page, section.headings, section.page_label, section.picture)
    return replace(chunk, tokens=count_tokens(chunk.embedded_text))


def _chunks(
    pieces: Sequence[_Piece], section: Section, count_tokens: CountTokens, max_tokens: int
) -> Iterator[Chunk]:
    """One chunk of these pieces, or more where together they count more tokens than one by one."""
    text = "".join(piece.text for piece in pieces).strip()
    if not any(character.isalnum() for character in text):
        return
    chunk = Chunk(text, 0, section.page, section.headings, section.page_label)
    tokens = count_tokens(chunk.embedded_text)
    if tokens > max_tokens and len(pieces) > 1:
        middle = len(pieces) // 2
        yield from _chunks(pieces[:middle], section, count_tokens, max_tokens)
        yield from _chunks(pieces[middle:], section, count_tokens, max_tokens)
    else:
        yield replace(chunk, tokens=tokens)


def _merge_short(sections: Iterable[Section], count_tokens: CountTokens, enough: int) -> Iterator[Section]:
    current: Section | None = None
    size = 0
    for section in sections:
        long = len(section.text) > enough * LONGEST_TOKEN
        tokens = enough + 1 if long else count_tokens(section.text)
        apart = section.picture or (current and current.picture)
        if current and not apart and current.page == section.page and size + tokens <= enough:
            current, size = _joined(current, section), size + tokens
        else:
            if current:
                yield current
            current, size = section, tokens
    if current:
        yield current


def _joined(first: Section, second: Section) -> Section:
    shared = 0
    for one, other in zip(first.headings, second.headings, strict=False):
        if one != other:
            break
        shared += 1
    text = f"{first.text.strip()}\n\n{second.text.strip()}"
    return replace(first, text=text, headings=first.headings[:shared])


def _fitting_headings(headings: tuple[str, ...], count_tokens: CountTokens, room: int) -> tuple[str, ...]:
    """The innermost headings that leave enough room for the text under them."""
    while headings and count_tokens(" › ".join(headings)) > room:
        headings = headings[1:]
    return headings


def _pieces(text: str, count_tokens: CountTokens, room: int) -> Iterator[_Piece]:
    for sentence in split_sentences(text):
        tokens = count_tokens(sentence)
        if tokens <= room:
            yield _Piece(sentence, tokens)
        else:
            yield from _cut(sentence, count_tokens, room)


def _cut(sentence: str, count_tokens: CountTokens, room: int) -> Iterator[_Piece]:
    """A sentence that is too long, cut after clauses, else between words, else anywhere."""
    while sentence:
        low, high = 1, min(len(sentence), 4 * room)
        while high < len(sentence) and count_tokens(sentence[:high]) <= room:
            low, high = high, min(len(sentence), 2 * high)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if count_tokens(sentence[:middle]) <= room else (low, middle - 1)
        if low < len(sentence):
            ends = [match.end() for match in _CLAUSE_END.finditer(sentence, low // 2, low)]
            low = ends[-1] if ends else low
        yield _Piece(sentence[:low], count_tokens(sentence[:low]))
        sentence = sentence[low:]


def _pack(pieces: Sequence[_Piece], room: int, overlap: int) -> Iterator[Sequence[_Piece]]:
    """Runs of pieces of about equal size, none over `room`, each beginning with the end of the one before."""
    total = sum(piece.tokens for piece in pieces)
    parts = max(1, math.ceil((total - overlap) / max(1, room - overlap)))
    target = min(room, math.ceil((total + (parts - 1) * overlap) / parts))
    start = size = 0
    for position, piece in enumerate(pieces):
        fits_better_without = size + piece.tokens / 2 > target
        if size and (size + piece.tokens > room or fits_better_without):
            yield pieces[start:position]
            start, size = _overlap_start(pieces, position, min(overlap, room - piece.tokens))
        size += piece.tokens
    if start < len(pieces):
        yield pieces[start:]


def _overlap_start(pieces: Sequence[_Piece], end: int, overlap: int) -> tuple[int, int]:
    """Where the next run begins so that it repeats at most `overlap` tokens, and how many it repeats."""
    start, size = end, 0
    while start > 0 and size + pieces[start - 1].tokens <= overlap:
        start -= 1
        size += pieces[start].tokens
    return start, size
