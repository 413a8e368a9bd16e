"""PDF: text by pdfium, structure by pypdf, each standing in for the other where a file is damaged."""

import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from pypdf import PdfReader

from rag.documents import ParsedFile, Section
from rag.errors import DocumentError, needs_password, wrong_password
from rag.loaders.pages import check_pages
from rag.loaders.pdf_findings import Findings
from rag.loaders.pdf_lines import page_lines, plain_lines
from rag.loaders.pdf_pictures import PdfPictures, save_pictures
from rag.loaders.pdf_scans import read_scans
from rag.loaders.pdf_structure import Structure, structure_of
from rag.loaders.pdf_text import Line, paragraphs, without_running_heads
from rag.loaders.source import Source

GARBLED = re.compile("[\ufffd\ue000-\uf8ff\x00-\x08\x0e-\x1f\U000f0000-\U0010ffff]")
MOST_GARBLED = 0.2
# A page with a picture and hardly a word beside it holds its text in the picture.
FEWEST_LETTERS = 20
PICTURE_SHARE = 0.05
# A picture as large as this beside a text as short as that may hold what the page is about.
LARGE_SHARE = 0.3
SHORT_TEXT = 400
LOGGER = logging.getLogger(__name__)


def read_pdf(source: Source) -> ParsedFile:
    """One section per page with text, and one per picture where these are wanted.

    Raises DocumentError: password, damage, nothing to be found, too many pages.
    """
    document = _open_pdfium(source)
    reader = _open_pypdf(source)
    if document is None and reader is None:
        raise DocumentError(
            "{name} is damaged: its pages cannot be read. "
            "Get it again from where it came, or print it to PDF again.",
            name=source.name,
        )
    findings = Findings(damaged=document is None or _is_damaged(source.path))
    pages = _page_count(document, reader)
    _check_pages(source, pages)
    raw = [_lines(document, reader, index, findings) for index in range(pages)]
    structure = _structure(reader, pages, findings)
    if document is not None:
        read_scans(document, source, raw, findings)
    if document is not None and source.pictures:
        findings.pictures = save_pictures(document, source.pictures)
    sections = tuple(_sections(source.name, raw, structure, findings.pictures))
    if document is not None:
        document.close()
    findings.check_text(source, sections)
    return ParsedFile("pdf", sections, pages, structure.title, tuple(findings.notices(pages)))


def _sections(
    name: str, raw: Sequence[list[Line]], structure: Structure, pictures: PdfPictures
) -> Iterator[Section]:
    """The pages' texts, each with its pictures after it, which the heading above them stands for."""
    for index, lines in enumerate(without_running_heads(raw)):
        headings, label = structure.headings.get(index, ()), structure.labels.get(index)
        if text := paragraphs(lines):
            yield Section(text, index + 1, headings, label)
        for digest in pictures.by_page.get(index + 1, ()):
            yield Section(headings[-1] if headings else name, index + 1, headings, label, digest)


def _open_pdfium(source: Source) -> Any | None:
    try:
        return pdfium.PdfDocument(source.path, password=source.password or None)
    except pdfium.PdfiumError as error:
        if error.err_code == pdfium_c.FPDF_ERR_PASSWORD:
            raise (wrong_password if source.password else needs_password)(source.name) from error
        return None


def _open_pypdf(source: Source) -> PdfReader | None:
    try:
        reader = PdfReader(source.path, strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            reader.decrypt(source.password or "")
        return reader if len(reader.pages) else None
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - pypdf meets damage with whatever its code runs into
        LOGGER.info("pypdf: %s", error)
        return None


def _page_count(document: Any | None, reader: PdfReader | None) -> int:
    if document is not None and len(document):
        return len(document)
    return len(reader.pages) if reader is not None else 0


def _check_pages(source: Source, pages: int) -> None:
    if pages == 0:
        raise DocumentError("{name} has no pages that can be read: it is empty or damaged.", name=source.name)
    check_pages(source, pages)


def _lines(document: Any | None, reader: PdfReader | None, index: int, findings: Findings) -> list[Line]:
    """A page's lines by pdfium; by pypdf where pdfium finds nothing or what cannot be read."""
    page = page_lines(document, index) if document is not None else None
    if page is None:
        findings.damaged = True
    lines = page.lines if page else []
    if page is not None and page.unseen:
        findings.unseen.append(index + 1)
    drawn = page is None or page.drawn
    garbled = _garbled(lines)
    if reader is not None and ((drawn and not lines) or garbled > MOST_GARBLED):
        other = _pypdf_lines(reader, index)
        if other and (not lines or _garbled(other) < garbled):
            lines, garbled = other, _garbled(other)
    if garbled > MOST_GARBLED:
        findings.garbled.append(index + 1)
    pictured = page is not None and page.pictured > PICTURE_SHARE
    if page is None and not lines:
        findings.unreadable.append(index + 1)
    elif drawn and (not lines or (pictured and _letters(lines) < FEWEST_LETTERS)):
        findings.no_text.append(index + 1)
    elif page is not None and page.pictured > LARGE_SHARE and not page.layer and _letters(lines) < SHORT_TEXT:
        findings.pictured.append(index + 1)
    return lines


def _pypdf_lines(reader: PdfReader, index: int) -> list[Line]:
    try:
        return plain_lines(reader.pages[index].extract_text())
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - see _open_pypdf
        LOGGER.info("pypdf, page %d: %s", index + 1, error)
        return []


def _garbled(lines: list[Line]) -> float:
    text = "".join(line.text for line in lines)
    return len(GARBLED.findall(text)) / len(text) if text else 0.0


def _letters(lines: list[Line]) -> int:
    return sum(len(word) for line in lines for word in line.text.split())


def _structure(reader: PdfReader | None, pages: int, findings: Findings) -> Structure:
    if reader is None:
        findings.damaged = True
        return Structure()
    try:
        return structure_of(reader, pages)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - see _open_pypdf
        LOGGER.info("pypdf, structure: %s", error)
        findings.no_outline = True
        return Structure()


def _is_damaged(path: Path) -> bool:
    """Whether the file's end does not lead to its table of objects, so that pdfium had to search for them."""
    data = path.read_bytes()
    start = max(0, data.find(b"%PDF-", 0, 1100))
    found = re.findall(rb"startxref\s+(\d+)", data[-2048:])
    if not found:
        return True
    offset = int(found[-1])
    table = re.compile(rb"\s*(xref|\d+\s+\d+\s+obj)")
    return not any(table.match(data, place) for place in (offset, offset + start))
