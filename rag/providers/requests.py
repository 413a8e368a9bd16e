"""Texts on their way to a server: as it takes them, so many in a request, fewer where that is too large."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.documents import readable
from rag.errors import ProviderError
from rag.providers.failures import Failure, Kind


@dataclass(frozen=True, slots=True)
class CallLimits:
    """What goes into one request at most: texts, and tokens of all of them."""

    texts: int
    tokens: int


def sendable(text: str) -> str:
    """A text as servers take it: a NUL is a space, what is not Unicode “�”, and a blank text a full stop."""
    text = readable(text).replace("\0", " ")
    return text if text.strip() else "."


def requests(tokens: Sequence[int], limits: CallLimits) -> Iterator[slice]:
    """Texts of so many tokens in their order, in as few requests as may be; one alone is never refused."""
    start = size = 0
    for position, count in enumerate(tokens):
        is_full = position - start == limits.texts or size + count > limits.tokens
        if position > start and is_full:
            yield slice(start, position)
            start, size = position, 0
        size += count
    yield slice(start, len(tokens))


def in_halves(
    ask: Callable[[Sequence[str]], NDArray[np.float32]], texts: Sequence[str]
) -> NDArray[np.float32]:
    """What `ask` gives for all texts, shape (n, …), or for each half where the server finds them too large.

    Raises ProviderError for anything else, and for a single text.
    """
    try:
        return ask(texts)
    except ProviderError as error:
        if len(texts) == 1 or not _may_be_too_large(error):
            raise
    middle = len(texts) // 2
    return np.concatenate([in_halves(ask, part) for part in (texts[:middle], texts[middle:])])


def _may_be_too_large(error: ProviderError) -> bool:
    cause = error.__cause__
    return isinstance(cause, Failure) and cause.kind in (Kind.TOO_LONG, Kind.REQUEST)
