"""Several ways to search, asked the same questions: what each found, and how they differ."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from rag.catalog import Collection
from rag.documents import Notice, Passage
from rag.engine import Engine
from rag.errors import Cancelled
from rag.evaluation.asking import Asked, Judged
from rag.evaluation.judging import meaning, ranking, relevance
from rag.evaluation.metrics import METRICS, bootstrap_interval
from rag.evaluation.running import Search
from rag.evaluation.systems import OnStep, System, open_system
from rag.retrieval import POOL, Mode, Query

SHOWN = 5  # passages kept of each question
EXCERPT = 200  # characters
CHANGE_METRIC = "ndcg@10"


@dataclass(frozen=True, slots=True)
class FoundText:
    """The beginning of a passage that was found; `grade` is None where nobody judged it."""

    name: str
    page: int | None
    text: str
    grade: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question: its metrics in [0, 1], what was found first, and by which mode.

    `judged` is equal where question and judgements are; `ranking` holds documents, and judged or unjudged
    texts, best first; `relevant` are the grades of what was judged, by the names that `ranking` uses.
    """

    id: str
    question: str
    judged: str
    metrics: Mapping[str, float]
    found: tuple[FoundText, ...]
    ranking: tuple[str, ...]
    relevant: Mapping[str, int]
    mode: Mode
    seconds: float


@dataclass(frozen=True, slots=True)
class SystemResult:
    """How one system did; `notices` counts what its index and its searches had to say."""

    system: System
    outcomes: tuple[Outcome, ...]
    chunks: int
    notices: tuple[tuple[Notice, int], ...] = ()

    def values(self, metric: str) -> list[float]:
        """A metric of every question, in their order."""
        return [outcome.metrics[metric] for outcome in self.outcomes]

    def mean(self, metric: str) -> float:
        """A metric, averaged over the questions."""
        return statistics.fmean(self.values(metric))

    def interval(self, metric: str) -> tuple[float, float]:
        """Between what the mean lies with 95 % confidence: other questions would have given others."""
        return bootstrap_interval(self.values(metric))


@dataclass(frozen=True, slots=True)
class Comparison:
    """One run: when it began (ISO 8601, UTC), and the systems in the order they were asked for."""

    started_at: str
    systems: tuple[SystemResult, ...]
    skipped: int = 0
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A question that one system answers better than another."""

    before: Outcome
    after: Outcome

    def by(self, metric: str) -> float:
        """How much better the second is: above 0 it won."""
        return self.after.metrics[metric] - self.before.metrics[metric]


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better one system is than another on `questions` that both were asked.

    An interval that holds 0 means that the difference may be chance.
    """

    mean: float
    low: float
    high: float
    questions: int

    @property
    def is_shown(self) -> bool:
        """Whether chance alone hardly explains it."""
        return self.low > 0 or self.high < 0


def compare(
    engine: Engine,
    collection: Collection,
    asked: Asked,
    systems: Sequence[System],
    *,
    depth: int = POOL,
    on_step: OnStep = lambda *_: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Comparison:
    """Ask every system every question, `depth` passages of each; each index is made once.

    `on_step` is told what is done, how far it is and of how much. Raises UsageError, ProviderError,
    StoreError, Cancelled.
    """
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    results: dict[System, SystemResult] = {}
    by_index = sorted(systems, key=lambda each: (each.embedder, each.chunk_tokens or 0))
    for _, group in groupby(by_index, key=lambda each: each.index):
        alike = list(group)
        with ExitStack() as stack:
            opened = stack.enter_context(
                open_system(engine, collection, alike[0], on_step=on_step, cancelled=cancelled)
            )
            for system in alike:
                asking = _Asking(opened.search, system, depth, on_step, cancelled)
                outcomes = tuple(asking.all(asked.questions))
                notices = (*((notice, 1) for notice in opened.notices), *asking.notices.values())
                results[system] = SystemResult(system, outcomes, opened.chunks, notices)
    return Comparison(
        started_at, tuple(results[each] for each in dict.fromkeys(systems)), asked.skipped, asked.notices
    )


def changes(base: SystemResult, other: SystemResult, metric: str = CHANGE_METRIC) -> list[Change]:
    """The questions that one of the two answers better, the largest change first."""
    changed = [each for each in _pairs(base, other) if each.by(metric)]
    return sorted(changed, key=lambda each: (-abs(each.by(metric)), each.after.question))


def difference(base: SystemResult, other: SystemResult, metric: str) -> Difference | None:
    """How much better `other` is, question by question; None where no question was the same."""
    values = [each.by(metric) for each in _pairs(base, other)]
    if not values:
        return None
    return Difference(statistics.fmean(values), *bootstrap_interval(values), len(values))


def _pairs(base: SystemResult, other: SystemResult) -> list[Change]:
    """The questions that both were asked and that were judged alike, as between runs of different days."""
    before = {outcome.id: outcome for outcome in base.outcomes}
    return [
        Change(before[outcome.id], outcome)
        for outcome in other.outcomes
        if outcome.id in before and before[outcome.id].judged == outcome.judged
    ]


class _Asking:
    """Asks one system; keeps each different notice with how often it came."""

    def __init__(
        self,
        search: Search,
        system: System,
        depth: int,
        on_step: OnStep,
        cancelled: Callable[[], bool],
    ) -> None:
        self._search = search
        self._system = system
        self._depth = depth
        self._on_step = on_step
        self._cancelled = cancelled
        self.notices: dict[str, tuple[Notice, int]] = {}

    def all(self, questions: Sequence[Judged]) -> list[Outcome]:
        """What every question found. Raises what the search raises, and Cancelled."""
        outcomes = []
        asking = Notice("Asking the questions: {mode}, {embedder}", _names(self._system))
        for done, question in enumerate(questions):
            if self._cancelled():
                raise Cancelled("Stopped.")
            self._on_step(asking, done, len(questions))
            outcomes.append(self._outcome(question))
        return outcomes

    def _outcome(self, question: Judged) -> Outcome:
        system = self._system
        query = Query(question.text, k=self._depth, mode=system.mode, reranker=system.reranker)
        found = self._search(query)
        for notice in found.notices:
            _, times = self.notices.get(str(notice), (notice, 0))
            self.notices[str(notice)] = (notice, times + 1)
        order = ranking(found.passages, question.judgements)
        wanted = relevance(question.judgements)
        return Outcome(
            question.id,
            question.text,
            question.digest,
            {name: metric(order, wanted) for name, metric in METRICS.items()},
            tuple(_excerpt(passage, question) for passage in found.passages[:SHOWN]),
            order[:10],
            wanted,
            found.mode,
            sum(found.seconds.values()),
        )


def _names(system: System) -> dict[str, str | int | Notice]:
    modes: Mapping[Mode, Notice] = {
        "dense": Notice("By meaning"),
        "keyword": Notice("By keywords"),
        "hybrid": Notice("By both"),
    }
    return {"mode": modes[system.mode], "embedder": system.embedder}


def _excerpt(passage: Passage, question: Judged) -> FoundText:
    grades = [judgement.grade for judgement in meaning(passage, question.judgements)]
    text = " ".join(passage.text.split())[:EXCERPT]
    return FoundText(passage.name, passage.page, text, max(grades, default=None))
