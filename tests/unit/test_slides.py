"""Presentations: a page for each slide, in the order in which people read it."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pptx
import pytest
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from rag.documents import ParsedFile
from rag.errors import DocumentError
from rag.loaders import parse
from rag.loaders.reading_order import Box, reading_order


def slides_bytes(*fill: Callable[[Any], None], layout: int = 5) -> bytes:
    """A presentation with a slide for each function that fills one."""
    presentation = pptx.Presentation()
    for each in fill:
        each(presentation.slides.add_slide(presentation.slide_layouts[layout]))
    stream = io.BytesIO()
    presentation.save(stream)
    return stream.getvalue()


def read(tmp_path: Path, content: bytes, max_pages: int = 10) -> ParsedFile:
    path = tmp_path / "stored"
    path.write_bytes(content)
    return parse(path, "talk.pptx", max_pages=max_pages)


def box(shapes: Any, text: str, left: float, top: float) -> None:
    shapes.add_textbox(Inches(left), Inches(top), Inches(3), Inches(0.5)).text_frame.text = text


def test_lists_have_depth_and_notes_are_kept(tmp_path: Path) -> None:
    def fill(slide: Any) -> None:
        slide.shapes.title.text = "季度报告\v上半年"
        frame = slide.placeholders[1].text_frame
        frame.text = "第一点"
        detail = frame.add_paragraph()
        detail.text, detail.level = "细节", 1
        slide.notes_slide.notes_text_frame.text = "记得微笑"

    parsed = read(tmp_path, slides_bytes(fill, layout=1))
    section = parsed.sections[0]
    assert (parsed.kind, parsed.pages, section.page) == ("pptx", 1, 1)
    assert section.headings == ("季度报告 上半年",)
    assert section.text == "季度报告 上半年\n\n- 第一点\n  - 细节\n\n[Notes] 记得微笑"


def test_shapes_are_read_by_their_place(tmp_path: Path) -> None:
    def fill(slide: Any) -> None:
        slide.shapes.title.text = "Order"
        for text, left, top in (("d", 5, 4), ("c", 5, 2), ("b", 0.5, 4), ("e", 2, 6), ("a", 0.5, 2)):
            box(slide.shapes, text, left, top)
        inner = slide.shapes.add_group_shape().shapes.add_group_shape()
        box(inner.shapes, "deep", 1, 7)

    text = read(tmp_path, slides_bytes(fill)).sections[0].text
    assert text in (
        "Order\n\na\n\nb\n\nc\n\nd\n\ne\n\ndeep",
        "Order\n\na\n\nc\n\nb\n\nd\n\ne\n\ndeep",
    )


def test_reading_order_takes_columns_whole() -> None:
    left, low, right = Box(0, 0, 400, 100), Box(0, 150, 400, 900), Box(900_000, 0, 400, 500)
    boxes = [None, Box(0, 2_000_000, 1_000_000, 10), right, low, left]
    assert reading_order(boxes) == [4, 3, 2, 1, 0]


def test_charts_and_tables_become_tables(tmp_path: Path) -> None:
    def chart(slide: Any) -> None:
        data = CategoryChartData(number_format="0%")
        data.categories = ["甲", "乙"]
        data.add_series("去年", (0.1, 0.25))
        data.add_series("今年", (0.3, None))
        place = (Inches(1), Inches(1), Inches(4), Inches(3))
        shape = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, data)
        shape.chart.has_title = True
        shape.chart.chart_title.text_frame.text = "份额"

    def table(slide: Any) -> None:
        frame = slide.shapes.add_table(3, 3, Inches(1), Inches(1), Inches(5), Inches(2))
        cells = frame.table
        cells.cell(0, 0).merge(cells.cell(1, 0))
        cells.cell(0, 1).merge(cells.cell(0, 2))
        for place, text in {(0, 0): "地区", (0, 1): "2024", (1, 1): "上", (1, 2): "下", (2, 0): "北"}.items():
            cells.cell(*place).text = text
        slide.shapes.add_group_shape()._element.append(frame._element)
        slide._element.set("show", "0")

    parsed = read(tmp_path, slides_bytes(chart, table, layout=6))
    assert parsed.sections[0].text == (
        "份额\n\n|  | 去年 | 今年 |\n| --- | --- | --- |\n| 甲 | 10% | 30% |\n| 乙 | 25% |  |"
    )
    assert parsed.sections[1].text == "| 地区 | 2024 上 | 2024 下 |\n| --- | --- | --- |\n| 北 |  |  |"
    assert [str(notice) for notice in parsed.warnings] == ["Hidden slides were read like the others: 2."]


def test_pictures_are_told_by_their_alt_text(tmp_path: Path) -> None:
    def fill(slide: Any) -> None:
        for text, top in (("一只猫", 1), ("Picture 3", 3)):
            box(slide.shapes, "", 1, top)
            slide.shapes[-1]._element.nvSpPr.cNvPr.set("descr", text)

    assert read(tmp_path, slides_bytes(fill, layout=6)).sections[0].text == "[Picture] 一只猫"


def without(content: bytes, member: str, *, keep: float = 0) -> bytes:
    """A presentation with a part cut, or gone."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w") as new:
        for info in old.infolist():
            kept = old.read(info)
            if info.filename == member:
                kept = kept[: int(len(kept) * keep)]
            if kept:
                new.writestr(info.filename, kept)
    return stream.getvalue()


def titled(title: str) -> Callable[[Any], None]:
    def fill(slide: Any) -> None:
        slide.shapes.title.text = title

    return fill


@pytest.mark.parametrize(
    ("member", "keep", "titles"),
    [
        ("ppt/presentation.xml", 0, ["one", "two"]),
        ("_rels/.rels", 0.1, ["one", "two"]),
        ("ppt/slides/slide1.xml", 0, ["two"]),
        ("ppt/slides/slide1.xml", 0.9, ["one", "two"]),
        ("ppt/slideLayouts/slideLayout6.xml", 0.5, ["one", "two"]),
    ],
)
def test_damage_costs_only_what_it_hit(tmp_path: Path, member: str, keep: float, titles: list[str]) -> None:
    content = slides_bytes(titled("one"), titled("two"))
    parsed = read(tmp_path, without(content, member, keep=keep))
    assert [section.text for section in parsed.sections] == titles
    assert "damaged" in parsed.warnings[0].message


def test_too_many_slides_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="has 2 pages"):
        read(tmp_path, slides_bytes(titled("one"), titled("two")), max_pages=1)
