"""rag evaluate on one's own documents: whose questions, by which systems, and the report."""

import statistics
from collections import Counter
from collections.abc import Mapping
from typing import Any

from rag.catalog import Collection, StoredQuestion
from rag.cli.common import note, open_engine, show_progress, tell_where_texts_go
from rag.cli.evaluate import Wanted
from rag.documents import Notice
from rag.engine import Engine
from rag.evaluation import (
    METRICS,
    Change,
    Comparison,
    SystemResult,
    changes,
    compare,
    difference,
    generate,
    judged_questions,
    keep,
    not_kept,
    read_judged_own,
    read_questions,
    ready_documents,
    save,
    systems,
)
from rag.evaluation.comparing import CHANGE_METRIC
from rag.rerankers import NO_RERANKER
from rag.whereabouts import reranked_by


def evaluate_own(
    wanted: Wanted, *, limit: int | None, depth: int
) -> tuple[dict[str, Any], list[dict[str, Any]], Mapping[str, int]]:
    """The report, what every question found, and what there was to say, with how often.

    What was asked of the kept questions, all of them, is kept with the collection.
    """
    with open_engine() as engine:
        collection = engine.collection(wanted.collection)
        questions = _questions(engine, collection, wanted)
        asked = judged_questions(engine.catalog, collection, questions, limit=limit)
        embedders = wanted.embedders or (collection.fingerprint.id,)
        rerankers = wanted.rerankers or (engine.models.reranker_id or NO_RERANKER,)
        chosen = systems(wanted.modes, embedders, wanted.sizes or (None,), rerankers)
        documents = ready_documents(engine.catalog, collection)
        for embedder in dict.fromkeys(embedders):
            if embedder != collection.fingerprint.id or wanted.sizes:
                tell_where_texts_go(engine, embedder, sum(each.tokens for each in documents))
        for reranker in dict.fromkeys(rerankers):
            if told := reranked_by(engine.models, reranker):
                note(str(told))
        done = compare(engine, collection, asked, chosen, depth=depth, on_step=_progress)
        if limit is None and (wanted.keep or not (wanted.questions or wanted.queries)):
            save(engine.catalog, collection, done)
    report = _report(done, depth=depth)
    report |= {"collection": collection.name, "documents": len(documents)}
    rows = [row for result in done.systems for row in _rows(result, done, several=len(chosen) > 1)]
    return report, rows, _notices(done)


def _questions(engine: Engine, collection: Collection, wanted: Wanted) -> list[StoredQuestion]:
    """The questions to ask, after those that are new were kept. Raises UsageError, ProviderError."""
    if wanted.generate:
        model = engine.models.chat_model()
        made = generate(
            engine.catalog,
            collection,
            wanted.generate,
            chat_model=model,
            on_progress=lambda done, total: show_progress(f"{done} of {total} questions made"),
        )
        keep(engine.catalog, collection, made, "generated")
        maker = model.id if model else "headings and rare words, as there is no chat model"
        note(
            f"{len(made)} questions made by {maker}. Made questions are easier than people's: "
            "take them to compare, not as how well people will find."
        )
    elif wanted.questions or (wanted.queries and wanted.qrels):
        if wanted.questions:
            read = read_questions(wanted.questions, engine.catalog, collection)
        else:
            assert wanted.queries and wanted.qrels
            read = read_judged_own(wanted.queries, wanted.qrels, engine.catalog, collection)
        if not wanted.keep:
            return not_kept(read)
        keep(engine.catalog, collection, read, "imported")
    return engine.catalog.questions.all(collection.id)


def _progress(what: Notice, done: int, total: int) -> None:
    show_progress(f"{what}: {100 * done // max(1, total)} %")


def _report(done: Comparison, *, depth: int) -> dict[str, Any]:
    """The first system's figures, as for a test set, and all systems beside each other."""
    first = done.systems[0]
    times = [outcome.seconds for outcome in first.outcomes]
    return {
        **_figures(first),
        "queries": len(first.outcomes),
        "skipped": done.skipped,
        "mode": first.system.mode,
        "depth": depth,
        "embedder": first.system.embedder,
        "reranker": first.system.reranker,
        "notices": _notices(done),
        "seconds": {"search": sum(times), "median_search": statistics.median(times)},
        "chunks": first.chunks,
        "systems": [_system(first, each) for each in done.systems],
    }


def _figures(result: SystemResult) -> dict[str, Any]:
    means = {metric: result.mean(metric) for metric in METRICS}
    return {**means, "intervals": {metric: result.interval(metric) for metric in METRICS}}


def _system(first: SystemResult, result: SystemResult) -> dict[str, Any]:
    changed = changes(first, result)
    return {
        "name": result.system.name(first.system),
        "mode": result.system.mode,
        "embedder": result.system.embedder,
        "chunk_tokens": result.system.chunk_tokens,
        "reranker": result.system.reranker,
        "chunks": result.chunks,
        **_figures(result),
        "differences": {} if result is first else _differences(first, result),
        "won": [_changed(each) for each in changed if each.by(CHANGE_METRIC) > 0],
        "lost": [_changed(each) for each in changed if each.by(CHANGE_METRIC) < 0],
    }


def _differences(first: SystemResult, result: SystemResult) -> dict[str, Any]:
    found = {metric: difference(first, result, metric) for metric in METRICS}
    return {
        metric: {"mean": each.mean, "low": each.low, "high": each.high}
        for metric, each in found.items()
        if each
    }


def _changed(change: Change) -> dict[str, Any]:
    return {
        "id": change.after.id,
        "question": change.after.question,
        "before": change.before.metrics[CHANGE_METRIC],
        "after": change.after.metrics[CHANGE_METRIC],
    }


def _rows(result: SystemResult, done: Comparison, *, several: bool) -> list[dict[str, Any]]:
    name = {"system": result.system.name(done.systems[0].system)} if several else {}
    return [
        {
            **name,
            "id": outcome.id,
            "question": outcome.question,
            **outcome.metrics,
            "relevant": dict(outcome.relevant),
            "found": outcome.ranking,
            "mode": outcome.mode,
            "seconds": outcome.seconds,
        }
        for outcome in result.outcomes
    ]


def _notices(done: Comparison) -> dict[str, int]:
    told: Counter[str] = Counter({str(notice): 1 for notice in done.notices})
    for result in done.systems:
        for notice, times in result.notices:
            told[str(notice)] += times
    return dict(told)
