"""Small real implementations of our contracts whose results a person can compute."""

from collections.abc import Iterator, Sequence

import numpy as np

from rag.chat_models.base import Message
from rag.embedders.base import Fingerprint, Vectors
from rag.keyword_index import terms
from rag.rerankers.base import Scores
from rag.rerankers.pieces import best_of_pieces


class WordEmbedder:
    """One axis per word of a small vocabulary, and one that all texts share: cosines by hand.

    A text of n different known words is (1, 1, …, 1)/√(n + 1) on its words' axes and the shared one.
    """

    max_tokens = 64
    is_local = True
    host = ""

    def __init__(self, *vocabulary: str, revision: str = "1") -> None:
        self.vocabulary = vocabulary
        self.fingerprint = Fingerprint("fake", "words", revision, "sum", "", "", True, len(vocabulary) + 1)
        self.embedded: list[str] = []

    def count_tokens(self, text: str) -> int:
        return len(terms(text))

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        self.embedded.extend(texts)
        rows = [self.embed_query(text) for text in texts]
        return np.stack(rows) if rows else np.empty((0, self.fingerprint.dimension), np.float32)

    def embed_query(self, text: str) -> Vectors:
        known = set(terms(text))
        row = np.array([word in known for word in self.vocabulary] + [True], np.float32)
        return row / np.float32(np.linalg.norm(row))


class WordReranker:
    """Likes some words, whatever the question: the first counts 1 where a text has it, the next ½, and so on.

    `asked` are the texts it was given, call by call.
    """

    id = "fake:words"
    max_tokens = 64
    is_local = True
    host = ""

    def __init__(self, *liked: str) -> None:
        self.liked = liked
        self.asked: list[list[str]] = []
        self.closed = False

    def count_tokens(self, text: str) -> int:
        return len(terms(text))

    def scores(self, question: str, texts: Sequence[str]) -> Scores:
        return best_of_pieces(self, question, texts, self._scores)

    def close(self) -> None:
        self.closed = True

    def _scores(self, _question: str, texts: Sequence[str]) -> Scores:
        self.asked.append(list(texts))
        return np.array([sum(0.5**i for i, word in enumerate(self.liked) if word in text) for text in texts])


class ScriptedChatModel:
    """Says what it was told to say, piece by piece, and remembers what it was asked."""

    id = "fake:scripted"
    context_tokens = 1000
    is_local = True
    host = ""

    def __init__(self, *pieces: str, follows_citation_rules: bool = True) -> None:
        self.pieces = pieces
        self.follows_citation_rules = follows_citation_rules
        self.asked: list[Message] = []
        self.closed = False

    def stream(self, messages: Sequence[Message]) -> Iterator[str]:
        self.asked = list(messages)
        try:
            yield from self.pieces
        finally:
            self.closed = True
