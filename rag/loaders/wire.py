"""ParsedFile and errors as what JSON can hold, for the pipe between the worker and its parent."""

from typing import Any

from rag.documents import Notice, ParsedFile, Section
from rag.errors import DocumentError


def parsed_to_dict(parsed: ParsedFile) -> dict[str, Any]:
    """A ParsedFile as what JSON can hold."""
    return {
        "kind": parsed.kind,
        "pages": parsed.pages,
        "title": parsed.title,
        "sections": [
            [part.text, part.page, list(part.headings), part.page_label, part.picture]
            for part in parsed.sections
        ],
        "warnings": [notice.to_row() for notice in parsed.warnings],
    }


def parsed_from_dict(plain: dict[str, Any]) -> ParsedFile:
    """The ParsedFile that `parsed_to_dict` made `plain` from."""
    return ParsedFile(
        kind=plain["kind"],
        pages=plain["pages"],
        title=plain["title"],
        sections=tuple(
            Section(text, page, tuple(headings), label, picture)
            for text, page, headings, label, picture in plain["sections"]
        ),
        warnings=tuple(map(Notice.from_row, plain["warnings"])),
    )


def error_to_row(error: DocumentError) -> list[Any]:
    """The template and the values of an error."""
    return Notice.of(error).to_row()


def error_from_row(row: list[Any]) -> DocumentError:
    """The error that `error_to_row` made `row` from."""
    notice = Notice.from_row(row)
    return DocumentError(notice.message, **notice.values)
