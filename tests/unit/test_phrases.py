"""Words in quotes stand in a passage as they are; where they do in none, the search goes on without."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.retrieval import NO_PHRASE, Mode, Query
from rag.retrieval.phrases import holds_phrase, phrases_of, without_quotes
from rag.retrieval.side_by_side import MODES
from tests.fakes import WordEmbedder
from tests.library import Library
from tests.unit.test_explaining import why

TEXTS = {
    "exact.txt": "The annual leave policy is new.",
    "apart.txt": "Leave the annual report; policy comes later. Annual leave annual policy.",
    "ending.txt": "Annual leaves policies.",
    "zh.txt": "年假政策：员工每年有十天年假。",
    "zh-apart.txt": "政策规定年终放假。",
}


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(tmp_path, WordEmbedder("annual", "leave", "policy", "年", "假"))
    for name, text in TEXTS.items():
        library.add(name, text)
    yield library
    library.close()


@pytest.mark.parametrize(
    ("question", "phrases"),
    [
        ('what is "annual leave" and "sick pay"?', ["annual leave", "sick pay"]),
        ("“年假政策”是什么？「病假」呢？『工资』", ["年假政策", "病假", "工资"]),
        ('the 5" disk and the 3" disk', []),
        ('nothing "" in " … " here', []),
        ("it's the dogs' bone", []),
        ('one "open quote', []),
        ("＂全角＂", ["全角"]),
    ],
)
def test_what_is_quoted(question: str, phrases: list[str]) -> None:
    assert phrases_of(question) == phrases


def test_quotes_can_be_taken_off() -> None:
    assert without_quotes('is "annual leave" “年假” paid?') == "is annual leave 年假 paid?"


@pytest.mark.parametrize(
    ("text", "phrase", "holds"),
    [
        ("An Annual-Leave policy", "annual leave", True),
        ("annual\nleave", "ANNUAL LEAVE", True),
        ("annual leaves", "annual leave", False),
        ("manual leave", "annual leave", False),
        ("国际争端", "际争", True),
        ("国际，争端", "际争", False),
        ("bge-m3 is small", "m3 is", True),
    ],
)
def test_a_phrase_is_held_word_for_word(text: str, phrase: str, holds: bool) -> None:
    assert holds_phrase(text, phrase) is holds


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("question", "names"),
    [
        ('"annual leave policy"', {"exact.txt"}),
        ('is "annual leave" paid', {"exact.txt", "apart.txt"}),
        ('"annual leave" "leave the annual"', {"apart.txt"}),
        ("“年假政策”", {"zh.txt"}),
    ],
)
def test_only_passages_with_the_phrase_are_found(
    library: Library, question: str, names: set[str], mode: Mode
) -> None:
    found = library.retriever.search(library.collection, Query(question, k=10, mode=mode))
    assert {passage.name for passage in found.passages} == names
    assert found.phrases and not found.notices


def test_a_phrase_that_stands_nowhere_is_told_and_searched_without(library: Library) -> None:
    found = library.retriever.search(library.collection, Query('"leave policy annual"', k=10))
    assert found.notices == (NO_PHRASE,) and not found.phrases
    assert len(found.passages) == len(TEXTS)


def test_a_phrase_within_a_filter(library: Library) -> None:
    within = {"document": "apart.txt"}
    found = library.retriever.search(library.collection, Query('"annual leave"', k=10, where=within))
    assert [passage.name for passage in found.passages] == ["apart.txt"]
    elsewhere = {"document": "zh.txt"}
    other = library.retriever.search(library.collection, Query('"annual leave"', k=10, where=elsewhere))
    assert [passage.name for passage in other.passages] == ["zh.txt"] and other.notices == (NO_PHRASE,)


def test_without_the_keyword_index_quotes_are_told_to_count_for_nothing(library: Library) -> None:
    folder = next(library.settings.data_dir.glob("keyword/*"))
    library.keywords.close()
    shutil.rmtree(folder)
    folder.write_text("no folder")
    found = library.retriever.search(library.collection, Query('"annual leave"', k=10))
    assert len(found.passages) == len(TEXTS) and not found.phrases
    assert str(found.notices[0]).startswith("Quoted words were searched like all others.")


def test_why_not_names_the_phrase_that_is_missing(library: Library) -> None:
    told = why(library, '"annual leave policy"', TEXTS["apart.txt"])
    assert "“annual leave policy” word for word" in str(told.reason)
    assert told.ways[0].rank is None and told.ways[0].rank_without_filters is not None
