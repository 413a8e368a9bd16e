"""rag evaluate on a test set: a corpus in a collection that is gone afterwards, and the report."""

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rag.cli.common import note, show_progress
from rag.evaluation import (
    CorpusDocument,
    Evaluation,
    QuestionSet,
    index_corpus,
    read_corpus,
    read_judged_queries,
)
from rag.evaluation import evaluate as run
from rag.rerankers import NO_RERANKER
from rag.settings import load_settings


def evaluate_test_set(
    corpus: Path,
    queries: Path,
    qrels: Path,
    embedder: str | None,
    *,
    limit: int | None,
    mode: Any,
    depth: int,
    reranker: str | None,
) -> tuple[dict[str, Any], list[dict[str, Any]], Mapping[str, int]]:
    """The report, what every question found, and what there was to say, with how often."""
    settings = load_settings()
    documents = read_corpus(corpus)
    asked = read_judged_queries(queries, qrels).first(limit)
    _note_missing(asked, documents, corpus)
    with index_corpus(settings, documents, embedder=embedder, on_progress=_documents_done) as index:
        evaluation = run(
            index.search, asked, mode=mode, depth=depth, reranker=reranker, on_progress=_questions_done
        )
    report = _report(evaluation, mode=mode, depth=depth, embedder=index.embedder, documents=len(documents))
    report["reranker"] = reranker or settings.reranker or NO_RERANKER
    report["chunks"] = index.chunks
    report["seconds"]["index"] = index.seconds
    return report, _rows(evaluation), evaluation.notices


def _report(
    evaluation: Evaluation, *, mode: str, depth: int, embedder: str, documents: int
) -> dict[str, Any]:
    times = [result.seconds for result in evaluation.results]
    return {
        **evaluation.means(),
        "intervals": evaluation.intervals(),
        "queries": len(evaluation.results),
        "skipped": evaluation.skipped,
        "documents": documents,
        "mode": mode,
        "depth": depth,
        "embedder": embedder,
        "notices": dict(evaluation.notices),
        "seconds": {"search": sum(times), "median_search": statistics.median(times)},
    }


def _note_missing(asked: QuestionSet, documents: list[CorpusDocument], corpus: Path) -> None:
    there = {document.id for document in documents}
    wanted = {key for each in asked.questions for key, grade in each.relevance.items() if grade > 0}
    if missing := wanted - there:
        note(f"{len(missing)} of {len(wanted)} relevant documents are not in {corpus}: counted as not found.")


def _questions_done(done: int, total: int) -> None:
    show_progress(f"{done} of {total} questions")


def _documents_done(done: int, total: int) -> None:
    show_progress(f"{done} of {total} documents")


def _rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    return [
        {
            "id": result.question.id,
            "question": result.question.text,
            **result.metrics,
            "relevant": dict(result.question.relevance),
            "found": result.ranking[:10],
            "mode": result.mode,
            "seconds": result.seconds,
        }
        for result in evaluation.results
    ]
