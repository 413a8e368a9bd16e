"""The best candidates in a reranker's order, with scores by hand."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.documents import Passage
from rag.errors import UsageError
from rag.rerankers import NO_RERANKER
from rag.rerankers.base import Reranker
from rag.rerankers.factory import make_reranker
from rag.retrieval import POOL, Mode, Query, SearchResult
from rag.retrieval.explaining import Explaining, WhyNot
from rag.retrieval.reranking import RERANKED, reranked_order
from rag.retrieval.side_by_side import side_by_side
from rag.retrieval.wanted import Wanted
from tests.fakes import WordEmbedder, WordReranker
from tests.library import Library
from tests.provider_server import settings_at
from tests.reranker_conformance import RerankerConformance

TEXTS = ("cat", "cat and dog", "bird dog cat", "bird", "fish")
MODES: tuple[Mode, ...] = ("dense", "keyword", "hybrid")


class TestConformance(RerankerConformance):
    """Of the fake that these tests rerank with."""

    @pytest.fixture
    def reranker(self) -> Reranker:
        return WordReranker("cat", "the", "dog")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(tmp_path, WordEmbedder("cat", "dog", "bird", "fish"))
    yield library
    library.close()


@pytest.fixture
def animals(library: Library) -> Library:
    for text in TEXTS:
        library.add(f"{text}.txt", text)
    return library


def searched(library: Library, question: str = "cat", **options: object) -> SearchResult:
    return library.retriever.search(library.collection, Query(question, **options))  # type: ignore[arg-type]


def texts(passages: tuple[Passage, ...]) -> list[str]:
    return [passage.text for passage in passages]


@given(
    st.lists(st.integers(), unique=True, max_size=20).flatmap(
        lambda keys: st.tuples(
            st.just([str(key) for key in keys]),
            st.dictionaries(st.sampled_from([str(key) for key in keys] or ["-"]), st.integers(0, 3)),
        )
    )
)
def test_only_what_was_read_changes_places(drawn: tuple[list[str], dict[str, float]]) -> None:
    order, given_scores = drawn
    scores = {key: score for key, score in given_scores.items() if key in order}
    found = reranked_order(order, scores)
    assert sorted(found) == sorted(order)
    assert [key for key in found if key not in scores] == [key for key in order if key not in scores]
    assert all(found[place] == key for place, key in enumerate(order) if key not in scores)
    read = [(-scores[key], order.index(key)) for key in found if key in scores]
    assert read == sorted(read)


@pytest.mark.parametrize("mode", MODES)
def test_the_reranker_has_the_last_word(mode: Mode, animals: Library) -> None:
    before = searched(animals, mode=mode)
    animals.reranker = WordReranker("bird", "dog")
    after = searched(animals, mode=mode)
    assert before.reranker is None and after.reranker == "fake:words"
    assert set(texts(after.passages)) == set(texts(before.passages))
    assert texts(after.passages)[0] == "bird dog cat"
    assert [passage.rank for passage in after.passages] == list(range(1, len(after.passages) + 1))
    scores = [passage.rerank_score for passage in after.passages]
    assert scores == sorted(scores, reverse=True) and scores[0] == 1.5
    assert not after.notices
    assert set(after.seconds) == {"embed", "search", "rerank"} and min(after.seconds.values()) >= 0
    assert set(before.seconds) == {"embed", "search"}


def test_all_other_scores_stay(animals: Library) -> None:
    def others(found: SearchResult) -> dict[str, tuple[float | None, ...]]:
        return {
            each.text: (each.score, each.cosine, each.relevance, each.keyword_score)
            for each in found.passages
        }

    before = searched(animals)
    animals.reranker = WordReranker("fish", "bird")
    assert others(searched(animals)) == others(before)
    assert {passage.rerank_score for passage in before.passages} == {None}


def test_equal_scores_keep_the_order(animals: Library) -> None:
    before = texts(searched(animals).passages)
    animals.reranker = WordReranker()
    assert texts(searched(animals).passages) == before


def test_a_search_can_go_without(animals: Library) -> None:
    before = searched(animals)
    animals.reranker = reranker = WordReranker("bird")
    without = searched(animals, reranker=NO_RERANKER)
    assert (without.passages, without.reranker) == (before.passages, None)
    assert reranker.asked == []


@pytest.fixture
def many(library: Library) -> Library:
    for number in range(RERANKED + 10):
        library.add(f"{number}.txt", f"cat {'dog ' * (number % 2)}number {number}")
    return library


def test_so_many_are_read_and_the_others_stay_behind_them(many: Library) -> None:
    before = texts(searched(many, k=POOL).passages)
    many.reranker = reranker = WordReranker("dog", before[RERANKED - 1])
    found = searched(many, k=POOL).passages
    assert [sorted(call) for call in reranker.asked] == [sorted(before[:RERANKED])]
    assert texts(found)[RERANKED:] == before[RERANKED:]
    assert sorted(texts(found)[:RERANKED]) == sorted(before[:RERANKED]) and texts(found) != before
    assert {passage.rerank_score for passage in found[RERANKED:]} == {None}
    assert None not in {passage.rerank_score for passage in found[:RERANKED]}


@pytest.mark.parametrize("mode", MODES)
def test_how_many_are_asked_for_only_cuts(mode: Mode, many: Library) -> None:
    many.reranker = WordReranker("dog", "7")
    found = {k: texts(searched(many, k=k, mode=mode).passages) for k in (1, 7, RERANKED, POOL)}
    assert all(found[POOL][: len(passages)] == passages for passages in found.values())


def test_headings_are_read_too(library: Library) -> None:
    library.add("a.md", "# Birds\n\n" + "cat " * 40)
    library.reranker = reranker = WordReranker("Birds")
    assert {passage.rerank_score for passage in searched(library).passages} == {1.0}
    assert len(reranker.asked[0]) > 1 and all("Birds" in text for text in reranker.asked[0])


def test_what_is_too_far_is_not_read(animals: Library) -> None:
    animals.reranker = reranker = WordReranker("bird")
    found = searched(animals, min_similarity=0.6)
    assert texts(found.passages) == ["bird dog cat", "cat", "cat and dog"]
    assert sorted(reranker.asked[0]) == sorted(texts(found.passages))


def test_filters_hold(animals: Library) -> None:
    animals.reranker = reranker = WordReranker("bird")
    assert texts(searched(animals, contains="cat").passages)[0] == "bird dog cat"
    assert all("cat" in text for call in reranker.asked for text in call)


def test_what_is_alike_comes_later_all_the_same(library: Library) -> None:
    for name, text in {"a": "cat sat", "b": "cat ran", "c": "cat bird"}.items():
        library.add(f"{name}.txt", text)
    library.reranker = WordReranker("ran", "sat")
    assert texts(searched(library, mode="dense").passages) == ["cat ran", "cat sat", "cat bird"]
    diverse = searched(library, mode="dense", diversity=0.9).passages
    assert texts(diverse) == ["cat ran", "cat bird", "cat sat"]  # "cat sat" has the first one's vector
    assert [passage.rerank_score for passage in diverse] == [1.0, 0.0, 0.5]


def test_where_it_fails_the_order_is_as_without_it_and_that_is_said(animals: Library) -> None:
    before = searched(animals)
    animals.reranker = make_reranker(settings_at("http://127.0.0.1:1"), "openai:m")
    found = searched(animals)
    assert (found.passages, found.reranker) == (before.passages, None)
    (notice,) = found.notices
    assert str(notice).startswith(
        "The passages were not reranked. 127.0.0.1:1 (OpenAI API) cannot be reached"
    )
    assert set(found.seconds) == {"embed", "search", "rerank"}


def test_a_question_that_is_too_long_for_it_is_searched_without(animals: Library) -> None:
    animals.reranker = WordReranker("bird")
    found = searched(animals, "cat " * 40)
    assert found.reranker is None
    assert any("The passages were not reranked. The question has 40" in str(each) for each in found.notices)


def test_a_name_that_is_none_is_told(tmp_path: Path) -> None:
    from rag.engine import open_engine
    from rag.settings import load_settings

    with (
        open_engine(load_settings(data_dir=tmp_path)) as engine,
        pytest.raises(UsageError, match="no reranker nobody"),
    ):
        engine.models.reranker("nobody:model")


def test_the_same_question_is_read_once(animals: Library) -> None:
    animals.reranker = reranker = WordReranker("bird")
    first = searched(animals)
    assert searched(animals).passages == first.passages
    both = side_by_side(lambda query: animals.retriever.search(animals.collection, query), Query("cat"))
    assert {found.reranker for found in both.results.values()} == {"fake:words"}
    read = [text for call in reranker.asked for text in call]
    assert sorted(read) == sorted(set(read))
    searched(animals, "dog")
    assert len(reranker.asked[-1]) == len(TEXTS)


def why(library: Library, wanted: str, **options: object) -> WhyNot:
    explaining = Explaining(
        library.catalog, library.keywords, library.retriever, lambda _collection: library.embedder
    )
    query = Query("cat", **options)  # type: ignore[arg-type]
    return explaining.why_not(library.collection, query, Wanted(wanted))


def test_what_the_reranker_put_down_is_explained(animals: Library) -> None:
    assert why(animals, "cat and dog", k=2).ways[0].rank_without_reranker is None
    animals.reranker = WordReranker("bird", "fish")
    told = why(animals, "cat and dog", k=2)
    assert str(told.reason) == (
        "The reranker put it from number 2 to number 5: raise the number of passages to 5, or search without "
        "the reranker."
    )
    (way,) = told.ways
    assert (way.rank_without_reranker, way.rank, way.passage.rerank_score) == (2, 5, 0.0)
    assert str(why(animals, "cat and dog", k=2, reranker=NO_RERANKER).reason) == (
        "It was found: it is number 2."
    )
    assert "raise the number of passages to" in str(why(animals, "fish", k=1).reason)


def test_what_it_brought_up_was_found(animals: Library) -> None:
    animals.reranker = WordReranker("fish")
    told = why(animals, "fish", k=1)
    assert str(told.reason) == "It was found: it is number 1."
    assert told.ways[0].rank_without_reranker in (4, 5)  # as near as “bird”


def test_scores_are_numbers_of_this_search_alone(animals: Library) -> None:
    animals.reranker = WordReranker("bird")
    scores = [passage.rerank_score for passage in searched(animals).passages]
    assert all(isinstance(score, float) and np.isfinite(score) for score in scores)
