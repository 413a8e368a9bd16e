"""Comparisons as JSON, kept with their collection."""

import json
from dataclasses import asdict
from typing import Any

from rag.catalog import Catalog, Collection
from rag.documents import Notice
from rag.evaluation.comparing import Comparison, FoundText, Outcome, SystemResult
from rag.evaluation.systems import System


def save(catalog: Catalog, collection: Collection, comparison: Comparison) -> str:
    """Keep a comparison with its collection; its id."""
    return catalog.questions.save_evaluation(collection.id, comparison.started_at, to_json(comparison))


def saved(catalog: Catalog, collection: Collection) -> dict[str, Comparison]:
    """The last comparisons of a collection by their ids, newest first."""
    return {key: from_json(row) for key, row in catalog.questions.evaluations(collection.id)}


def to_json(comparison: Comparison) -> str:
    row = {
        "started_at": comparison.started_at,
        "skipped": comparison.skipped,
        "notices": [notice.to_row() for notice in comparison.notices],
        "systems": [
            {
                "system": asdict(each.system),
                "chunks": each.chunks,
                "notices": [[notice.to_row(), times] for notice, times in each.notices],
                "outcomes": [_outcome_row(outcome) for outcome in each.outcomes],
            }
            for each in comparison.systems
        ],
    }
    return json.dumps(row, ensure_ascii=False)


def from_json(text: str) -> Comparison:
    row = json.loads(text)
    return Comparison(
        row["started_at"],
        tuple(_system_result(each) for each in row["systems"]),
        row["skipped"],
        tuple(map(Notice.from_row, row["notices"])),
    )


def _outcome_row(outcome: Outcome) -> dict[str, Any]:
    return asdict(outcome)


def _system_result(row: dict[str, Any]) -> SystemResult:
    return SystemResult(
        System(**row["system"]),
        tuple(_outcome(each) for each in row["outcomes"]),
        row["chunks"],
        tuple((Notice.from_row(notice), times) for notice, times in row["notices"]),
    )


def _outcome(row: dict[str, Any]) -> Outcome:
    found = tuple(FoundText(**each) for each in row.pop("found"))
    return Outcome(**{**row, "ranking": tuple(row["ranking"]), "found": found})
