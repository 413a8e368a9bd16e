"""Reading files: by a table of file, must contain, must not contain; and the parts that are pure."""

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import pytest
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls
from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from rag.documents import Notice, ParsedFile, Section
from rag.errors import DocumentError
from rag.loaders import parse, render_page
from rag.loaders.characters import clean
from rag.loaders.encodings import decode
from rag.loaders.page_picture import find_passage
from rag.loaders.pages import page_ranges
from rag.loaders.pdf_structure import Entry, headings_by_page
from rag.loaders.pdf_text import Line, paragraphs, without_running_heads
from rag.loaders.wire import error_from_row, error_to_row, parsed_from_dict, parsed_to_dict

Placed = tuple[float, float, str]


def pdf_bytes(pages: list[list[Placed]], prepare: Callable[[PdfWriter], None] = lambda _: None) -> bytes:
    """A PDF with Helvetica 12 at (x, y) from the lower left corner of A4 pages."""
    writer = PdfWriter()
    font = DictionaryObject({
        NameObject("/Type"): NameObject("/Font"),
        NameObject("/Subtype"): NameObject("/Type1"),
        NameObject("/BaseFont"): NameObject("/Helvetica"),
    })  # fmt: skip
    for placed in pages:
        page = writer.add_blank_page(595, 842)
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
        )
        content = DecodedStreamObject()
        marks = "".join(f"BT /F1 12 Tf 1 0 0 1 {x} {y} Tm ({text}) Tj ET\n" for x, y, text in placed)
        content.set_data(marks.encode("latin-1"))
        page[NameObject("/Contents")] = writer._add_object(content)
    prepare(writer)
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


