"""The words of the keyword index: the same on both sides, for both languages."""

from pathlib import Path

import pytest

from rag import keyword_index
from rag.keyword_index import KeywordIndex, terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Library's rules", ["the", "library's", "library", "s", "rules"]),
        ("bge-m3 and C++", ["bge-m3", "bge", "m3", "and", "c++", "c"]),
        ("北京的苹果", ["北京", "京的", "的苹", "苹果"]),
        ("第5章", ["第", "5", "章"]),
        ("ＡＢＣ １２３", ["abc", "123"]),
        ("—!?。", []),
    ],
)
def test_terms(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_no_score_is_above_the_full_one(tmp_path: Path) -> None:
    index = KeywordIndex(tmp_path)
    texts = ["running dogs", "a dog runs and runs", "cats sleep", "狗在跑步", "dog"]
    index.write("test", [(str(number), "document", text) for number, text in enumerate(texts)])
    for question in ("dogs running", "狗", "跑步", "dog", "nothing of it", ""):
        hits, full_score = index.search("test", question, n=10)
        assert all(0 < score <= full_score for _, score in hits)
    assert {key for key, _ in index.search("test", "dogs running", n=10)[0]} == {"0", "1", "4"}
    index.close()


@pytest.mark.parametrize("few", [0, 2000])
@pytest.mark.parametrize("among", [range(1000, 1100), range(3, 1100, 7), range(5), range(0)])
def test_the_best_among_some_are_those_that_all_would_have_in_that_order(
    few: int, among: range, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyword_index, "FEW", few)
    index = KeywordIndex(tmp_path)
    texts = [f"a fig {'and a pear ' * (number // 50)}" for number in range(1100)]  # the last ones are longest
    index.write("test", [(str(number), "document", text) for number, text in enumerate(texts)])
    allowed = {str(number) for number in among}
    every, full_score = index.search("test", "fig", n=len(texts))
    expected = [score for key, score in every if key in allowed][:10]
    found, same = index.search("test", "fig", n=10, among=allowed)
    assert {key for key, _ in found} <= allowed
    assert ([score for _, score in found], same) == (expected, full_score)
    index.close()


def test_rewriting_and_deleting_leave_one_row_or_none(tmp_path: Path) -> None:
    index = KeywordIndex(tmp_path)
    index.write("test", [("a", "one", "apple"), ("b", "two", "apple")])
    index.write("test", [("a", "one", "pear")])
    assert index.ids("test") == {"a", "b"}
    assert [key for key, _ in index.search("test", "apple", n=5)[0]] == ["b"]
    index.delete_document("test", "two")
    assert index.ids("test") == {"a"}
    index.drop("test")
    assert index.ids("test") == set()
    index.close()


def test_what_a_killed_process_was_writing_is_in_nobodys_way(tmp_path: Path) -> None:
    index = KeywordIndex(tmp_path)
    index.write("test", [("a", "one", "apple"), ("b", "two", "apple")])
    meta = tmp_path / "keyword" / "test" / "meta.json"
    before = meta.read_bytes()
    index.delete_document("test", "one")
    index.close()
    meta.write_bytes(before)  # it had not come to that
    again = KeywordIndex(tmp_path)
    assert again.ids("test") == {"a", "b"}
    again.delete_document("test", "two")
    assert again.ids("test") == {"a"}
    again.close()


@pytest.mark.parametrize(
    ("question", "plain"),
    [
        ("北京有哪些大学？", "北京有 大学"),
        ("為什麼禁止吸煙？", "禁止吸煙"),
        ("他是谁的老师吗？", "他 的老师"),
        ("哪吒闹海", "哪吒闹海"),  # a name
        ("吗啡多少钱", "吗啡 钱"),
        ("十几年前", "十几年前"),
        ("什么", "什么"),  # nothing else is asked for
    ],
)
def test_chinese_question_words_are_not_searched_for(tmp_path: Path, question: str, plain: str) -> None:
    texts = ["北京有很多大学", "禁止吸煙", "他的老师", "哪吒闹海", "吗啡", "十几年前", "什么都有哪些为谁"]
    index = KeywordIndex(tmp_path)
    index.write("c", [(str(number), "d", text) for number, text in enumerate(texts)])
    assert index.search("c", question, n=9) == index.search("c", plain, n=9)
    index.close()
