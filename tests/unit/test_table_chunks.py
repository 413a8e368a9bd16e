"""Tables in chunks: the header above each group of rows, nothing lost, nothing too long."""

import time

from hypothesis import given
from hypothesis import strategies as st

from rag.chunking import split_sections
from rag.chunking.tables import Table, split_tables
from rag.documents import Chunk, Section

HEADER = "| id | name |\n| --- | --- |\n"


def table_of(rows: int) -> str:
    return HEADER + "".join(f"| {number} | name {number} |\n" for number in range(rows))


def chunks_of(text: str, max_tokens: int = 120, overlap: int = 0) -> list[Chunk]:
    return split_sections([Section(text)], len, max_tokens=max_tokens, overlap_tokens=overlap)


def test_each_part_of_a_table_has_its_header() -> None:
    chunks = chunks_of(table_of(40), overlap=30)
    assert len(chunks) > 5
    assert all(chunk.text.startswith(HEADER) and chunk.tokens <= 120 for chunk in chunks)
    rows = [row for chunk in chunks for row in chunk.text.removeprefix(HEADER).split("\n")]
    assert rows == [f"| {number} | name {number} |" for number in range(40)]


def test_text_around_a_table_stays_where_it_is() -> None:
    chunks = chunks_of(f"Prices\n\n{table_of(12)}\nThat is all.")
    assert chunks[0].text.startswith(f"Prices\n\n{HEADER}| 0 | name 0 |")
    assert chunks[-1].text.endswith("That is all.")
    assert all(HEADER in chunk.text for chunk in chunks)


def test_a_table_that_fits_stays_whole() -> None:
    table = table_of(4).strip()
    chunks = chunks_of(f"{'One sentence. ' * 8}\n\n{table}\n\n{'Another sentence. ' * 8}", max_tokens=150)
    assert sum(table in chunk.text for chunk in chunks) == 1
    assert sum(HEADER in chunk.text for chunk in chunks) == 1


def test_a_long_row_is_cut_under_a_short_header() -> None:
    words = " ".join(f"word{number}" for number in range(60))
    chunks = chunks_of(f"{HEADER}| 1 | {words} |\n| 2 | b |\n")
    assert all(chunk.text.startswith(HEADER) and chunk.tokens <= 120 for chunk in chunks)
    assert all(any(f"word{number}" in chunk.text for chunk in chunks) for number in range(60))


def test_a_header_that_is_too_long_is_text() -> None:
    names = " | ".join(f"column{number}" for number in range(40))
    chunks = chunks_of(f"| {names} |\n{'| --- ' * 40}|\n| a | b |\n")
    assert all(chunk.tokens <= 120 for chunk in chunks)
    assert all(any(f"column{number}" in chunk.text for chunk in chunks) for number in range(40))


def test_lines_that_only_look_like_tables_are_text() -> None:
    text = "a | b\n-----\n\n---\n\n| --- |\n\n- | item"
    assert list(split_tables(text)) == [text]


@given(st.text(alphabet="a|-: \n", max_size=120))
def test_tables_and_text_joined_are_the_text(text: str) -> None:
    parts = [part.text if isinstance(part, Table) else part for part in split_tables(text)]
    assert "".join(parts) == text


@given(
    st.lists(st.text(alphabet="abc|\\-: 。.", max_size=90), min_size=1, max_size=12),
    st.lists(st.text(alphabet="xyz", max_size=12), min_size=1, max_size=6),
    st.integers(min_value=8, max_value=90),
    st.integers(min_value=0, max_value=40),
)
def test_weird_tables_fit_and_are_whole(rows: list[str], names: list[str], limit: int, overlap: int) -> None:
    lines = [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}", *(f"| {row} |" for row in rows)]
    text = "before.\n\n" + "\n".join(lines) + "\n\nafter."
    chunks = chunks_of(text, limit, overlap)
    assert all(chunk.tokens == len(chunk.text) <= limit for chunk in chunks)
    found = "".join(chunk.text for chunk in chunks)
    assert all(found.count(letter) >= text.count(letter) for letter in "abcxyz")


@given(st.integers(min_value=1, max_value=400), st.integers(min_value=30, max_value=80))
def test_tokens_that_do_not_add_up_still_fit(rows: int, limit: int) -> None:
    """Like a tokeniser that needs one more token for each line break within a text."""

    def count(text: str) -> int:
        return len(text.strip()) // 2 + text.strip().count("\n")

    chunks = split_sections([Section(table_of(rows))], count, max_tokens=limit, overlap_tokens=0)
    assert all(chunk.tokens <= limit for chunk in chunks)


def test_counting_a_long_table_takes_time_by_its_length() -> None:
    counted = 0

    def count(text: str) -> int:
        nonlocal counted
        counted += len(text)
        return len(text) // 3

    table = table_of(50_000)
    begun = time.monotonic()
    chunks = split_sections([Section(table)], count, max_tokens=250, overlap_tokens=30)
    assert len(chunks) > 1000
    assert counted < 6 * len(table)
    assert time.monotonic() - begun < 20


def test_a_header_above_empty_rows_is_not_lost() -> None:
    for limit in (15, 30):
        chunks = chunks_of(f"Some text first.\n\n| x |\n| --- |\n{'|  |' * 9}\n", limit)
        assert any("x" in chunk.text.split() for chunk in chunks)
