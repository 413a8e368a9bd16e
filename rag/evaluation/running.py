"""Asks every question of a set as the app would, and judges the documents that were found."""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rag.evaluation.metrics import METRICS, bootstrap_interval
from rag.evaluation.question_sets import Question, QuestionSet
from rag.retrieval import POOL, Mode, Query, SearchResult

Search = Callable[[Query], SearchResult]
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """One question, the ids of the documents that were found, best first, and each metric in [0, 1]."""

    question: Question
    ranking: tuple[str, ...]
    metrics: Mapping[str, float]
    mode: Mode
    seconds: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The results of all questions; `notices` counts what the searches had to say.

    `seconds` is for all questions together; `skipped` are those that could not be judged.
    """

    results: tuple[QuestionResult, ...]
    skipped: int
    notices: Mapping[str, int]
    seconds: float

    def values(self, metric: str) -> list[float]:
        """A metric of every question, in their order."""
        return [result.metrics[metric] for result in self.results]

    def means(self) -> dict[str, float]:
        """Every metric, averaged over the questions."""
        return {metric: statistics.fmean(self.values(metric)) for metric in METRICS}

    def intervals(self) -> dict[str, tuple[float, float]]:
        """Between what every mean lies with 95 % confidence: other questions would have given others."""
        return {metric: bootstrap_interval(self.values(metric)) for metric in METRICS}


def evaluate(
    search: Search,
    questions: QuestionSet,
    *,
    mode: Mode = "hybrid",
    depth: int = POOL,
    reranker: str | None = None,
    on_progress: OnProgress | None = None,
) -> Evaluation:
    """Search `depth` passages for every question; a document ranks where its best passage does.

    `reranker` is one by its name, None the settings' one. `on_progress` is told the questions asked and all
    of them. Raises what `search` raises.
    """
    results = []
    notices: Counter[str] = Counter()
    started = time.perf_counter()
    for done, question in enumerate(questions.questions):
        if on_progress:
            on_progress(done, len(questions.questions))
        asked = time.perf_counter()
        found = search(Query(question.text, k=depth, mode=mode, reranker=reranker))
        seconds = time.perf_counter() - asked
        notices.update(map(str, found.notices))
        ranking = tuple(dict.fromkeys(passage.document_id for passage in found.passages))
        metrics = {name: metric(ranking, question.relevance) for name, metric in METRICS.items()}
        results.append(QuestionResult(question, ranking, metrics, found.mode, seconds))
    return Evaluation(tuple(results), questions.skipped, notices, time.perf_counter() - started)