def word_bytes(fill: Callable[[docx.document.Document], None]) -> bytes:
    document = docx.Document()
    fill(document)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def zip_bytes(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return stream.getvalue()


def zip_of_empty_files(count: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(count - 1):
            archive.writestr(f"word/{number}", b"")
        archive.writestr("word/document.xml", b"")
    return stream.getvalue()


INFLATED = b" " * (21 << 20)


def lying(archive: bytes) -> bytes:
    """The archive, whose directory says that what is large has a hundred bytes."""
    return archive.replace(struct.pack("<L", len(INFLATED)), struct.pack("<L", 100))


def pdf_of(*objects: str) -> bytes:
    """A PDF of these objects, from 2 on, of which the first is its tree of pages."""
    numbered = "".join(f"{number} 0 obj<<{each}>>endobj\n" for number, each in enumerate(objects, 2))
    catalog = "1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj"
    return f"%PDF-1.4\n{catalog}\n{numbered}trailer<</Root 1 0 R/Size 9>>\n%%EOF".encode()


def deep_tables(document: docx.document.Document) -> None:
    inner = document.element.body
    for _ in range(100):
        for tag in ("w:tbl", "w:tr", "w:tc"):
            inner.append(OxmlElement(tag))
            inner = inner[-1]


LAUGHS = b"<!DOCTYPE a [<!ENTITY a0 'ha'>%s]><a>&a9;</a>" % b"".join(
    b"<!ENTITY a%d '%s'>" % (level, b"&a%d;" % (level - 1) * 10) for level in range(1, 10)
)


def everything(document: docx.document.Document) -> None:
    document.add_heading("Plan", 1)
    document.add_paragraph("Bring a lamp", style="List Bullet")
    document.add_paragraph("Bring a rope", style="List Bullet")
    document.add_heading("Costs", 2)
    table = document.add_table(2, 2)
    for cell, text in zip(table._cells, ("Item", "Price", "Lamp", "7 | 8"), strict=True):
        cell.text = text
    changed = document.add_paragraph("kept ")
    deleted = OxmlElement("w:del")
    deleted.append(parse_xml(f"<w:r {nsdecls('w')}><w:delText>struck out</w:delText></w:r>"))
    changed._p.append(deleted)
    changed._p.append(parse_xml(f"<w:ins {nsdecls('w')}><w:r><w:t>put in</w:t></w:r></w:ins>"))
    boxed = "<w:txbxContent><w:p><w:r><w:t>in a box</w:t></w:r></w:p></w:txbxContent>"
    box = f"<w:r {nsdecls('w')}><w:pict>{boxed}</w:pict></w:r>"
    changed._p.append(parse_xml(box))
    held = parse_xml(
        f"<w:sdt {nsdecls('w')}><w:sdtContent><w:p><w:r><w:t>in a field</w:t></w:r></w:p>"
        "</w:sdtContent></w:sdt>"
    )
    document.element.body.insert(0, held)
    document.sections[0].header.paragraphs[0].text = "House of Lamps"
    document.add_comment(changed.runs, text="ask Anna", author="B")


PAGE = """<!doctype html><html><head><title>A &amp; B</title><meta charset="utf-8">
<style>p {}</style></head><body>
<nav>Home</nav><h1>Lamps</h1><p>Oil
 lamps<br>burn.</p><script>alert(1)</script><div hidden>secret</div><p style="display: none">hidden</p>
<h2>Prices</h2><table><tr><th>Item</th><th>Price</th></tr><tr><td>Lamp</td><td>7&nbsp;€</td></tr></table>
<ul><li>one<ul><li>two</li></ul></li></ul><img src="http://x.example/y.png" alt="a lamp"></body></html>"""
MARKDOWN = """---
title: "Lamps of old"
---
intro

# Oil *lamps*

```
# not a heading
```

| a | b |
|---|---|
| 1 | 2 |
"""
LABELLED = pdf_bytes(
    [[(72, 780, "Foreword of this book")], [(72, 780, "Chapter text")]],
    lambda writer: (
        writer.set_page_label(0, 0, style="/r"),
        writer.set_page_label(1, 1, style="/D", start=1),
        writer.add_outline_item(title="Lamps", page_number=1),
    )[0],
)
HYPHENATED = pdf_bytes(
    [[(72, 700, "The lamp was consid-"), (72, 686, "ered bright."), (72, 640, "Next part.")]]
)

READABLE = [
    # name, content, kind, must contain, must not contain
    ("a.txt", b"\xef\xbb\xbfone\r\ntwo\x00\x07\xe2\x80\x8b!", "txt", ["one\ntwo!"], ["\r", "\ufeff", "\x00"]),
    ("law.txt", "总纲\n第一章 总则\n第一条 为了。".encode("gb18030"), "txt", ["第一条 为了。"], ["\ufffd"]),
    ("a.md", MARKDOWN.encode(), "md", ["# Oil *lamps*", "# not a heading", "| 1 | 2 |", "intro"], ["title:"]),
    ("a.html", PAGE.encode(), "html", ["Oil lamps\nburn.", "| Lamp | 7 € |", "- one\n  - two", "a lamp"],
     ["alert", "secret", "hidden", "Home", "x.example"]),
    ("page.txt", PAGE.encode(), "html", ["Lamps"], []),
    ("a.docx", word_bytes(everything),
     "docx", ["- Bring a lamp\n- Bring a rope", "| Item | Price |\n| --- | --- |\n| Lamp | 7 \\| 8 |",
              "kept put in", "in a box", "in a field", "House of Lamps",
              "[Comment] ask Anna"], ["struck out"]),
    ("named.txt", word_bytes(everything), "docx", ["Bring a lamp"], []),
    ("a.pdf", HYPHENATED, "pdf", ["The lamp was considered bright.\n\nNext part."], []),
    ("junk.pdf", b"HTTP/1.1 200 OK\r\n\r\n" + HYPHENATED, "pdf", ["considered bright"], []),
    ("broken.pdf", HYPHENATED.replace(b"startxref\n", b"startxref\n9"), "pdf", ["considered bright"], []),
]  # fmt: skip

REFUSED = [
    # name, content, the message holds
    ("empty.txt", b"", "empty"),
    ("blank.txt", b" \n\t\n", "white space"),
    ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(40), "PNG"),
    ("book.xlsb", zip_bytes(xl__workbook_dot_bin=b""), "binary Excel"),
    ("not.pdf", b"hello, this is text", "not a PDF"),
    ("cut.docx", word_bytes(everything)[:900], "damaged"),
    ("hollow.docx", zip_bytes(word__document_dot_xml=b"<w/>"), "damaged"),
    ("bomb.docx", zip_bytes(word__document_dot_xml=b" " * (60 << 20)), "unpack"),
    ("bomb.pptx", zip_bytes(ppt__presentation_dot_xml=INFLATED), "unpack"),
    ("bomb.xlsx", zip_bytes(xl__workbook_dot_xml=INFLATED), "unpack"),
    ("bomb.odt", zip_bytes(mimetype=b"opendocument.text", content_dot_xml=INFLATED), "unpack"),
    ("bomb.ods", zip_bytes(mimetype=b"opendocument.spreadsheet", content_dot_xml=INFLATED), "unpack"),
    ("bomb.odp", zip_bytes(mimetype=b"opendocument.presentation", content_dot_xml=INFLATED), "unpack"),
    ("bomb.epub", zip_bytes(mimetype=b"application/epub+zip", a_dot_xhtml=INFLATED), "unpack"),
    ("liar.epub", lying(zip_bytes(mimetype=b"application/epub+zip", a_dot_xhtml=INFLATED)), "damaged"),
    ("round.pdf", pdf_of("/Type/Pages/Kids[2 0 R 2 0 R]/Count 4"), "pages cannot be read"),
    ("pingpong.pdf", pdf_of("/Type/Pages/Kids[3 0 R]/Count 1", "/Type/Pages/Kids[2 0 R]"), "cannot be read"),
    ("scan.pdf", None, "text recognition found none"),
    ("blank.pdf", pdf_bytes([[]]), "no text"),
    ("bad.pdf", b"%PDF-1.7\nnothing\n%%EOF", "damaged"),
    ("blob.bin", bytes(range(256)) * 9, "binary"),
    ("lost.pdf", bytes(5000), "nothing but zero bytes"),
    ("many.docx", zip_of_empty_files(20_001), "holds 20001 files"),
    ("deep.docx", word_bytes(deep_tables), "nested too deeply"),
    (
        "laughs.odt",
        zip_bytes(mimetype=b"application/vnd.oasis.opendocument.text", content_dot_xml=LAUGHS),
        "grow far beyond",
    ),
    ("deep.eml", b"From: a@b.c\nTo: b@c.d\nDate: x\nContent-Type: message/rfc822\n\n" * 9000, "nested too"),
]


def scanned_pdf() -> bytes:
    stream = io.BytesIO()
    Image.new("L", (400, 500), 90).save(stream, "PDF")
    return stream.getvalue()


def read(tmp_path: Path, name: str, content: bytes, password: str | None = None) -> ParsedFile:
    path = tmp_path / "stored"
    path.write_bytes(content)
    return parse(path, name, password=password, max_pages=10)


@pytest.mark.parametrize(
    ("name", "content", "kind", "contains", "lacks"), READABLE, ids=[row[0] for row in READABLE]
)
def test_what_is_read(
    tmp_path: Path, name: str, content: bytes, kind: str, contains: list[str], lacks: list[str]
) -> None:
    parsed = read(tmp_path, name, content)
    text = "\n\n".join(section.text for section in parsed.sections)
    assert parsed.kind == kind
    for phrase in contains:
        assert phrase in text
    for phrase in lacks:
        assert phrase not in text


@pytest.mark.parametrize(("name", "content", "reason"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_is_refused(tmp_path: Path, name: str, content: bytes | None, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason) as refused:
        read(tmp_path, name, scanned_pdf() if content is None else content)
    assert refused.value.values["name"] == name


def test_a_text_box_is_read_once_and_without_its_place(tmp_path: Path) -> None:
    def drawn(document: docx.document.Document) -> None:
        boxed = "<w:txbxContent><w:p><w:r><w:t>in a box</w:t></w:r></w:p></w:txbxContent>"
        markup = "http://schemas.openxmlformats.org/markup-compatibility/2006"
        document.add_paragraph("before ")._p.append(
            parse_xml(
                f'<w:r {nsdecls("w", "wp")} xmlns:mc="{markup}"><mc:AlternateContent>'
                "<mc:Choice><w:drawing><wp:anchor><wp:positionH><wp:posOffset>1713415</wp:posOffset>"
                f"</wp:positionH>{boxed}</wp:anchor></w:drawing></mc:Choice>"
                f"<mc:Fallback><w:pict>{boxed}</w:pict></mc:Fallback></mc:AlternateContent></w:r>"
            )
        )

    [section] = read(tmp_path, "a.docx", word_bytes(drawn)).sections
    assert section.text == "before\n\nin a box"


def test_headings_make_the_path(tmp_path: Path) -> None:
    word = read(tmp_path, "a.docx", word_bytes(everything))
    page = read(tmp_path, "a.html", PAGE.encode())
    law = read(tmp_path, "a.txt", "序\n第一章 总则\n甲\n第一节 范围\n乙".encode())
    mark = read(tmp_path, "a.md", MARKDOWN.encode())
    assert [section.headings for section in word.sections] == [(), ("Plan",), ("Plan", "Costs")]
    assert [section.headings for section in page.sections] == [("Lamps",), ("Lamps", "Prices")]
    assert [section.headings for section in law.sections] == [
        (),
        ("第一章 总则",),
        ("第一章 总则", "第一节 范围"),
    ]
    assert [section.headings for section in mark.sections] == [(), ("Oil lamps",)]
    assert (page.title, mark.title) == ("A & B", "Lamps of old")


def test_pdf_pages_know_their_label_and_heading(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.pdf", LABELLED)
    assert parsed.pages == 2
    assert parsed.sections == (
        Section("Foreword of this book", 1, (), "i"),
        Section("Chapter text", 2, ("Lamps",), "1"),
    )


def test_an_encrypted_pdf_asks_for_its_password(tmp_path: Path) -> None:
    locked = pdf_bytes([[(72, 700, "Inside")]], lambda writer: writer.encrypt("open", algorithm="AES-256"))
    with pytest.raises(DocumentError, match=r"needs a password.*rag ingest --password"):
        read(tmp_path, "a.pdf", locked)
    with pytest.raises(DocumentError, match="is wrong"):
        read(tmp_path, "a.pdf", locked, password="shut")
    assert read(tmp_path, "a.pdf", locked, password="open").sections[0].text == "Inside"
    free = pdf_bytes([[(72, 700, "Inside")]], lambda writer: writer.encrypt("", "owner", algorithm="AES-256"))
    assert read(tmp_path, "a.pdf", free).sections[0].text == "Inside"


def test_a_damaged_pdf_says_so(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.pdf", HYPHENATED.replace(b"startxref\n", b"startxref\n9"))
    assert "damaged" in str(parsed.warnings[0])


def test_too_many_pages_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="11 pages, and the limit is 10"):
        read(tmp_path, "a.pdf", pdf_bytes([[(72, 700, "x")]] * 11))


def test_running_heads_are_kept_once(tmp_path: Path) -> None:
    pages = [
        [(72, 800, "The Book of Lamps"), (72, 700, f"Text {'abcdef'[n]}"), (72, 660, "a"), (72, 640, "b"),
         (72, 620, "c"), (72, 600, "d"), (300, 30, f"Page {n + 1}")]
        for n in range(6)
    ]  # fmt: skip
    parsed = read(tmp_path, "a.pdf", pdf_bytes(pages))
    texts = [section.text for section in parsed.sections]
    assert [text.count("The Book of Lamps") for text in texts] == [1, 0, 0, 0, 0, 0]
    assert all(f"Text {letter}" in text for letter, text in zip("abcdef", texts, strict=True))
    assert "Page 5" not in texts[4]


def line(text: str, base: float, *, left: float = 72, right: float = 400, size: float = 12) -> Line:
    return Line(text, left, right, base, size, base)


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([line("A line goes", 700), line("on and ends.", 686, right=150)], "A line goes on and ends."),
        ([line("一个句子写到行末", 700), line("接着写完。", 686, right=150)], "一个句子写到行末接着写完。"),
        ([line("한국어 문장은", 700), line("띄어 쓴다.", 686, right=150)], "한국어 문장은 띄어 쓴다."),
        ([line("state-of-the-", 700), line("art lamps", 686)], "state-of-the-art lamps"),
        ([line("in\ufffe", 700), line("side", 686)], "inside"),
        ([line("Lamp 7 8", 700), line("Rope 9 10", 686)], "Lamp 7 8\nRope 9 10"),
        ([line("Short head", 700, right=150), line("A full line of text that goes", 686)],
         "Short head\nA full line of text that goes"),
        ([line("It ends.", 700), line("Indented begins", 686, left=90)], "It ends.\n\nIndented begins"),
        ([line("Buy:", 700), line("• a lamp", 686), line("• a rope", 672)], "Buy:\n• a lamp\n• a rope"),
        ([line("A heading", 700, size=18), line("text", 680)], "A heading\n\ntext"),
        ([line("The column runs", 100, right=250), line("over to the next", 700, left=300)],
         "The column runs over to the next"),
    ],
)  # fmt: skip
def test_lines_become_paragraphs(lines: list[Line], text: str) -> None:
    assert paragraphs(lines) == text


def test_few_pages_keep_their_edges() -> None:
    pages = [[line("Same", 800)], [line("Same", 800)]]
    assert without_running_heads(pages) == pages


def test_the_heading_of_a_page_holds_for_all_of_it() -> None:
    entries = [
        Entry(0, ("1 Lamps",), True), Entry(0, ("1 Lamps", "1.1 Oil"), False),
        Entry(2, ("1 Lamps", "1.2 Gas"), False), Entry(3, ("2 Ropes",), True),
    ]  # fmt: skip
    assert headings_by_page(entries, 5) == {
        0: ("1 Lamps",), 1: ("1 Lamps", "1.1 Oil"), 2: ("1 Lamps",), 3: ("2 Ropes",), 4: ("2 Ropes",),
    }  # fmt: skip


def test_page_ranges_are_compact() -> None:
    assert page_ranges([3, 4, 5, 9]) == "3–5, 9"


CHINESE = "人民法院审理案件，应当以事实为根据，以法律为准绳。当事人有权提出上诉，也可以请求重新审理这个案件。"
TAIWANESE = "這個問題與電腦開發有關，應該由學校的老師來說明，讓大家都能夠瞭解其中的道理。"
JAPANESE = "これは日本語の文章です。わたしたちは毎日ランプの下で本を読んでいます。"
KOREAN = "이 문장은 한국어로 쓰여 있습니다. 우리는 매일 등불 아래에서 책을 읽고 있습니다."
RUSSIAN = "Мы читаем книги каждый день при свете лампы, и это очень хорошо для всех нас."


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (CHINESE, "gb18030"), (CHINESE, "utf-16-le"), (CHINESE, "utf-8"), (TAIWANESE, "big5"),
        (JAPANESE, "cp932"), (JAPANESE, "euc_jp"), (JAPANESE, "iso2022_jp"), (KOREAN, "cp949"),
        (RUSSIAN, "koi8_r"), (RUSSIAN, "cp1251"), (RUSSIAN, "cp866"),
        ("Ένα βιβλίο διαβάζεται κάθε μέρα στο φως της λάμπας.", "cp1253"),
        ("אנחנו קוראים ספר כל יום לאור המנורה", "cp1255"), ("نقرأ كتابا كل يوم على ضوء المصباح", "cp1256"),
        ("Wir können die Bücher lesen, größer als früher.", "cp1252"), ("déjà vu à l’été", "cp1252"),
        ("Příliš žluťoučký kůň úpěl ďábelské ódy v noci.", "cp1250"), ("plain text only", "utf-32-be"),
    ],
)  # fmt: skip
def test_encodings_are_told_apart(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)).text == text


