"""EPUB and EML: order, headings, encodings, attachments, and what is broken or locked."""

import io
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest

from rag.documents import ParsedFile
from rag.errors import DocumentError
from rag.loaders import parse

CONTAINER = (
    b'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    b'<rootfile full-path="OPS/book.opf"/></rootfiles></container>'
)
PACKAGE = """<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">
<metadata><dc:title>Lamps &amp; Oil</dc:title></metadata>
<manifest><item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="one" href="text/one.xhtml" media-type="application/xhtml+xml"/>
<item id="two" href="text/%E4%BA%8C.xhtml" media-type="application/xhtml+xml"/></manifest>
<spine><itemref idref="two"/><itemref idref="one"/></spine></package>"""
NAV = """<html xmlns="http://www.w3.org/1999/xhtml"><body><nav><ol>
<li><a href="text/one.xhtml">Afterword</a></li>
<li><a href="text/%E4%BA%8C.xhtml">Not needed</a></li></ol></nav></body></html>"""
LOCK = """<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><EncryptedData>
<CipherData><CipherReference URI="{uri}"/></CipherData></EncryptedData></encryption>"""


def page(body: str) -> str:
    return f'<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>{body}</body></html>'


def book(**changes: str | None) -> bytes:
    members: dict[str, str | bytes | None] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OPS/book.opf": PACKAGE,
        "OPS/nav.xhtml": NAV,
        "OPS/text/one.xhtml": page("<p>The end, غدا.</p>"),
        "OPS/text/二.xhtml": page("<h1>Oil</h1><p>Line one<br/>line two</p>"),
    }
    members |= {key.replace("__", "/").replace("_dot_", "."): value for key, value in changes.items()}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            if content is not None:
                archive.writestr(name, content)
    return stream.getvalue()


def read(tmp_path: Path, name: str, content: bytes) -> ParsedFile:
    path = tmp_path / "stored"
    path.write_bytes(content)
    return parse(path, name, max_pages=10)


def text_of(parsed: ParsedFile) -> str:
    return "\n\n".join(section.text for section in parsed.sections)


def test_a_book_is_read_in_its_order(tmp_path: Path) -> None:
    parsed = read(tmp_path, "any name", book())
    assert (parsed.kind, parsed.title, parsed.warnings) == ("epub", "Lamps & Oil", ())
    assert [(section.headings, section.text) for section in parsed.sections] == [
        (("Oil",), "Oil\n\nLine one\nline two"),
        (("Afterword",), "Afterword\n\nThe end, غدا."),
    ]


@pytest.mark.parametrize("package", [None, "<package", "no xml at all"])
def test_a_book_without_a_package_is_read_as_it_lies(tmp_path: Path, package: str | None) -> None:
    parsed = read(tmp_path, "a.epub", book(OPS__book_dot_opf=package))
    assert "The end" in text_of(parsed)
    assert "line two" in text_of(parsed)
    assert "order of its pages" in str(parsed.warnings[0])


def test_a_missing_page_is_told(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.epub", book(OPS__text__one_dot_xhtml=None))
    assert "line two" in text_of(parsed)
    assert "OPS/text/one.xhtml" in str(parsed.warnings[0])


def test_a_protected_book_is_refused_but_not_for_its_fonts(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="DRM"):
        read(tmp_path, "a.epub", book(**{"META-INF/encryption.xml": LOCK.format(uri="OPS/text/one.xhtml")}))
    parsed = read(tmp_path, "a.epub", book(**{"META-INF/encryption.xml": LOCK.format(uri="OPS/font.otf")}))
    assert "The end" in text_of(parsed)


def test_entities_from_outside_are_not_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("TOP SECRET")
    doctype = f'<!DOCTYPE package [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    package = doctype + PACKAGE.replace("Lamps &amp; Oil", "Lamps &x;")
    parsed = read(tmp_path, "a.epub", book(OPS__book_dot_opf=package))
    assert "SECRET" not in text_of(parsed) + str(parsed.title)


def test_a_cut_book_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="damaged"):
        read(tmp_path, "a.epub", book()[:400])


def mail(text: str = "Hello.", subject: str = "Lamps") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "李雷 <li@example.com>"
    message["To"] = "Anna <anna@example.com>"
    message["Subject"] = subject
    message["Date"] = "Fri, 16 Dec 2022 17:04:16 +0800"
    message.set_content(text)
    return message


def test_a_mail_is_read_with_its_header(tmp_path: Path) -> None:
    message = mail("你好，灯的价格。", "关于灯的价格，以及其他一些很长很长的事情，超过一个编码字的长度")
    message.add_alternative("<p>你好，<b>灯</b></p><ul><li>油灯</li></ul>", subtype="html")
    parsed = read(tmp_path, "a.txt", message.as_bytes())
    assert parsed.kind == "eml"
    assert parsed.title == "关于灯的价格，以及其他一些很长很长的事情，超过一个编码字的长度"
    text = text_of(parsed)
    assert text.startswith("From: 李雷 <li@example.com>\nTo: Anna <anna@example.com>\nDate: Fri, 16 Dec 2022")
    assert text.endswith("你好，灯\n\n- 油灯")


