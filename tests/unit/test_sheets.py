"""Spreadsheets: values as people see them, and tables as people would cut them out."""

import io
import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path

import openpyxl
import pytest
from msoffcrypto.format.ooxml import OOXMLFile
from openpyxl.comments import Comment
from openpyxl.workbook import Workbook

from rag.documents import ParsedFile
from rag.errors import DocumentError
from rag.loaders import parse
from rag.loaders.cell_format import general, shown
from rag.loaders.sheet_blocks import Row, blocks
from rag.loaders.tables import Merge


def workbook_bytes(fill: Callable[[Workbook], None]) -> bytes:
    workbook = openpyxl.Workbook()
    fill(workbook)
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def changed(content: bytes, member: str, change: Callable[[bytes], bytes]) -> bytes:
    """An archive with one member changed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w") as new:
        for info in old.infolist():
            kept = old.read(info)
            new.writestr(info.filename, change(kept) if info.filename == member else kept)
    return stream.getvalue()


def read(tmp_path: Path, content: bytes, name: str = "book.xlsx") -> ParsedFile:
    path = tmp_path / "stored"
    path.write_bytes(content)
    return parse(path, name, max_pages=10)


def chinese(workbook: Workbook) -> None:
    sheet = workbook.active
    sheet.title = "销售表"
    sheet.append(["产品", "数量", "日期", "占比", "在售"])
    sheet.append(["苹果", 5.0, date(2024, 3, 5), 0.256, True])
    sheet.append([None, None, None, None, None])
    sheet.append(["梨", 0.1 + 0.2, datetime(2024, 3, 5, 14, 30), 0.5, False])
    sheet["D2"].number_format = "0.0%"
    sheet["D4"].number_format = "0%"
    sheet["A2"].comment = Comment("特价", "我")
    sheet["B1"].comment = Comment("单位：箱", "我")
    workbook.create_sheet("空")


def test_values_are_those_people_see(tmp_path: Path) -> None:
    parsed = read(tmp_path, workbook_bytes(chinese))
    assert parsed.kind == "xlsx"
    assert [section.headings for section in parsed.sections] == [("销售表",)]
    assert parsed.sections[0].text == (
        "销售表\n\n"
        "| 产品 | 数量 | 日期 | 占比 | 在售 |\n| --- | --- | --- | --- | --- |\n"
        "| 苹果 [Comment] 特价 | 5 | 2024-03-05 | 25.6% | TRUE |\n"
        "| 梨 | 0.3 | 2024-03-05 14:30 | 50% | FALSE |\n\n"
        "[Comment] 数量: 单位：箱"
    )
    assert parsed.warnings == ()


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (1234.5, "#,##0.00", "1,234.50"),
        (-1234.5, '_(* #,##0.00_);_(* \\(#,##0.00\\);_(* "-"??_)', "-1,234.50"),
        (3.1, '"¥"#,##0.00', "¥3.10"),
        (9.5, "#,##0.00 [$€-407]", "9.50 €"),
        (1500, '#,##0,"K"', "2 K"),
        (7, "0000", "0007"),
        (5, '0 "h"', "5 h"),
        (1.5e-7, "0.00E+00", "1.5e-07"),
        (0.5, "# ?/?", "0.5"),
        (12, "G/通用格式", "12"),
        (45356, 'yyyy"年"m"月"d"日"', "2024-03-05"),
        (45356.25, "m/d/yy h:mm", "2024-03-05 06:00"),
        (0.5, "h:mm:ss AM/PM", "12:00"),
        (1.25, "[h]:mm", "30:00"),
        (1, "yyyy-mm-dd", "1900-01-01"),
        (-5, "yyyy-mm-dd", "-5"),
        (1e9, "yyyy-mm-dd", "1000000000"),
        (1e300, "yyyy-mm-dd", general(1e300)),
    ],
)
def test_formats(value: float, code: str, text: str) -> None:
    assert shown(value, code) == text


def test_days_may_count_from_1904() -> None:
    assert shown(1, "yyyy-mm-dd", since_1904=True) == "1904-01-02"


def test_merged_cells_are_read_in_every_line(tmp_path: Path) -> None:
    def fill(workbook: Workbook) -> None:
        sheet = workbook.active
        for row in (["Sales"], ["Region", "2022", None, "2023"], [None, "Q1", "Q2", "Q1"],
                    ["North", 1, 2, 3], [None, 4, 5, 6]):  # fmt: skip
            sheet.append(row)
        for area in ("A1:D1", "A2:A3", "B2:C2", "A4:A5"):
            sheet.merge_cells(area)

    assert read(tmp_path, workbook_bytes(fill)).sections[0].text == (
        "Sheet\n\nSales\n\n| Region | 2022 Q1 | 2022 Q2 | 2023 Q1 |\n| --- | --- | --- | --- |\n"
        "| North | 1 | 2 | 3 |\n| North | 4 | 5 | 6 |"
    )


def rows(*texts: str) -> list[Row]:
    """Rows written as "a,b,,c"; blank ones are left out."""
    split = [{column: text for column, text in enumerate(line.split(",")) if text} for line in texts]
    return [Row(number, cells) for number, cells in enumerate(split) if cells]


@pytest.mark.parametrize(
    ("lines", "tables"),
    [
        (("Name,City", "Ann,5", "", "Bob,6"), 1),
        (("Name,City", "Ann,5", "", "Year,Sales", "May,7"), 2),
        (("Name,City,,Item,Price", "Ann,Rome,,Pen,2", "Bob,Oslo,,Ink,3"), 2),
        ((",2022,,2023", "North,1,,2", "South,3,,4"), 1),
        (("A,B", "1,2", ",,C,D", ",,3,4"), 2),
        (("Name,Cost", "Ann,5", "Name,Gain", "Ann,6"), 2),
        (("Name,City", "Ann,5", "", "Assets", "", "Bob,6"), 1),
    ],
)
def test_blocks_of_a_sheet(lines: tuple[str, ...], tables: int) -> None:
    found = list(blocks(rows(*lines), []))
    assert sum(block.startswith("|") for block in found) == tables


def test_a_title_and_a_note_are_no_part_of_the_table() -> None:
    found = list(blocks(rows("Title", "Name,Age", "Ann,5", "", "a note"), [Merge(0, 0, 1, 2)]))
    assert found == ["Title", "| Name | Age |\n| --- | --- |\n| Ann | 5 |", "a note"]


def test_a_thin_sheet_makes_no_huge_table() -> None:
    scattered = [Row(number, {number: "x", number + 1: "y"}) for number in range(16_000)]
    assert sum(map(len, blocks(scattered, []))) < 1_000_000


def test_what_is_hidden_is_told(tmp_path: Path) -> None:
    def fill(workbook: Workbook) -> None:
        chinese(workbook)
        workbook.active.row_dimensions[4].hidden = True
        workbook.active.column_dimensions["E"].hidden = True
        secret = workbook.create_sheet("密")
        secret["A1"] = "secret"
        secret.sheet_state = "veryHidden"

    parsed = read(tmp_path, workbook_bytes(fill))
    assert "secret" in parsed.sections[1].text
    assert [str(notice) for notice in parsed.warnings] == [
        "Hidden sheets were read like the others: 密.",
        "1 hidden rows and 1 hidden columns were read like the others, on: 销售表.",
    ]


def test_formulas_give_their_result_or_are_told(tmp_path: Path) -> None:
    def fill(workbook: Workbook) -> None:
        workbook.active.append(["Total", "=SUM(B2:B3)"])
        workbook.active.append(["Time", time(9, 5)])

    content = workbook_bytes(fill)
    parsed = read(tmp_path, content)
    assert "=SUM(B2:B3)" in parsed.sections[0].text
    assert "Formulas without a saved result" in parsed.warnings[0].message
    with_result = re.compile(rb"</f><v>(</v>)?|</f><v ?/>")

    def save(xml: bytes) -> bytes:
        return with_result.sub(b"</f><v>42</v>", xml, count=1)

    saved = changed(content, "xl/worksheets/sheet1.xml", save)
    parsed = read(tmp_path, saved)
    assert "| Total | 42 |" in parsed.sections[0].text
    assert "09:05" in parsed.sections[0].text
    assert parsed.warnings == ()


def test_a_declared_range_costs_nothing(tmp_path: Path) -> None:
    def fill(workbook: Workbook) -> None:
        workbook.active["A1"] = "near"
        workbook.active["XFD1048576"] = "far"

    assert read(tmp_path, workbook_bytes(fill)).sections[0].text == "Sheet\n\nnear\n\nfar"


def test_a_cut_sheet_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    content = workbook_bytes(chinese)
    cut = changed(content, "xl/worksheets/sheet1.xml", lambda xml: xml[: xml.index(b'<row r="4"')])
    parsed = read(tmp_path, cut)
    assert "苹果" in parsed.sections[0].text
    assert "梨" not in parsed.sections[0].text
    assert "damaged" in parsed.warnings[0].message


def test_a_workbook_without_sheets_is_damaged(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(DocumentError, match="damaged"):
        read(tmp_path, stream.getvalue())


def test_entities_are_not_fetched_or_multiplied(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    declared = (
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}"><!ENTITY a "{"ha" * 500}">'
        f'<!ENTITY b "{"&a;" * 500}">]>'
    ).encode()

    def poison(xml: bytes) -> bytes:
        return xml.replace(b"<sst", declared + b"<sst", 1).replace("苹果".encode(), b"before &e; &b; after")

    try:
        parsed = read(tmp_path, changed(workbook_bytes(chinese), "xl/sharedStrings.xml", poison))
    except DocumentError as error:
        assert "damaged" in str(error)
        return
    text = "".join(section.text for section in parsed.sections)
    assert "the secret" not in text
    assert "haha" not in text


def test_an_encrypted_workbook_is_read_with_its_password(tmp_path: Path) -> None:
    stream = io.BytesIO()
    OOXMLFile(io.BytesIO(workbook_bytes(chinese))).encrypt("密码1", stream)
    with pytest.raises(DocumentError, match="needs a password"):
        read(tmp_path, stream.getvalue())
    parsed = parse(tmp_path / "stored", "book.xlsx", password="密码1", max_pages=10)
    assert parsed.kind == "xlsx"
    assert "苹果" in parsed.sections[0].text
