"""The sentences of the passages, and how near each is to the question."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rag.answering.citations import shared_words
from rag.answering.prompts import estimated_tokens
from rag.chunking import split_sentences
from rag.documents import Passage
from rag.embedders.base import Embedder
from rag.embedders.window import fitting

MOST_READ = 80  # sentences embedded for one answer
LONGEST = 400  # characters that are read of a sentence


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage; `position` counts within it; `score` is comparable within one question."""

    text: str
    passage: Passage
    position: int
    score: float


def scored_sentences(question: str, passages: Sequence[Passage], embedder: Embedder | None) -> list[Sentence]:
    """The sentences of the passages in reading order; without an embedder they are scored by words alone.

    A sentence's score is its cosine to the question, plus its passage's, plus a tenth of the share of the
    question's words in it (on XQuAD, one of the best two holds the answer for 97 % of the English and 89 % of
    the Chinese questions).
    """
    found = [
        (" ".join(sentence.split())[:LONGEST], passage, position)
        for passage in passages
        for position, sentence in enumerate(split_sentences(passage.text))
        if any(character.isalnum() for character in sentence)
    ][:MOST_READ]
    if not found:
        return []
    cosines = np.array([passage.cosine or 0.0 for _, passage, _ in found])
    if embedder:
        vectors = embedder.embed_documents([fitting(text, embedder) for text, _, _ in found])
        cosines = cosines + vectors @ embedder.embed_query(fitting(question, embedder))
    return [
        Sentence(text, passage, position, float(cosine) + 0.1 * shared_words(question, text))
        for (text, passage, position), cosine in zip(found, cosines, strict=True)
    ]


def condensed(
    question: str, passages: Sequence[Passage], embedder: Embedder | None, *, most_tokens: int
) -> list[Passage]:
    """The passages as they are if they fit, else with the sentences nearest to the question alone.

    Of each sentence that is chosen the one before it comes along, which tells what it is about. Sentences
    keep their order; "…" stands for what is left out. `most_tokens` is estimated.
    """
    if sum(estimated_tokens(passage.text) for passage in passages) <= most_tokens:
        return list(passages)
    sentences = scored_sentences(question, passages, embedder)
    kept: set[int] = set()
    left = most_tokens
    for index in sorted(range(len(sentences)), key=lambda each: -sentences[each].score):
        before = index - 1
        has_before = index > 0 and sentences[before].passage is sentences[index].passage
        wanted = {index, before} - kept if has_before else {index} - kept
        left -= sum(estimated_tokens(sentences[each].text) for each in wanted)
        if kept and left < 0:
            break
        kept |= wanted
    return [
        replace(passage, text=text)
        for passage in passages
        if (text := _joined([sentences[each] for each in sorted(kept) if sentences[each].passage is passage]))
    ]


def _joined(sentences: Sequence[Sentence]) -> str:
    text = ""
    for number, sentence in enumerate(sentences):
        gap = number and sentence.position != sentences[number - 1].position + 1
        text += (" … " if gap else " " if text and text[-1].isascii() else "") + sentence.text
    return text
