"""One score out of cosines, keyword scores and what stands beside a chunk."""

from pathlib import Path

import numpy as np
import pytest

from rag.calibration import COHORT, Backgrounds
from rag.retrieval import Query
from rag.retrieval.ranking import (
    BESIDE_WEIGHT,
    KEYWORD_WEIGHT,
    Candidates,
    best_first,
    scores_of,
    with_texts_beside,
)
from tests.fakes import WordEmbedder
from tests.library import Library

FOUND = Candidates({"a": 0.5, "b": 0.4}, {"b": 6.0}, full_score=12.0)


def background() -> Backgrounds:
    random = np.random.default_rng(0)
    cohort = random.standard_normal((len(COHORT), 8), np.float32)
    return Backgrounds("question", np.ones(8, np.float32) / 8**0.5, cohort, np.empty((0, 8), np.float32), [])


def test_a_keyword_match_counts_in_units_of_the_spread() -> None:
    base = background()
    scores = scores_of("hybrid", FOUND, base)
    assert scores["a"] == 0.5
    assert scores["b"] == pytest.approx(0.4 + KEYWORD_WEIGHT * base.deviation * 6 / 12)


def test_the_other_modes_have_one_score() -> None:
    assert scores_of("dense", FOUND, background()) == {"a": 0.5, "b": 0.4}
    assert scores_of("keyword", FOUND, background()) == {"b": 6.0}


def test_neighbours_move_a_score_by_their_share() -> None:
    question = np.array([1, 0], np.float32)
    beside = ["a", "a"], np.array([[1, 0], [0, 1]], np.float32)  # cosines 1 and 0
    moved = with_texts_beside({"a": 0.3, "b": 0.2}, {"a": 0.2, "b": 0.2}, beside, question)
    assert moved == {"a": pytest.approx(0.3 + BESIDE_WEIGHT * (0.5 - 0.2)), "b": 0.2}


def test_equal_scores_keep_an_order() -> None:
    assert best_first({"b": 1.0, "a": 1.0, "c": 2.0}) == ["c", "a", "b"]


def test_of_two_equal_passages_the_one_in_the_right_surroundings_comes_first(tmp_path: Path) -> None:
    library = Library(tmp_path, WordEmbedder("cat", "dog", "bird", "paid"))
    filler = " word" * 25
    for name, around in (("a.txt", "bird"), ("b.txt", "cat")):
        library.add(name, f"The {around}{filler}.\n\nIt is paid{filler}.\n\nThe {around}{filler}.")
    found = library.retriever.search(library.collection, Query("cat paid", k=10)).passages
    paid = [passage.name for passage in found if "paid" in passage.text]
    assert paid == ["b.txt", "a.txt"]
    library.close()
