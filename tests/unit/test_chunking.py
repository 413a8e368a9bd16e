"""Chunks: nothing lost, nothing too long, cut where a reader would cut."""

import re

from hypothesis import given
from hypothesis import strategies as st

from rag.chunking import split_sections, split_sentences
from rag.documents import Chunk, Section


def count_characters(text: str) -> int:
    return len(text)


def count_words(text: str) -> int:
    return len(re.findall(r"\w+|[^\w\s]", text))


def chunks_of(*sections: Section, max_tokens: int = 40, overlap: int = 0) -> list[Chunk]:
    return split_sections(sections, count_characters, max_tokens=max_tokens, overlap_tokens=overlap)


@given(st.text())
def test_sentences_joined_are_the_text(text: str) -> None:
    assert "".join(split_sentences(text)) == text


def test_sentences_of_both_languages() -> None:
    text = "Dr. Li agreed, e.g. in Fig. 3. Was it so? “Yes!” 他同意了。“真的吗？”是的；好！"
    assert [sentence.strip() for sentence in split_sentences(text)] == [
        "Dr. Li agreed, e.g. in Fig. 3.",
        "Was it so?",
        "“Yes!”",
        "他同意了。",
        "“真的吗？”",
        "是的；",
        "好！",
    ]


@given(
    st.lists(st.text(alphabet="ab 。.,，\n", max_size=200), max_size=4),
    st.integers(min_value=8, max_value=60),
    st.integers(min_value=0, max_value=30),
)
def test_no_chunk_is_too_long_and_no_letter_is_lost(texts: list[str], limit: int, overlap: int) -> None:
    sections = [Section(text, page=number) for number, text in enumerate(texts)]
    chunks = split_sections(sections, count_characters, max_tokens=limit, overlap_tokens=overlap)
    assert all(chunk.tokens == len(chunk.text) <= limit for chunk in chunks)
    for number, text in enumerate(texts):
        found = "".join(chunk.text for chunk in chunks if chunk.page == number)
        assert all(found.count(letter) >= text.count(letter) for letter in "ab")


def test_without_overlap_the_chunks_are_the_text() -> None:
    text = "One two three. Four five six. Seven eight nine. Ten eleven twelve."
    chunks = chunks_of(Section(text), max_tokens=32)
    assert len(chunks) > 1
    assert " ".join(chunk.text for chunk in chunks) == text


def test_neighbours_share_whole_sentences() -> None:
    text = "甲乙丙丁。戊己庚辛。壬癸子丑。寅卯辰巳。"
    chunks = chunks_of(Section(text), max_tokens=15, overlap=5)
    assert [chunk.text for chunk in chunks] == ["甲乙丙丁。戊己庚辛。壬癸子丑。", "壬癸子丑。寅卯辰巳。"]


def test_chunks_of_a_section_are_about_equal() -> None:
    text = " ".join(f"Sentence number {number} ends here." for number in range(11))
    sizes = [
        chunk.tokens
        for chunk in split_sections([Section(text)], count_words, max_tokens=50, overlap_tokens=0)
    ]
    assert max(sizes) - min(sizes) <= 6


def test_long_sentence_is_cut_after_a_clause() -> None:
    chunks = chunks_of(
        Section("这句话没有句号，但是有逗号，所以在逗号后面断开，而不是在词中间"), max_tokens=16
    )
    assert all(chunk.text.endswith("，") for chunk in chunks[:-1])


def test_one_long_line_costs_no_more_than_its_length() -> None:
    counted = longest = 0

    def count(text: str) -> int:
        nonlocal counted, longest
        counted, longest = counted + len(text), max(longest, len(text))
        return len(text) // 3

    line = "x" * 100_000
    chunks = split_sections([Section(line)], count, max_tokens=100, overlap_tokens=0)
    assert "".join(chunk.text for chunk in chunks) == line
    assert counted < 60 * len(line)
    assert longest < 3000  # tokens by the million would not fit in memory


def test_short_sections_of_a_page_come_together_under_the_heading_they_share() -> None:
    chunks = chunks_of(
        Section("First.", headings=("Guide", "A")),
        Section("Second.", headings=("Guide", "B")),
        Section("On another page.", page=2, headings=("Guide", "C")),
        max_tokens=80,
    )
    assert [(chunk.headings, chunk.text) for chunk in chunks] == [
        (("Guide",), "First.\n\nSecond."),
        (("Guide", "C"), "On another page."),
    ]


def test_headings_count_and_outer_ones_give_way() -> None:
    section = Section("x " * 30, headings=("A very long outer heading indeed", "Inner"))
    chunks = chunks_of(section, max_tokens=30)
    assert {chunk.headings for chunk in chunks} == {("Inner",)}
    assert all(chunk.tokens == len(chunk.embedded_text) <= 30 for chunk in chunks)


def test_stretches_without_letters_are_dropped() -> None:
    assert chunks_of(Section("— * * * —"), Section("")) == []
