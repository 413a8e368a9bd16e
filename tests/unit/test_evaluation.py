"""Metrics against values computed by hand, question sets from good and bad files, and the run."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.documents import Notice, Passage
from rag.errors import UsageError
from rag.evaluation import (
    METRICS,
    CorpusDocument,
    Question,
    QuestionSet,
    bootstrap_interval,
    evaluate,
    read_corpus,
    read_judged_queries,
)
from rag.evaluation.metrics import ndcg, recall, reciprocal_rank
from rag.retrieval import Query, SearchResult

GRADES = {"a": 3, "b": 2, "c": 1, "d": 0, "e": -1}


def test_ndcg_has_linear_gain_and_a_logarithmic_discount() -> None:
    found = 2 + 0 + 3 / 2 + 1 / math.log2(5)  # ranks 1 to 4, discounted by 1, log2 3, 2, log2 5
    best = 3 + 2 / math.log2(3) + 1 / 2
    assert ndcg(["b", "x", "a", "c"], GRADES, k=10) == pytest.approx(found / best) == pytest.approx(0.82545)
    assert ndcg(["b", "x", "a", "c"], GRADES, k=1) == pytest.approx(2 / 3)
    assert ndcg(["a", "b", "c", "e", "d"], GRADES, k=10) == 1
    assert ndcg(["e", "d", "x"], GRADES, k=10) == 0
    assert ndcg([], GRADES, k=10) == 0


def test_the_best_ndcg_counts_no_more_than_k_documents() -> None:
    many = {str(number): 1 for number in range(12)}
    assert ndcg(list(many), many, k=10) == 1


def test_recall_is_of_all_relevant_documents() -> None:
    assert recall(["a", "x", "b", "c"], GRADES, k=3) == pytest.approx(2 / 3)
    assert recall(["a", "x", "b", "c"], GRADES, k=10) == 1
    assert recall(["d", "e"], GRADES, k=10) == 0


def test_reciprocal_rank_stops_at_k() -> None:
    assert reciprocal_rank(["d", "x", "c", "a"], GRADES, k=10) == pytest.approx(1 / 3)
    assert reciprocal_rank(["d", "x", "c", "a"], GRADES, k=2) == 0


@pytest.mark.parametrize("metric", METRICS)
def test_without_a_relevant_document_nothing_can_be_measured(metric: str) -> None:
    with pytest.raises(ValueError, match="no relevant document"):
        METRICS[metric](["a"], {"a": 0})


@given(st.permutations("abcdexyz"), st.sampled_from(sorted(METRICS)))
def test_every_metric_lies_between_0_and_1_and_is_highest_for_the_best_order(
    ranking: list[str], metric: str
) -> None:
    best = METRICS[metric](["a", "b", "c", "x", "y", "z", "d", "e"], GRADES)
    assert 0 <= METRICS[metric](ranking, GRADES) <= best == 1


def test_the_bootstrap_interval_is_that_of_the_normal_distribution_for_many_values() -> None:
    values = [0.0, 1.0] * 200  # the mean's standard error is 0.5 / sqrt(400) = 0.025
    low, high = bootstrap_interval(values)
    assert (low, high) == pytest.approx((0.5 - 1.96 * 0.025, 0.5 + 1.96 * 0.025), abs=0.006)
    assert bootstrap_interval(values) == (low, high)
    assert bootstrap_interval(values, seed=1) != (low, high)
    assert bootstrap_interval([0.25] * 3) == (0.25, 0.25)
    with pytest.raises(ValueError, match="no values"):
        bootstrap_interval([])


def test_a_corpus_is_read(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text(
        '\ufeff{"id": "1", "title": "年假", "text": "二十五天"}\n\n'
        '{"_id": 2, "text": "half \\ud800 a character"}\n{"id": "3", "title": null, "text": ""}\n',
        "utf-8",
    )
    assert read_corpus(path) == [
        CorpusDocument("1", "年假", "二十五天"),
        CorpusDocument("2", "", "half � a character"),
        CorpusDocument("3", "", ""),
    ]


def test_queries_that_nobody_judged_are_skipped_and_counted(tmp_path: Path) -> None:
    queries, qrels = tmp_path / "queries.jsonl", tmp_path / "qrels.tsv"
    queries.write_text("".join(f'{{"id": "q{n}", "text": "question {n}"}}\n' for n in range(4)))
    qrels.write_text("qid\tdocid\trel\nq0\tone\t2\nq0\ttwo\t0\nq2\tone\t0\nq3\ttwo\t1\nq9\tone\t1\n")
    assert read_judged_queries(queries, qrels) == QuestionSet(
        (Question("q0", "question 0", {"one": 2, "two": 0}), Question("q3", "question 3", {"two": 1})),
        skipped=2,
    )


def test_the_first_questions_are_those_of_the_file() -> None:
    every = QuestionSet(tuple(Question(str(n), "?", {"a": 1}) for n in range(3)), skipped=4)
    assert every.first(2) == QuestionSet(every.questions[:2], skipped=4)
    assert every.first(None) == every


def _corpus(path: Path) -> object:
    return read_corpus(path)


def _queries(path: Path) -> object:
    return read_judged_queries(path, path.with_name("none.tsv"))


def _qrels(path: Path) -> object:
    queries = path.with_name("queries.jsonl")
    queries.write_text('{"id": "q", "text": "?"}\n')
    return read_judged_queries(queries, path)


@pytest.mark.parametrize(
    ("read", "content", "said"),
    [
        (_corpus, b'{"id": "1", "text": "one"}\nnot JSON\n', "file, line 2: this should be a JSON object"),
        (_corpus, b'{"id": "1", "text": "one"}\n[]\n', "file, line 2: this should be a JSON object"),
        (_corpus, b'{"id": "1", "text": "\xff"}\n', "file, line 1: this should be a JSON object"),
        (_corpus, b'{"id": "", "text": "one"}\n', "file, line 1: this should be a JSON object"),
        (_corpus, b'{"id": true, "text": "one"}\n', "file, line 1: this should be a JSON object"),
        (_corpus, b'{"id": "1"}\n', "file, line 1: this should be a JSON object"),
        (_corpus, b'\n{"id": "1", "text": "a"}\n{"id": 1, "text": "b"}\n', "line 3: the id “1” was there"),
        (_corpus, b"\n", "file is empty"),
        (_queries, b'{"id": "q", "text": " "}\n', "file, line 1: this should be a JSON object"),
        (_queries, b'{"id": "q", "text": "a"}\n{"id": "q", "text": "b"}\n', "line 2: the id “q” was"),
        (_queries, b'{"id": "q", "text": "a"}\n', "none.tsv cannot be read: No such file"),
        (_qrels, b"qid\tdocid\trel\nq\t1\t1\nq\t1\n", "file, line 3: this should be a query's id"),
        (_qrels, b"qid\tdocid\trel\nq\t1\tmuch\n", "file, line 2: this should be a query's id"),
        (_qrels, b"qid\tdocid\trel\nother\t1\t1\n", "No query in .*queries.jsonl has a .* in .*file"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_its_line(
    read: Callable[[Path], object], content: bytes, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        read(path)


def test_a_document_ranks_where_its_best_passage_does() -> None:
    asked: list[Query] = []

    def search(query: Query) -> SearchResult:
        asked.append(query)
        passages = [_passage(rank, document) for rank, document in enumerate("baab", 1)]
        return SearchResult(query.question, "keyword", tuple(passages), {}, (Notice("Fell back."),))

    questions = QuestionSet((Question("1", "one", {"a": 1}), Question("2", "two", {"b": 1})), skipped=3)
    seen: list[tuple[int, int]] = []
    found = evaluate(search, questions, mode="hybrid", depth=7, on_progress=lambda *step: seen.append(step))
    assert asked == [Query("one", k=7, mode="hybrid"), Query("two", k=7, mode="hybrid")]
    assert [result.ranking for result in found.results] == [("b", "a"), ("b", "a")]
    assert found.values("mrr@10") == [0.5, 1.0]
    assert found.means() == pytest.approx(
        {"ndcg@10": (1 / math.log2(3) + 1) / 2, "recall@5": 1, "recall@10": 1, "mrr@10": 0.75}
    )
    assert found.intervals()["mrr@10"] == (0.5, 1.0)
    assert (found.skipped, found.notices, seen) == (3, {"Fell back.": 2}, [(0, 2), (1, 2)])


def _passage(rank: int, document: str) -> Passage:
    return Passage(rank, f"{document}-{rank}", document, document, "text", 1 / rank)
