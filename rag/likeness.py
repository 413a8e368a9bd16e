"""How alike a query and some texts are to one or several embedders: cosines, distances, what is not read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rag.documents import Notice
from rag.embedders.base import Embedder, Vectors
from rag.embedders.window import fitting
from rag.errors import RagError, UsageError

MOST_TEXTS = 200


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model reads of a text: its tokens, and the part beyond the window, "" where all is read."""

    tokens: int
    cut: str


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """What one embedder makes of the texts; vectors have unit length, so Euclid² = 2 − 2·cosine.

    `query_cosine` and `query_euclid` have shape (n,), a row a text, the query embedded as a question; they
    are empty without a query. `cosine` and `euclid` hold all pairs, each text embedded as a document: the
    query, if there is one, is row and column 0. `readings` are in the order of these rows. All are float32.
    `window` is in tokens, None where unknown.
    """

    dimension: int
    window: int | None
    readings: tuple[Reading, ...]
    query_cosine: Vectors
    query_euclid: Vectors
    cosine: Vectors
    euclid: Vectors

    @property
    def nearest_first(self) -> list[int]:
        """The texts' numbers, from 0, by falling cosine; the distance would order them alike."""
        return [int(row) for row in np.argsort(-self.query_cosine, kind="stable")]


@dataclass(frozen=True, slots=True)
class Likeness:
    """The texts by one embedder; `error` tells why there are no measures."""

    embedder: str
    measures: Measures | None
    error: Notice | None = None


@dataclass(frozen=True, slots=True)
class TextsCompared:
    """The texts that were compared, without empty ones, and each embedder's view. `query` may be ""."""

    query: str
    texts: tuple[str, ...]
    likenesses: tuple[Likeness, ...]

    @property
    def labels(self) -> list[str]:
        """Short names of the matrices' rows: Q for the query, T1, T2, …"""
        names = [f"T{number}" for number in range(1, len(self.texts) + 1)]
        return ["Q", *names] if self.query else names


def compare_texts(
    embedder_of: Callable[[str], Embedder], query: str, texts: Sequence[str], embedders: Sequence[str]
) -> TextsCompared:
    """`query` against `texts`, and all pairs, by each of `embedders` ("provider:model").

    An embedder that fails tells its error; the others still compare. Raises UsageError.
    """
    query = query.strip()
    kept = tuple(filter(None, map(str.strip, texts)))
    _check(query, kept, embedders)
    found = [_likeness(embedder_of, id, query, kept) for id in dict.fromkeys(embedders)]
    return TextsCompared(query, kept, tuple(found))


def _check(query: str, texts: Sequence[str], embedders: Sequence[str]) -> None:
    if not texts:
        raise UsageError("There is no text to compare. Type one text a line.")
    if len(texts) == 1 and not query:
        raise UsageError("One text alone has nothing to be compared with. Add a query or another text.")
    if len(texts) > MOST_TEXTS:
        raise UsageError(
            "{count} texts are more than the {most} that can be compared at once. Leave some out.",
            count=len(texts),
            most=MOST_TEXTS,
        )
    if not embedders:
        raise UsageError("No model is chosen to compare the texts. Choose at least one.")


def _likeness(embedder_of: Callable[[str], Embedder], id: str, query: str, texts: Sequence[str]) -> Likeness:
    try:
        return Likeness(id, _measures(embedder_of(id), query, texts))
    except RagError as error:
        return Likeness(id, None, Notice.of(error))


def _measures(embedder: Embedder, query: str, texts: Sequence[str]) -> Measures:
    whole = [query, *texts] if query else list(texts)
    read = [fitting(text, embedder) for text in whole]
    vectors = embedder.embed_documents(read)
    asked = embedder.embed_query(read[0])[np.newaxis] if query else vectors[:0]
    documents = vectors[-len(texts) :]
    return Measures(
        dimension=vectors.shape[1],
        window=embedder.max_tokens,
        readings=tuple(
            Reading(embedder.count_tokens(text), text[len(part) :])
            for text, part in zip(whole, read, strict=True)
        ),
        query_cosine=_cosines(asked, documents).ravel(),
        query_euclid=_distances(asked, documents).ravel(),
        cosine=_cosines(vectors, vectors),
        euclid=_distances(vectors, vectors),
    )


def _cosines(rows: Vectors, columns: Vectors) -> Vectors:
    cosines: Vectors = rows @ columns.T
    return cosines.clip(-1, 1)  # rounding goes a little beyond


def _distances(rows: Vectors, columns: Vectors) -> Vectors:
    """Euclidean distances, shape (rows, columns); row by row, as all differences at once would be large."""
    distances = np.empty((len(rows), len(columns)), np.float32)
    for number, row in enumerate(rows):
        distances[number] = np.linalg.norm(columns - row, axis=1)
    return distances
