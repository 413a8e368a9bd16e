"""An answer without a language model: the sentences nearest to the question, quoted."""

import re
from collections.abc import Sequence

from rag.answering.citations import Citation, Cited
from rag.answering.sentences import scored_sentences
from rag.documents import Passage
from rag.embedders.base import Embedder
from rag.keyword_index import terms

MOST_SENTENCES = 3
FEWEST_WORDS = 4  # shorter ones are headings
NEAR = 0.05  # how far below the best sentence another may lie
_NUMBERED = re.compile(r"\[([\d,，、\s]+)\]")  # a passage's own brackets, as of its literature


def quote(question: str, passages: Sequence[Passage], embedder: Embedder | None) -> Cited:
    """Up to three sentences of the passages, nearest to the question, each with its citation."""
    sentences = [
        sentence
        for sentence in scored_sentences(question, passages, embedder)
        if len(terms(sentence.text)) >= FEWEST_WORDS
    ]
    once = {sentence.text: sentence for sentence in sorted(sentences, key=lambda each: each.score)}
    best = sorted(once.values(), key=lambda sentence: -sentence.score)[:MOST_SENTENCES]
    near = [sentence for sentence in best if sentence.score >= best[0].score - NEAR]
    quoted = [f"“{_without_markers(sentence.text)}” [{sentence.passage.rank}]" for sentence in near]
    used = {sentence.passage.rank: sentence.passage for sentence in near}
    return Cited(
        "\n\n".join(quoted),
        tuple(Citation(rank, used[rank].chunk_id, supported=True) for rank in sorted(used)),
    )


def _without_markers(text: str) -> str:
    return _NUMBERED.sub(r"［\1］", text)
