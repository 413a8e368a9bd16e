"""CSV and JSON: every way of writing them, broken ones too."""

import json
from pathlib import Path

import pytest

from rag.documents import ParsedFile
from rag.errors import DocumentError
from rag.loaders import parse

TABLE = "| name | age |\n| --- | --- |\n| Anna | 30 |\n| Bo | 41 |"


def read(tmp_path: Path, name: str, content: str | bytes) -> ParsedFile:
    path = tmp_path / "stored"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return parse(path, name, max_pages=10)


def text_of(parsed: ParsedFile) -> str:
    return "\n\n".join(section.text for section in parsed.sections)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_delimiter(tmp_path: Path, delimiter: str) -> None:
    content = "name,age\r\nAnna,30\r\nBo,41\r\n".replace(",", delimiter)
    parsed = read(tmp_path, "a.csv", content)
    assert (parsed.kind, text_of(parsed), parsed.warnings) == ("csv", TABLE, ())


CSV = [
    # what, content, the lines of the table
    ("cells with line breaks", 'a,b\n"one\ntwo",3\n', ["| a | b |", "| one two | 3 |"]),
    ("quotes in quotes", 'a,b\n"say ""hi"", you",3\n', ['| say "hi", you | 3 |']),
    ("ragged rows", "a,b\n1\n1,2,3\n", ["| a | b | 3 |", "| 1 |  |  |", "| 1 | 2 | 3 |"]),
    ("escaped commas", "a,b\none\\, two,3\nC:\\dir,4\n", ["| one, two | 3 |", "| C:\\dir | 4 |"]),
    ("escaped quotes", 'a,b\n"a \\"big\\", \\"red\\" one",3\n', ['| a "big", "red" one | 3 |']),
    ("decimal commas", "x;y\n1,5;2,5\n3,5;4,5\n", ["| x | y |", "| 1,5 | 2,5 |"]),
    ("the delimiter named", "sep=;\na;b\n1,2;3,4\n", ["| a | b |", "| 1,2 | 3,4 |"]),
    ("no header", "Anna,30\nBo,41\n", ["| 1 | 2 |", "| Anna | 30 |"]),
    ("years as columns", "land,2019,2020\nA,1.5,2\nB,3,4\n", ["| land | 2019 | 2020 |"]),
    ("a column without a name", ",b\n0,x\n1,y\n", ["| 1 | b |", "| 0 | x |"]),
    ("one column", "word\nHello, world\nyes\n", ["| word |", "| Hello, world |"]),
    ("pipes in cells", "a,b\nx|y,2\n", ["| x\\|y | 2 |"]),
    ("a title above", "Sales of May,,\nname,n,m\nx,1,2\n", ["Sales of May", "| name | n | m |"]),
]  # fmt: skip


@pytest.mark.parametrize(("content", "lines"), [row[1:] for row in CSV], ids=[row[0] for row in CSV])
def test_csv(tmp_path: Path, content: str, lines: list[str]) -> None:
    found = text_of(read(tmp_path, "a.csv", content)).split("\n")
    assert [line for line in lines if line not in found] == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_csv_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    content = "姓名,城市\n" + "张伟,北京的东城区\n李娜,上海\n" * 5
    assert "| 姓名 | 城市 |\n| --- | --- |\n| 张伟 |" in text_of(
        read(tmp_path, "a.csv", content.encode(encoding))
    )