@pytest.mark.parametrize(
    ("text", "encoding", "stray"),
    [
        ("苍鹭站在浅水里，等待鱼儿游过。", "gb18030", b"\xff\0"),
        ("蒼鷺站在淺水裡，等待魚兒游過。它是一種常見的水鳥。", "big5", b"\xff\0"),
        ("アオサギは浅い水の中に立ち、魚が泳いでくるのを待っています。", "cp932", b"\xff\0"),
        ("苍鹭站在浅水里，等待鱼儿游过。\n" * 40, "utf-16-le", b"\0\xd8"),
        ("The heron stands in the water.\n" * 40, "utf-16-be", b"\xdc\0"),
    ],
)
def test_stray_bytes_spoil_only_their_place(tmp_path: Path, text: str, encoding: str, stray: bytes) -> None:
    content = text[:10].encode(encoding) + stray + text[10:].encode(encoding)
    parsed = read(tmp_path, "a.txt", content)
    assert text[:10] in parsed.sections[0].text
    assert text.strip()[11:].split("\n")[0] in parsed.sections[0].text


def test_a_text_cut_short_by_a_crash_is_read(tmp_path: Path) -> None:
    text = "The heron stands in the water."
    assert read(tmp_path, "a.log", text.encode() + bytes(2000)).sections[0].text == text
    wide = "苍鹭站在浅水里 等待鱼儿游过".encode("utf-16-le")
    assert read(tmp_path, "a.txt", wide[:-1]).sections[0].text.startswith("苍鹭站在浅水里 等待鱼儿")


