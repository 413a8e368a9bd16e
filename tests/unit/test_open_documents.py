"""OpenDocument texts, spreadsheets and presentations."""

import io
import zipfile
from pathlib import Path

import pytest

from rag.documents import ParsedFile
from rag.errors import DocumentError
from rag.loaders import parse

SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "text", "table", "style", "presentation", "chart", "manifest")
) + (
    ' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'
    ' xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"'
    ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:dc="http://purl.org/dc/elements/1.1/"'
)


def document_bytes(kind: str, body: str, *, automatic: str = "", **members: str) -> bytes:
    """An OpenDocument file of a kind ("text", "spreadsheet", "presentation") with this body."""
    content = (
        f"<office:document-content {SPACES}><office:automatic-styles>{automatic}</office:automatic-styles>"
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
        archive.writestr("content.xml", content)
        for name, text in members.items():
            archive.writestr(name.replace("__", "/") + ".xml", text.replace("SPACES", SPACES))
    return stream.getvalue()


def read(tmp_path: Path, content: bytes, name: str = "a.odt", password: str | None = None) -> ParsedFile:
    path = tmp_path / "stored"
    path.write_bytes(content)
    return parse(path, name, password=password, max_pages=10)


TEXT = """
<text:h text:outline-level="1">计划</text:h>
<text:p>Bring<text:s text:c="2"/>a lamp<text:note text:note-class="footnote">
<text:note-citation>1</text:note-citation>
<text:note-body><text:p>brass</text:p></text:note-body></text:note>.<office:annotation>
<dc:creator>Me</dc:creator>
<text:p>why?</text:p></office:annotation></text:p>
<text:list text:style-name="N"><text:list-item><text:p>one</text:p><text:list><text:list-item>
<text:p>deep</text:p>
</text:list-item></text:list></text:list-item><text:list-item><text:p>two</text:p></text:list-item>
</text:list>
<text:tracked-changes><text:p>struck out</text:p></text:tracked-changes>
<text:h text:outline-level="2">Costs</text:h>
<table:table><table:table-header-rows><table:table-row><table:table-cell><text:p>Item</text:p>
</table:table-cell>
<table:table-cell><text:p>Price</text:p></table:table-cell></table:table-row></table:table-header-rows>
<table:table-row><table:table-cell table:number-columns-spanned="2"><text:p>Lamp</text:p></table:table-cell>
<table:covered-table-cell/></table:table-row></table:table>
<text:p><draw:frame><draw:text-box><text:p>in a box</text:p></draw:text-box></draw:frame>
<draw:frame><draw:image/><svg:title>一只猫</svg:title></draw:frame></text:p>
"""
NUMBERS = (
    '<text:list-style style:name="N"><text:list-level-style-number text:level="1" style:num-format="1"'
    ' style:num-suffix=")"/><text:list-level-style-bullet text:level="2"/></text:list-style>'
)
FOOTER = (
    "<office:document-styles SPACES><office:master-styles><style:master-page><style:footer>"
    "<text:p>Page <text:page-number>1</text:page-number> of us</text:p></style:footer></style:master-page>"
    "</office:master-styles></office:document-styles>"
)


def test_texts_keep_their_structure(tmp_path: Path) -> None:
    parsed = read(tmp_path, document_bytes("text", TEXT, automatic=NUMBERS, styles=FOOTER))
    assert parsed.kind == "odt"
    assert [section.headings for section in parsed.sections] == [(), ("计划",), ("计划", "Costs")]
    assert [section.text for section in parsed.sections] == [
        "Page  of us",
        "计划\n\nBring  a lamp.\n\n[Footnote] brass\n\n[Comment] why?\n\n1) one\n  - deep\n2) two",
        "Costs\n\n| Item | Price |\n| --- | --- |\n| Lamp |  |\n\nin a box\n\n[Picture] 一只猫",
    ]


SHEETS = """
<table:table table:name="表一">
<table:table-column table:number-columns-repeated="3"/><table:table-column table:visibility="collapse"/>
<table:table-row><table:table-cell office:value-type="string"><text:p>Day</text:p></table:table-cell>
<table:table-cell office:value-type="string"><text:p>Value</text:p></table:table-cell>
<table:table-cell office:value-type="string"><text:p>Share</text:p></table:table-cell>
<table:table-cell office:value-type="string"><text:p>Paid</text:p></table:table-cell>
<table:table-cell table:number-columns-repeated="16380"/></table:table-row>
<table:table-row table:visibility="filter">
<table:table-cell office:value-type="date" office:date-value="2024-03-05">
<text:p>5.3.24</text:p></table:table-cell><table:table-cell office:value-type="float" office:value="5">
<office:annotation><text:p>odd</text:p></office:annotation><text:p>5.0</text:p></table:table-cell>
<table:table-cell office:value-type="percentage" office:value="0.256"><text:p>25.6%</text:p>
</table:table-cell>
<table:table-cell office:value-type="boolean" office:boolean-value="true"><text:p>WAHR</text:p>
</table:table-cell>
</table:table-row>
<table:table-row table:number-rows-repeated="2"><table:table-cell office:value-type="time"
 office:time-value="PT09H05M00S"/>
<table:table-cell office:value-type="time" office:time-value="PT10H00M00S">
<text:p>10</text:p></table:table-cell></table:table-row>
<table:table-row table:number-rows-repeated="1048000">
<table:table-cell table:number-columns-repeated="16384"/>
</table:table-row></table:table>
<table:table table:name="Two" table:style-name="off"><table:table-row><table:table-cell>
<text:p>secret</text:p>
</table:table-cell></table:table-row></table:table>
<table:table table:name="Blank"/>
"""
HIDING = '<style:style style:name="off"><style:table-properties table:display="false"/></style:style>'


def test_spreadsheets_are_read_like_excels(tmp_path: Path) -> None:
    parsed = read(tmp_path, document_bytes("spreadsheet", SHEETS, automatic=HIDING), "a.ods")
    assert parsed.kind == "ods"
    assert [section.headings for section in parsed.sections] == [("表一",), ("Two",)]
    assert parsed.sections[0].text == (
        "表一\n\n| Day | Value | Share | Paid |\n| --- | --- | --- | --- |\n"
        "| 2024-03-05 | 5 [Comment] odd | 25.6% | TRUE |\n|  | 10:00:00 |  |  |\n|  | 10:00:00 |  |  |"
    )
    assert [str(notice) for notice in parsed.warnings] == [
        "Hidden sheets were read like the others: Two.",
        "1 hidden rows and 1 hidden columns were read like the others, on: 表一.",
    ]


def test_a_repetition_is_not_believed_beyond_reason(tmp_path: Path) -> None:
    body = (
        '<table:table table:name="T"><table:table-row table:number-rows-repeated="999999">'
        '<table:table-cell table:number-columns-repeated="16384"><text:p>x</text:p></table:table-cell>'
        "</table:table-row></table:table>"
    )
    assert len(read(tmp_path, document_bytes("spreadsheet", body), "a.ods").sections[0].text) < 1_000_000


SLIDES = """
<draw:page draw:name="1"><draw:frame svg:x="1cm" svg:y="9cm" svg:width="5cm" svg:height="1cm">
<draw:text-box>
<text:p>low</text:p></draw:text-box></draw:frame>
<draw:frame presentation:class="title"><draw:text-box><text:p>标题</text:p></draw:text-box></draw:frame>
<draw:g><draw:g><draw:frame svg:x="1cm" svg:y="5cm" svg:width="5cm" svg:height="1cm">
<draw:text-box><text:list>
<text:list-item><text:p>a</text:p><text:list><text:list-item><text:p>b</text:p></text:list-item></text:list>
</text:list-item></text:list></draw:text-box></draw:frame></draw:g></draw:g>
<draw:frame svg:x="1cm" svg:y="7cm" svg:width="5cm" svg:height="1cm">
<draw:object xlink:href="./Object 1"/></draw:frame>
<office:annotation><text:p>good</text:p></office:annotation>
<presentation:notes><draw:frame presentation:class="notes"><draw:text-box><text:p>smile</text:p>
</draw:text-box>
</draw:frame></presentation:notes></draw:page>
<draw:page draw:name="2" draw:style-name="off"><draw:custom-shape><text:p>shape</text:p>
</draw:custom-shape></draw:page>
"""
CHART = (
    "<office:document-content SPACES><office:body><office:chart><chart:chart><chart:title>"
    '<text:p>份额</text:p></chart:title><table:table table:name="local-table"><table:table-rows>'
    "<table:table-row><table:table-cell/>"
    "<table:table-cell><text:p>去年</text:p></table:table-cell></table:table-row><table:table-row>"
    "<table:table-cell><text:p>甲</text:p></table:table-cell><table:table-cell><text:p>3</text:p>"
    "</table:table-cell></table:table-row></table:table-rows></table:table></chart:chart></office:chart>"
    "</office:body></office:document-content>"
)
OFF = (
    '<style:style style:name="off"><style:drawing-page-properties presentation:visibility="hidden"/>'
    "</style:style>"
)


def test_presentations_are_read_like_powerpoints(tmp_path: Path) -> None:
    content = document_bytes("presentation", SLIDES, automatic=OFF, **{"Object 1__content": CHART})
    parsed = read(tmp_path, content, "a.odp")
    assert (parsed.kind, parsed.pages) == ("odp", 2)
    assert [(section.page, section.headings) for section in parsed.sections] == [(1, ("标题",)), (2, ())]
    assert parsed.sections[0].text == (
        "标题\n\n- a\n  - b\n\n份额\n\n|  | 去年 |\n| --- | --- |\n| 甲 | 3 |\n\nlow\n\n"
        "[Comment] good\n\n[Notes] smile"
    )
    assert [str(notice) for notice in parsed.warnings] == ["Hidden slides were read like the others: 2."]


def test_encrypted_ones_say_so(tmp_path: Path) -> None:
    manifest = "<manifest:manifest SPACES><manifest:encryption-data/></manifest:manifest>"
    content = document_bytes("text", "", **{"META-INF__manifest": manifest})
    with pytest.raises(DocumentError, match="Save it without a password"):
        read(tmp_path, content)


@pytest.mark.parametrize("kind", ["text", "spreadsheet", "presentation"])
def test_broken_ones_say_so(tmp_path: Path, kind: str) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
        archive.writestr("content.xml", "this is no XML")
    with pytest.raises(DocumentError, match="damaged"):
        read(tmp_path, stream.getvalue())
