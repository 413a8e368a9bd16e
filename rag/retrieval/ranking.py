"""What candidates are ranked by: one score out of cosines, keyword scores and what stands beside a chunk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from rag.calibration import Backgrounds
from rag.embedders.base import Vectors
from rag.retrieval.query import Mode

KEYWORD_WEIGHT = 15.0  # standard deviations of the background that a perfect keyword match is worth
BESIDE_WEIGHT = 0.1  # the share of a chunk's neighbours in its cosine
MOST_BESIDE = 30  # candidates whose neighbours count: those further down hardly come in sight


@dataclass(frozen=True, slots=True)
class Candidates:
    """Scores by chunk id; `pictures` are digests by chunk id, where the question is one of words."""

    cosines: Mapping[str, float]
    keyword_scores: Mapping[str, float]
    full_score: float = 0.0
    pictures: Mapping[str, str] = field(default_factory=dict)


def scores_of(mode: Mode, found: Candidates, base: Backgrounds | None) -> dict[str, float]:
    """The score of each candidate.

    Hybrid: cosine + weight · BM25 / full score, the weight in units of the model's own spread. The full score
    leaves a question that shares no words with the texts, as across languages, to the vectors.
    """
    if mode == "keyword":
        return dict(found.keyword_scores)
    if mode == "dense" or base is None or not found.full_score:
        return dict(found.cosines)
    weight = KEYWORD_WEIGHT * base.deviation / found.full_score
    return {
        key: cosine + weight * found.keyword_scores.get(key, 0.0) for key, cosine in found.cosines.items()
    }


def with_texts_beside(
    scores: Mapping[str, float],
    cosines: Mapping[str, float],
    beside: tuple[Sequence[str], Vectors],
    question: Vectors,
) -> dict[str, float]:
    """The scores, moved towards the cosines of the chunks just before and after each.

    A chunk is a part of what was written in one go: what stands around it tells what it is about. `beside`
    has the vectors of those, shape (n, dimension), with the chunk that each stands beside.
    """
    around: dict[str, list[float]] = {}
    for key, cosine in zip(beside[0], (beside[1] @ question).tolist(), strict=True):
        around.setdefault(key, []).append(cosine)
    return dict(scores) | {
        key: scores[key] + BESIDE_WEIGHT * (fmean(found) - cosines[key]) for key, found in around.items()
    }


def best_first(scores: Mapping[str, float]) -> list[str]:
    """The candidates by their scores; equal ones always in the same order."""
    return sorted(scores, key=lambda key: (-scores[key], key))
