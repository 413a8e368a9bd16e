"""Sections split into chunks."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rag.chunking.packing import pack
from rag.chunking.pieces import LONGEST_TOKEN, CountTokens, Piece, has_words, pieces_of, text_of
from rag.documents import Chunk, Section


def split_sections(
    sections: Iterable[Section], count_tokens: CountTokens, *, max_tokens: int, overlap_tokens: int
) -> list[Chunk]:
    """Chunks of at most `max_tokens` tokens, their headings included, in reading order.

    Neighbours within a section share up to `overlap_tokens` tokens of whole sentences. No chunk crosses a
    page. Short sections of one page are put together under the headings they share. A table that does not
    fit one chunk is split between its rows, its header above each part. Stretches without a letter or digit
    are dropped. A picture is a chunk of its own.
    """
    chunks: list[Chunk] = []
    for section in _merge_short(sections, count_tokens, max_tokens // 2):
        if section.picture:
            chunks.append(_picture(section, count_tokens))
            continue
        headings = _fitting_headings(section.headings, count_tokens, max_tokens // 3)
        room = max_tokens - (count_tokens(" › ".join(headings)) + 1 if headings else 0)
        pieces = list(pieces_of(section.text, count_tokens, room))
        for group in pack(pieces, room, min(overlap_tokens, room // 3)):
            chunks.extend(_chunks(group, replace(section, headings=headings), count_tokens, max_tokens))
    return chunks


def _picture(section: Section, count_tokens: CountTokens) -> Chunk:
    chunk = Chunk(section.text, 0, section.page, section.headings, section.page_label, section.picture)
    return replace(chunk, tokens=count_tokens(chunk.embedded_text))


def _chunks(
    pieces: Sequence[Piece], section: Section, count_tokens: CountTokens, max_tokens: int
) -> Iterator[Chunk]:
    """One chunk of these pieces, or more where together they count more tokens than one by one."""
    if not any(has_words(piece.text) for piece in pieces):
        return
    chunk = Chunk(text_of(pieces), 0, section.page, section.headings, section.page_label)
    tokens = count_tokens(chunk.embedded_text)
    if tokens > max_tokens and len(pieces) > 1:
        middle = len(pieces) // 2
        yield from _chunks(pieces[:middle], section, count_tokens, max_tokens)
        yield from _chunks(pieces[middle:], section, count_tokens, max_tokens)
    elif tokens > max_tokens and pieces[0].header:
        yield from _chunks([replace(pieces[0], header=None)], section, count_tokens, max_tokens)
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
