"""Which passages a judgement means: found again by their text, however the document is cut by now. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Protocol

from rag.catalog import Judgement, text_hash
from rag.documents import Document

SHINGLE = 6  # characters
LEAST_SHARED = 0.5  # of the shorter of two texts: chunks that are neighbours share a third at most

_SPACE = re.compile(r"\s+")


class Found(Protocol):
    """What a judgement is compared with: a passage, or anything with its text and its document."""

    @property
    def chunk_id(self) -> str: ...

    @property
    def document_id(self) -> str: ...

    @property
    def text(self) -> str: ...


def overlap(one: str, other: str) -> float:
    """The share of the shorter text that is in the other, in [0, 1].

    Counted in runs of six characters, or all of a shorter text, each once, without regard to white space,
    case and width: the containment of Broder 1997, "On the resemblance and containment of documents".
    """
    shorter, longer = sorted((_bare(one), _bare(other)), key=len)
    size = min(SHINGLE, len(shorter))
    if not size:
        return 0.0
    fewer, more = sorted((_shingles(shorter, size), _shingles(longer, size)), key=len)
    return len(fewer & more) / len(fewer)


def is_meant(judgement: Judgement, text: str) -> bool:
    """Whether a text of the judged document is, for the most part, in the judged text, or holds it."""
    return judgement.quote is None or overlap(judgement.quote, text) >= LEAST_SHARED


def in_these_documents(judgements: Iterable[Judgement], documents: Sequence[Document]) -> list[Judgement]:
    """The judgements of documents that are there, with the ids these have now.

    A document is the one of that id, else one with that content, else one of that name, as a new version has.
    """
    by_id = {each.id: each for each in documents}
    by_content = {each.sha256: each for each in documents}
    by_name = {each.name: each for each in documents}
    found = []
    for judgement in judgements:
        document = (
            by_id.get(judgement.document_id)
            or by_content.get(judgement.sha256)
            or by_name.get(judgement.name)
        )
        if document:
            found.append(
                Judgement(document.id, judgement.name, judgement.sha256, judgement.quote, judgement.grade)
            )
    return found


def relevance(judgements: Sequence[Judgement]) -> Mapping[str, int]:
    """The grade of everything that was judged, by the names that `ranking` uses."""
    return {_key(judgement): judgement.grade for judgement in judgements}


def ranking(passages: Iterable[Found], judgements: Sequence[Judgement]) -> tuple[str, ...]:
    """What was found in the order it was found, each once; judged texts rank where one first holds them.

    Where documents were judged and no texts, each document ranks where its best passage does. A passage
    that only repeats what stands above it takes no rank.
    """
    by_document = not any(judgement.quote for judgement in judgements)
    order: list[str] = []
    for passage in passages:
        meant = meaning(passage, judgements)
        names = [_key(judgement) for judgement in meant]
        order += names or [passage.document_id if by_document else passage.chunk_id]
    return tuple(dict.fromkeys(order))


def meaning(passage: Found, judgements: Iterable[Judgement]) -> list[Judgement]:
    """The judgements of this passage."""
    return [
        judgement
        for judgement in judgements
        if judgement.document_id == passage.document_id and is_meant(judgement, passage.text)
    ]


def _key(judgement: Judgement) -> str:
    """A document's own id where all of it was judged: unjudged ones then rank beside it."""
    if judgement.quote is None:
        return judgement.document_id
    return f"{judgement.document_id}#{text_hash(judgement.quote)[:12]}"


@lru_cache(maxsize=4096)
def _bare(text: str) -> str:
    return _SPACE.sub("", unicodedata.normalize("NFKC", text).casefold())


@lru_cache(maxsize=4096)
def _shingles(bare: str, size: int) -> frozenset[str]:
    return frozenset(bare[start : start + size] for start in range(len(bare) - size + 1))