def test_lists_in_lists_in_lists_are_read(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.html", b"<html><body>" + b"<ul><li>x" * 5000 + b"heron")
    assert parsed.sections[0].text.startswith("- x\n  - x\n    - x\n")
    assert parsed.sections[0].text.endswith("heron")


def test_a_declared_encoding_is_believed_unless_the_text_belies_it() -> None:
    assert decode("Größe".encode("cp1252"), declared="iso-8859-1").text == "Größe"
    assert decode("语言文字".encode(), declared="gb2312").text == "语言文字"


def test_an_unsure_guess_is_reported(tmp_path: Path) -> None:
    warnings = read(tmp_path, "a.txt", b"caf\xe9").warnings
    assert [notice.values["name"] for notice in warnings] == ["a.txt"]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("so\u00adft\u200b \ufb01re\u2028next\ud800", "soft fire\nnext"),
        ("e\u0301 \u2f00 １２", "é 一 １２"),
        ("می\u200cخواهم a\u200cb", "می\u200cخواهم ab"),
        ("safe\u202etxt.exe", "safetxt.exe"),
    ],
)
def test_characters_that_hide_are_dropped(raw: str, text: str) -> None:
    assert clean(raw) == text


def test_entities_are_not_fetched_or_multiplied(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    original = word_bytes(lambda document: document.add_paragraph("before PLACE after"))
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(original)) as old, zipfile.ZipFile(stream, "w") as new:
        for member in old.infolist():
            content = old.read(member)
            if member.filename == "word/document.xml":
                declared = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'.encode()
                content = content.replace(b"<w:document", declared + b"<w:document", 1).replace(
                    b"PLACE", b"&e;"
                )
            new.writestr(member, content)
    text = read(tmp_path, "a.docx", stream.getvalue()).sections[0].text
    assert "before" in text
    assert "the secret" not in text