def test_mails_in_old_encodings(tmp_path: Path) -> None:
    body = "您好，附件是我们公司的报价单，请查收。谢谢！".encode("gb18030")
    header = (
        b"From: =?gb2312?B?wO7A1w==?= <li@example.com>\r\nDate: Mon, 1 Jan 2024 08:00:00 +0800\r\n"
        b"Subject: =?gb2312?B?sai82w==?= =?gb2312?B?taU=?=\r\n"
    )
    declared = header + b"Content-Type: text/plain; charset=gb2312\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    for start in (declared, header + b"\r\n"):
        parsed = read(tmp_path, "a.eml", start + body)
        assert parsed.title == "报价单"
        assert "From: 李雷 <li@example.com>" in text_of(parsed)
        assert "附件是我们公司的报价单" in text_of(parsed)


def test_a_header_in_bare_bytes(tmp_path: Path) -> None:
    raw = b"From: li@example.com\nDate: today\nSubject: " + "报价单".encode("gbk")
    parsed = read(tmp_path, "a.eml", raw + b"\nContent-Type: text/plain; charset=gbk\n\nhello")
    assert parsed.title == "报价单"


def test_attachments_are_read_or_named(tmp_path: Path) -> None:
    message = mail()
    message.add_attachment(b"name,age\nAnna,30\n", "text", "csv", filename="名单.csv")
    message.add_attachment(b"\x1f\x8b\x08junk", "application", "gzip", filename="data.gz")
    message.add_attachment(b"%PDF-1.7 broken", "application", "pdf", filename="broken.pdf")
    message.add_attachment(mail("Inside.", "Forwarded"))
    parsed = read(tmp_path, "a.eml", message.as_bytes())
    text = text_of(parsed)
    assert "Attachments: 名单.csv, data.gz, broken.pdf, Forwarded" in text
    under = {section.headings: section.text for section in parsed.sections}
    assert under["Lamps", "名单.csv"] == "| name | age |\n| --- | --- |\n| Anna | 30 |"
    assert under["Lamps", "Forwarded"].endswith("Inside.")
    broken, unread = map(str, parsed.warnings)
    assert broken.startswith("broken.pdf, attached to a.eml, was not read: ")
    assert "data.gz" in unread


def test_names_of_attachments_however_encoded(tmp_path: Path) -> None:
    names = [b'"=?gb2312?B?sai827WlLnR4dA==?="', b'"%b"' % "报价单.txt".encode("gbk")]
    parts = b"".join(
        b"--x\nContent-Type: text/plain; charset=gbk\nContent-Disposition: attachment; filename=%b\n\nhi\n"
        % name
        for name in names
    )
    parts += b"--x\nContent-Disposition: attachment; filename*=gb2312''%B1%A8%BC%DB%B5%A5.txt\n\nhi\n"
    head = b"From: a@example.com\nSubject: s\nDate: d\nContent-Type: multipart/mixed; boundary=x\n\n"
    text = text_of(read(tmp_path, "a.eml", head + parts + b"--x--\n"))
    assert "Attachments: 报价单.txt, 报价单.txt, 报价单.txt" in text


def test_mails_in_mails_end(tmp_path: Path) -> None:
    message = mail("Deepest.", "Number 0")
    for number in range(1, 8):
        outer = mail(f"Text {number}.", f"Number {number}")
        outer.add_attachment(message)
        message = outer
    parsed = read(tmp_path, "a.eml", message.as_bytes())
    assert "Text 4." in text_of(parsed)
    assert "Text 3." not in text_of(parsed)
    assert "Number 3" in str(parsed.warnings[-1])


@pytest.mark.parametrize(
    "nested",
    [b"Content-Type: message/rfc822\n\n" * 3000, b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" * 800],
)
def test_endless_nesting_ends(tmp_path: Path, nested: bytes) -> None:
    start = b"From: a@example.com\nSubject: x\nDate: y\n"
    try:
        assert "a@example.com" in text_of(read(tmp_path, "a.eml", start + nested))
    except DocumentError as error:
        assert "nested too deeply" in str(error)


def test_an_encrypted_mail_says_so(tmp_path: Path) -> None:
    head = b"From: a@example.com\nSubject: s\nDate: d\nContent-Transfer-Encoding: base64\n"
    parsed = read(
        tmp_path, "a.eml", head + b"Content-Type: application/pkcs7-mime; name=smime.p7m\n\nAAECAwQF\n"
    )
    assert "encrypted" in str(parsed.warnings[0])


def test_a_memo_that_only_begins_like_a_mail_is_whole(tmp_path: Path) -> None:
    memo = "From: the board\nTo: all\nSubject: keys\n\nBring them back.\n"
    assert "Bring them back." in text_of(read(tmp_path, "memo.txt", memo.encode()))
    assert read(tmp_path, "note.txt", b"Note: one\nFrom: me\n\nText.").kind == "txt"
