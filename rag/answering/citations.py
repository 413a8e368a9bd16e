"""Citations: which passage a sentence of an answer rests on, and whether it really does."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rag.chunking import split_sentences
from rag.documents import Notice, Passage
from rag.keyword_index import terms

MARKER = re.compile(r"\s*[\[【](\d{1,3}(?:\s*[,，、]\s*\d{1,3})*)[\]】]")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_LIST_NUMBER = re.compile(r"^\s*\d{1,3}(?:\.\s+|[)）、]\s*)")
ENOUGH_SHARED = 0.5  # of a sentence's words, for a passage to count as its source
ENOUGH_MEANING = 0.6  # relevance of a passage to a sentence that shares too few words with it

Relevance = Callable[[str, Sequence[Passage]], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Citation:
    """A marker in an answer: the rank of the passage it names, and whether that supports its sentence."""

    marker: int
    chunk_id: str
    supported: bool


@dataclass(frozen=True, slots=True)
class Cited:
    """An answer whose markers all point at passages that support them."""

    text: str
    citations: tuple[Citation, ...]
    notices: tuple[Notice, ...] = ()


def check_markers(text: str, passages: Sequence[Passage], relevance: Relevance) -> Cited:
    """Keep the markers that name a passage which supports the sentence; take out the others and say so."""
    by_rank = {passage.rank: passage for passage in passages}
    citations: dict[int, Citation] = {}
    unknown: set[int] = set()
    kept: list[str] = []
    for sentence, markers in _sentences_with_markers(text):
        unknown.update(marker for marker in markers if marker not in by_rank)
        named = [by_rank[marker] for marker in dict.fromkeys(markers) if marker in by_rank]
        supported = [passage.rank for passage in supporting(sentence, named, relevance)]
        for passage in named:
            earlier = citations.get(passage.rank)
            holds = passage.rank in supported or bool(earlier and earlier.supported)
            citations[passage.rank] = Citation(passage.rank, passage.chunk_id, holds)
        kept.append(_with_markers(sentence, supported))
    notices = _removed(unknown, [each for each in citations.values() if not each.supported])
    return Cited("".join(kept).strip(), tuple(citations[key] for key in sorted(citations)), notices)


def attach_sources(text: str, passages: Sequence[Passage], relevance: Relevance) -> Cited:
    """Give each sentence of an answer without markers the passage that supports it best, if one does."""
    citations: dict[int, Citation] = {}
    marked: list[str] = []
    notices: tuple[Notice, ...] = ()
    for sentence in split_sentences(MARKER.sub("", text)):
        best = _best_source(sentence, passages, relevance)
        if best:
            citations[best.rank] = Citation(best.rank, best.chunk_id, supported=True)
        elif _says_something(sentence):
            notices = (Notice("Not every sentence could be traced to a passage."),)
        marked.append(_with_markers(sentence, [best.rank] if best else []))
    return Cited("".join(marked).strip(), tuple(citations[key] for key in sorted(citations)), notices)


def supporting(sentence: str, passages: Sequence[Passage], relevance: Relevance) -> list[Passage]:
    """Those of the passages that hold a part of what a sentence says.

    Together they must hold all its numbers; each must hold its words or its meaning, or one of the numbers
    where the words stand in all passages together.
    """
    numbers, whole = _claimed(sentence), "\n".join(passage.text for passage in passages)
    if not numbers <= _numbers(whole):
        return []
    together = shared_words(sentence, whole) >= ENOUGH_SHARED
    return [
        passage
        for passage in passages
        if (together and numbers & _numbers(passage.text))
        or shared_words(sentence, passage.text) >= ENOUGH_SHARED
        or relevance(sentence, [passage])[0] >= ENOUGH_MEANING
    ]


def shared_words(sentence: str, text: str) -> float:
    """The share of a sentence's words (CJK: pairs of characters) that stand in a text: in [0, 1]."""
    if _letters(sentence) in _letters(text):
        return 1.0
    words = {word for word in terms(sentence) if len(word) > 2 or not word.isascii()} or set(terms(sentence))
    return len(words & set(terms(text))) / len(words) if words else 0.0


def _best_source(sentence: str, passages: Sequence[Passage], relevance: Relevance) -> Passage | None:
    if not _says_something(sentence):
        return None
    numbers = _claimed(sentence)
    holding = [passage for passage in passages if numbers <= _numbers(passage.text)]
    if not holding:
        return None
    best = max(holding, key=lambda passage: (shared_words(sentence, passage.text), -passage.rank))
    if shared_words(sentence, best.text) >= ENOUGH_SHARED:
        return best
    meanings = relevance(sentence, holding)
    height, nearest = max(zip(meanings, holding, strict=True), key=lambda pair: (pair[0], -pair[1].rank))
    return nearest if height >= ENOUGH_MEANING else None


def _sentences_with_markers(text: str) -> list[tuple[str, list[int]]]:
    """Sentences without their markers, and the markers; one after a full stop belongs before it."""
    pairs: list[tuple[str, list[int]]] = []
    for piece in split_sentences(text):
        markers = [int(number) for found in MARKER.findall(piece) for number in re.findall(r"\d+", found)]
        bare = MARKER.sub("", piece)
        leading = MARKER.match(piece)
        if pairs and leading:
            sentence, earlier = pairs[-1]
            own = [int(number) for number in re.findall(r"\d+", leading.group(1))]
            pairs[-1] = (sentence, [*earlier, *own])
            markers = markers[len(own) :]
        if pairs and not any(character.isalnum() for character in bare):
            sentence, earlier = pairs[-1]
            pairs[-1] = (sentence + bare, [*earlier, *markers])
        else:
            pairs.append((bare, markers))
    return pairs


def _with_markers(sentence: str, markers: Sequence[int]) -> str:
    """The sentence with its markers before its closing punctuation and space."""
    if not markers:
        return sentence
    body = sentence.rstrip()
    end = re.search(r"[。！？；….!?]*$", body)
    cut = end.start() if end else len(body)
    signs = "".join(f"[{marker}]" for marker in dict.fromkeys(markers))
    space = " " if body[:cut] and body[cut - 1].isascii() else ""
    return f"{body[:cut]}{space}{signs}{body[cut:]}{sentence[len(body) :]}"


def _letters(text: str) -> str:
    """What is left of a text without its spaces, punctuation and case."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def _says_something(sentence: str) -> bool:
    return any(character.isalnum() for character in _LIST_NUMBER.sub("", sentence))


def _claimed(sentence: str) -> set[str]:
    """The numbers a sentence states: that of the list item it begins with is none."""
    return _numbers(_LIST_NUMBER.sub("", sentence))


def _numbers(text: str) -> set[str]:
    return {number.replace(",", "") for number in NUMBER.findall(unicodedata.normalize("NFKC", text))}


def _removed(unknown: set[int], unsupported: Sequence[Citation]) -> tuple[Notice, ...]:
    notices = []
    if unknown:
        listed = ", ".join(f"[{marker}]" for marker in sorted(unknown))
        notices.append(Notice("Removed {markers}: there is no such passage.", {"markers": listed}))
    if unsupported:
        listed = ", ".join(f"[{citation.marker}]" for citation in unsupported)
        notices.append(
            Notice("Removed {markers}: the passage does not support the statement.", {"markers": listed})
        )
    return tuple(notices)
