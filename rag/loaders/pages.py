"""Pages: how many a file may have, and how they are named to people."""

from rag.errors import DocumentError
from rag.loaders.source import Source


def check_pages(source: Source, pages: int) -> None:
    """Raise DocumentError where a file has more pages than are allowed."""
    if pages > source.max_pages:
        raise DocumentError(
            "{name} has {pages} pages, and the limit is {limit}. Split it, or raise RAG_MAX_PAGES.",
            name=source.name,
            pages=pages,
            limit=source.max_pages,
        )


def page_ranges(pages: list[int]) -> str:
    """Ascending page numbers, compactly: "3–7, 12"."""
    ranges: list[list[int]] = []
    for page in pages:
        if ranges and page == ranges[-1][1] + 1:
            ranges[-1][1] = page
        else:
            ranges.append([page, page])
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in ranges)