def test_a_passage_is_found_in_the_raw_page() -> None:
    page = "Head\r\nThe lamp was consid-\r\nered bright by\r\nPage 7\r\nall who saw the brightness."
    places = find_passage(page, "The lamp was considered bright by all who saw the brightness.")
    marked = "".join(page[place] for place in places)
    assert marked == "Thelampwasconsideredbrightbyallwhosawthebrightness"
    assert find_passage(page, "something quite different from that") == []


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_the_passage_is_yellow_on_the_picture(tmp_path: Path, turn: int) -> None:
    path = tmp_path / "a.pdf"
    placed: list[Placed] = [(72, 760, "An unmarked line of words"), (72, 400, "The marked line of this page")]
    path.write_bytes(pdf_bytes([placed], lambda writer: writer.pages[0].rotate(turn) and None))
    png = render_page(path, 1, width_px=400, highlight="marked line of this page")
    picture = Image.open(io.BytesIO(png)).convert("RGB").rotate(turn, expand=True)
    pixels = picture.load()
    assert pixels is not None
    rows = [y for y in range(picture.height) for x in range(picture.width) if pixels[x, y] == (255, 235, 59)]
    assert picture.height * 0.49 < min(rows) <= max(rows) < picture.height * 0.55


def test_a_page_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(HYPHENATED)
    with pytest.raises(DocumentError, match="no page 2"):
        render_page(path, 2, width_px=100)


def test_the_wire_keeps_everything() -> None:
    parsed = ParsedFile(
        "pdf", (Section("文", 2, ("a", "b"), "ii"),), 3, "t", (Notice("{n} pages", {"n": 1}),)
    )  # fmt: skip
    error = DocumentError("{name} is {limit}, not {kind}", name="x", limit=3, kind=Notice("a lamp"))
    assert parsed_from_dict(parsed_to_dict(parsed)) == parsed
    assert error_from_row(error_to_row(error)).values == error.values
    assert str(error_from_row(error_to_row(error))) == "x is 3, not a lamp"
