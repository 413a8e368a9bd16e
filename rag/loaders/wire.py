"""ParsedFile and errors as plain dicts, for the pipe between the worker and its parent."""

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
            [part.text, part.page, list(part.headings), part.page_label] for part in parsed.sections
        ],
        "warnings": [_words(notice.message, notice.values) for notice in parsed.warnings],
    }


def parsed_from_dict(plain: dict[str, Any]) -> ParsedFile:
    """The ParsedFile that `parsed_to_dict` made `plain` from."""
    return ParsedFile(
        kind=plain["kind"],
        pages=plain["pages"],
        title=plain["title"],
        sections=tuple(
            Section(text, page, tuple(headings), label) for text, page, headings, label in plain["sections"]
        ),
        warnings=tuple(Notice(notice["message"], notice["values"]) for notice in plain["warnings"]),
    )


def error_to_dict(error: DocumentError) -> dict[str, Any]:
    """The template and the values of an error."""
    return _words(error.message, error.values)


def error_from_dict(plain: dict[str, Any]) -> DocumentError:
    """The error that `error_to_dict` made `plain` from."""
    return DocumentError(plain["message"], **plain["values"])


def _words(message: str, values: Any) -> dict[str, Any]:
    plain = {key: value if isinstance(value, int | str) else str(value) for key, value in values.items()}
    return {"message": message, "values": plain}
