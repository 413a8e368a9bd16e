"""Judgements find their text again, however it is cut, and wherever its document went."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.catalog import Judgement
from rag.chunking import split_sections
from rag.documents import Document, Passage, Section
from rag.evaluation.generating import is_copied
from rag.evaluation.judging import LEAST_SHARED, in_these_documents, is_meant, overlap, ranking, relevance
from rag.evaluation.metrics import ndcg, recall
from rag.settings import PROJECT_DIR

SAMPLES = PROJECT_DIR / "data" / "samples"
ENGLISH = (SAMPLES / "Garden Calendar.md").read_text("utf-8")
CHINESE = (SAMPLES / "员工手册.md").read_text("utf-8")


def _cut(text: str, tokens: int) -> list[str]:
    chunks = split_sections([Section(text)], len, max_tokens=tokens, overlap_tokens=tokens // 8)
    return [chunk.text for chunk in chunks]


def test_overlap_is_the_share_of_the_shorter_text() -> None:
    assert overlap("abcdefgh", "abcdefgh") == 1.0
    assert overlap("abcdefgh", "xxabcdefghyy") == 1.0
    assert overlap("abcdefgh", "bcdefg12") == pytest.approx(1 / 3)  # of abcdef, bcdefg, cdefgh
    assert overlap("25 days", "Everyone has 25  DAYS of leave.") == 1.0
    assert overlap("", "something") == overlap("short", "other words") == 0.0


@given(st.text(), st.text())
def test_overlap_is_symmetric_and_a_share(one: str, other: str) -> None:
    assert overlap(one, other) == overlap(other, one)
    assert 0.0 <= overlap(one, other) <= 1.0


@pytest.mark.parametrize("text", [ENGLISH, CHINESE], ids=["en", "zh"])
@pytest.mark.parametrize("tokens", [80, 200, 1000])
def test_a_judgement_survives_another_cut(text: str, tokens: int) -> None:
    for quote in _cut(text, 300):
        judgement = Judgement("d", "d.md", "0", quote)
        meant = [each for each in _cut(text, tokens) if is_meant(judgement, each)]
        assert meant and all(overlap(quote, each) >= LEAST_SHARED for each in meant)
        assert len(meant) < len(_cut(text, tokens)) or tokens == 1000


def test_a_neighbour_that_shares_a_little_is_not_meant() -> None:
    chunks = _cut(ENGLISH, 300)
    assert [is_meant(Judgement("d", "d.md", "0", chunks[1]), each) for each in chunks[:3]] == [
        *(False, True, False)
    ]


def test_a_document_is_found_by_id_content_or_name() -> None:
    documents = [
        _document("new", "a.pdf", "2"),
        _document("moved", "c.pdf", "3"),
        _document("d", "d.pdf", "4"),
    ]
    judgements = [
        Judgement("d", "old name", "0", None),
        Judgement("gone", "b.pdf", "3", "text"),
        Judgement("gone", "a.pdf", "1", None, grade=0),
        Judgement("gone", "gone.pdf", "9", None),
    ]
    found = in_these_documents(judgements, documents)
    assert [(each.document_id, each.quote, each.grade) for each in found] == [
        ("d", None, 1),
        ("moved", "text", 1),
        ("new", None, 0),
    ]


def test_a_judged_text_ranks_where_a_passage_first_holds_it() -> None:
    judged = [
        Judgement("d", "d.md", "0", "the first half of it and the second half of it"),
        Judgement("e", "e.md", "0", "another text that answers the question", 2),
    ]
    passages = [
        _passage(1, "x", "the first half of it"),  # of another document
        _passage(2, "d", "the first half of it"),
        _passage(3, "d", "the second half of it"),  # holds the same judged text: takes no rank
        _passage(4, "e", "Another text that answers the question, and more."),
    ]
    order, wanted = ranking(passages, judged), relevance(judged)
    assert order[0] == "x-1" and [wanted.get(each) for each in order] == [None, 1, 2]
    assert recall(order, wanted, k=5) == 1.0
    best = 2 + 1 / math.log2(3)
    assert ndcg(order, wanted, k=10) == pytest.approx((1 / math.log2(3) + 2 / 2) / best)


def test_documents_rank_where_only_documents_were_judged() -> None:
    judged = [Judgement("d", "d.md", "0", None)]
    passages = [_passage(rank, document, "text") for rank, document in enumerate("xxxd", 1)]
    assert ranking(passages, judged) == ("x", "d")
    assert relevance(judged) == {"d": 1}


@pytest.mark.parametrize(
    ("question", "copied"),
    [
        ("When are seeds ordered?", False),
        ("so one two three four five six seven eight nine ten?", True),
        ("one two three four five six seven eight nine?", False),
    ],
)
def test_a_question_that_quotes_is_known(question: str, copied: bool) -> None:
    text = "Here: one two three four five six seven eight nine ten eleven."
    assert is_copied(question, text) is copied


def test_a_chinese_question_that_quotes_is_known() -> None:
    text = "员工工作满一年可以享受五天带薪年假。"
    assert is_copied("员工工作满一年可以享受什么？", text)
    assert not is_copied("工作满一年有几天年假？", text)


def _passage(rank: int, document: str, text: str) -> Passage:
    return Passage(rank, f"{document}-{rank}", document, document, text, 1 / rank)


def _document(key: str, name: str, sha256: str) -> Document:
    return Document(key, "c", name, sha256, "pdf", 1, "ready", "2026-11-22T00:00:00+00:00")
