"""What is asked of a search, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from rag.documents import Notice, Passage
from rag.errors import UsageError

POOL = 100  # candidates a side: k only cuts, it never reorders

Mode = Literal["dense", "keyword", "hybrid"]


@dataclass(frozen=True, slots=True)
class Query:
    """A question and how to look: `where` and `contains` as Chroma's where and where_document $contains.

    Words of the question in double quotes must stand in a passage as they are, if they do in any.
    `min_similarity` is a cosine; passages below it are left out. `picture`, a PNG, JPEG or WebP file, is
    searched for in place of a question, by its vector only. `diversity` in [0, 1] is how much a passage loses
    by being like one before it. `reranker` is "provider:model", or NO_RERANKER to go without; None leaves it
    to the settings.
    """

    question: str
    k: int = 5
    mode: Mode = "hybrid"
    where: Mapping[str, Any] | None = None
    contains: str | None = None
    min_similarity: float | None = None
    diversity: float = 0.0
    reranker: str | None = None
    picture: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.question.strip() and self.picture is None:
            raise UsageError("The question is empty. Type what you would like to know.")
        if not 1 <= self.k <= POOL:
            raise UsageError("The number of passages must be between 1 and {most}.", most=POOL)
        if self.mode not in get_args(Mode):
            raise UsageError("The mode is “{mode}”; it can be dense, keyword or hybrid.", mode=self.mode)
        if not 0 <= self.diversity <= 1:
            raise UsageError("The diversity must be between 0 and 1.")


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The passages, nearest first; `mode` is the one that answered; times in seconds.

    `phrases` are the quoted words that each passage has; none where no passage has them all. `reranker` is
    the one that reordered them ("provider:model"), None where none did.
    """

    question: str
    mode: Mode
    passages: tuple[Passage, ...]
    seconds: Mapping[str, float]
    notices: tuple[Notice, ...] = ()
    phrases: tuple[str, ...] = ()
    reranker: str | None = None
