"""A question to a collection's records, and what it found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag.errors import UsageError
from rag.workbench.record import RecordHit

MOST_RESULTS = 1000


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """What is near a text or a vector is looked for among what passes `where` and `contains`."""

    text: str = ""
    vector: Sequence[float] | None = None
    n: int = 10
    where: Mapping[str, Any] | None = None
    contains: str | None = None

    def __post_init__(self) -> None:
        if bool(self.text.strip()) == (self.vector is not None):
            raise UsageError("Give either a text or a vector to look for.")
        if not 1 <= self.n <= MOST_RESULTS:
            raise UsageError("The number of results must be between 1 and {most}.", most=MOST_RESULTS)


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The nearest records first. `space` names the distance: "cosine", "l2" (squared) or "ip".

    `is_exact` tells that all records were compared, as with a filter, and not only those that the index
    led to.
    """

    hits: tuple[RecordHit, ...]
    space: str
    is_exact: bool
