"""The table of types, and reading a file in this process."""

import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import cast

from rag.documents import Notice, ParsedFile
from rag.errors import DocumentError
from rag.loaders.detect import detect, holds_only_nul
from rag.loaders.source import OnProgress, Source, untold

# Resolved when used: a type's libraries are loaded with its first file.
KINDS = {
    "pdf": "rag.loaders.pdf:read_pdf",
    "docx": "rag.loaders.office:read_docx",
    "pptx": "rag.loaders.powerpoint:read_pptx",
    "xlsx": "rag.loaders.excel:read_xlsx",
    "xls": "rag.loaders.old_excel:read_xls",
    "odt": "rag.loaders.opendocument_text:read_odt",
    "ods": "rag.loaders.opendocument_sheets:read_ods",
    "odp": "rag.loaders.opendocument_slides:read_odp",
    "rtf": "rag.loaders.rtf:read_rtf",
    "encrypted": "rag.loaders.encrypted:read_encrypted",
    "html": "rag.loaders.web:read_html",
    "md": "rag.loaders.text:read_markdown",
    "txt": "rag.loaders.text:read_text",
    "csv": "rag.loaders.delimited:read_csv",
    "json": "rag.loaders.records:read_json",
    "epub": "rag.loaders.epub:read_epub",
    "eml": "rag.loaders.mail:read_eml",
    "picture": "rag.loaders.picture:read_picture",
    "scan": "rag.loaders.picture:read_scan",
}


def parse(
    path: Path,
    name: str,
    *,
    password: str | None = None,
    max_pages: int,
    pictures: Path | None = None,
    on_progress: OnProgress = untold,
) -> ParsedFile:
    """Read the file at `path`, which the user calls `name`. Raises DocumentError if nothing can be read.

    Pictures are read only where there is a folder to save them in, `pictures`.
    """
    if path.stat().st_size == 0:
        raise DocumentError("{name} is empty.", name=name)
    if holds_only_nul(path):
        raise DocumentError(
            "{name} holds nothing but zero bytes: it was not copied or downloaded whole. "
            "Get it again from where it came.",
            name=name,
        )
    kind = detect(path, name)
    if isinstance(kind, Notice):
        raise DocumentError(
            "{name} is a file of a type that Passage cannot read yet: {kind}. "
            "Save it as PDF, DOCX, PPTX, XLSX, CSV, HTML, Markdown or text.",
            name=name,
            kind=kind,
        )
    reader = cast(Callable[[Source], ParsedFile], pkgutil.resolve_name(KINDS[kind]))
    parsed = reader(Source(path, name, password, max_pages, pictures, on_progress))
    if not any(section.text.strip() for section in parsed.sections):
        raise DocumentError("{name} holds no text.", name=name)
    return parsed


def render_page(
    path: Path,
    page: int,
    *,
    width_px: int,
    name: str | None = None,
    highlight: str = "",
    password: str | None = None,
) -> bytes:
    """A PDF's page (from 1) as a PNG `width_px` wide, with `highlight` marked where its text is found."""
    from rag.loaders.page_picture import page_picture

    return page_picture(
        path, page, width_px=width_px, name=name or path.name, highlight=highlight, password=password
    )
