"""Words in quotes: they must stand in a passage as they are, one after another."""

import re
from collections.abc import Sequence

from rag.catalog import Catalog, Collection
from rag.keyword_index import KeywordIndex, terms

MOST = 1000  # chunks with a phrase; of a phrase that is everywhere, those where it counts most

# 5" is a size: a straight quote that opens stands before a word, and after none in Latin letters.
_STRAIGHT = r"(?<![A-Za-z0-9])[\"＂](?=\S)([^\"＂\n]+)[\"＂]"
_QUOTED = re.compile(f"{_STRAIGHT}|“([^“”\n]+)”|「([^「」\n]+)」|『([^『』\n]+)』")


def phrases_of(question: str) -> list[str]:
    """What a question has in double quotes, of any of the usual kinds; not what is no word."""
    found = ("".join(filter(None, match.groups())).strip() for match in _QUOTED.finditer(question))
    return [phrase for phrase in dict.fromkeys(found) if terms(phrase)]


def holds_phrase(text: str, phrase: str) -> bool:
    """Whether a text has the words of a phrase one after another; case and punctuation do not matter."""
    return f" {' '.join(terms(phrase))} " in f" {' '.join(terms(text))} "


def without_quotes(question: str) -> str:
    """The question with its quoted words as words like all others."""
    return _QUOTED.sub(lambda match: "".join(filter(None, match.groups())), question)


def chunks_with(
    catalog: Catalog,
    keywords: KeywordIndex,
    collection: Collection,
    phrases: Sequence[str],
    allowed: frozenset[str] | None,
) -> frozenset[str]:
    """The chunks, of all or of those `allowed`, that hold all phrases, at most MOST. Raises StoreError."""
    most = catalog.chunks.count(collection.id)  # a common phrase may be rare among those allowed
    first, *others = (keywords.holding(collection.id, phrase, n=max(1, most)) for phrase in phrases)
    shared = set(first).intersection(*others, *([] if allowed is None else [allowed]))
    likely = [key for key in first if key in shared][:MOST]
    chunks = catalog.chunks.ready(collection.id, likely)
    texts = {key: chunk.chunk.embedded_text for key, (chunk, _) in chunks.items()}
    return frozenset(
        key for key, text in texts.items() if all(holds_phrase(text, phrase) for phrase in phrases)
    )