def test_a_quotation_mark_that_is_never_closed(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.csv", 'a,b\n1,2\n"3,4\n5,6\n')
    assert text_of(parsed).endswith('| 1 | 2 |\n| "3 | 4 |\n| 5 | 6 |')
    assert "line 3" in str(parsed.warnings[0])


def test_many_rows_and_very_long_cells(tmp_path: Path) -> None:
    long = "word " * 100_000
    content = f'id,text\n0,"{long}"\n' + "".join(f"{number},row {number}\n" for number in range(1, 50_000))
    text = text_of(read(tmp_path, "a.csv", content))
    assert long.strip() in text
    assert text.count("\n") == 50_001


def test_one_absurdly_wide_row_does_not_widen_all(tmp_path: Path) -> None:
    text = text_of(read(tmp_path, "a.csv", "a,b\n" + "1,2\n" * 20_000 + "," * 20_000 + "end\n"))
    assert "end" in text
    assert len(text) < 1_000_000


KINDS = [
    ("a.txt", "name,age\nAnna,30\n", "txt"),
    ("a.tsv", "name\tage\nAnna\t30\n", "csv"),
    ("a.csv", "<!doctype html><html><body><p>Not found</p></body></html>", "html"),
    ("a.txt", '{"a": [1, 2]}', "json"),
    ("a.txt", '{"a": 1}\n{"a": 2}\n', "json"),
    ("a.txt", "[1] Smith, a book.\n[2] Li, another.\n", "txt"),
    ("a.txt", '{"a": 1, oh no', "txt"),
    ("a.json", '{"a": 1, oh no', "json"),
    ("a.md", "[1, 2]", "md"),
]


@pytest.mark.parametrize(("name", "content", "kind"), KINDS)
def test_kinds(tmp_path: Path, name: str, content: str, kind: str) -> None:
    assert read(tmp_path, name, content).kind == kind


def test_flat_objects_are_a_table(tmp_path: Path) -> None:
    content = json.dumps([{"name": "Anna", "age": 30}, {"name": "Bo", "age": 41}])
    assert text_of(read(tmp_path, "a.json", content)) == TABLE
    assert (
        text_of(read(tmp_path, "a.jsonl", '{"name": "Anna", "age": 30}\n{"name": "Bo", "age": 41}')) == TABLE
    )


def test_nested_records_stand_under_headings(tmp_path: Path) -> None:
    record = {
        "title": "Plan", "price": 1.50, "tags": ["a", "b"], "none": None, "done": True,
        "owner": {"name": "Li", "home": {"city": "北京"}}, "parts": [{"n": 1}, {"n": 2}],
    }  # fmt: skip
    content = json.dumps(record, ensure_ascii=False).replace("1.5", "1.50")
    parsed = read(tmp_path, "a.json", content)
    assert parsed.title == "Plan"
    assert [(section.headings, section.text) for section in parsed.sections] == [
        ((), "title: Plan\nprice: 1.50\ntags: a, b\ndone: true"),
        (("owner",), "owner\n\nname: Li"),
        (("owner", "home"), "home\n\ncity: 北京"),
        (("parts",), "parts\n\n| n |\n| --- |\n| 1 |\n| 2 |"),
    ]


def test_records_with_long_texts_are_sections(tmp_path: Path) -> None:
    lines = [json.dumps({"id": number, "text": "long " * 100}) for number in (1, 2)]
    parsed = read(tmp_path, "a.jsonl", "\n".join(lines))
    assert [section.headings for section in parsed.sections] == [("1. 1",), ("2. 2",)]
    assert "id: 2\ntext: long long" in parsed.sections[1].text


def test_repeated_keys_are_all_kept(tmp_path: Path) -> None:
    assert text_of(read(tmp_path, "a.json", '{"a": 1, "a": 2}')) == "a: 1\na: 2"


def test_broken_json_is_read_as_text(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.json", '{"a": 1,\n"b": oh no}')
    assert text_of(parsed) == '{"a": 1,\n"b": oh no}'
    assert "line 2" in str(parsed.warnings[0])


def test_broken_lines_are_kept(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.jsonl", '{"a": 1}\n{"a": 2}\n{"a": \n')
    assert text_of(parsed) == '| a |\n| --- |\n| 1 |\n| 2 |\n\n{"a": '
    assert "1 lines" in str(parsed.warnings[0])


def test_deep_nesting_ends(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.json", "[" * 100_000 + "]" * 100_000)
    assert "nested too deeply" in str(parsed.warnings[0])
    parsed = read(tmp_path, "a.json", '{"a":' * 100 + '"end"' + "}" * 100)
    assert "end" in text_of(parsed)
    assert max(len(section.headings) for section in parsed.sections) < 20


@pytest.mark.parametrize("content", ["{}", "[]", "null"])
def test_empty_json_holds_no_text(tmp_path: Path, content: str) -> None:
    with pytest.raises(DocumentError, match="no text"):
        read(tmp_path, "a.json", content)
