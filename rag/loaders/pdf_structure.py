"""What a PDF says of itself: outline, page labels, title. Read with pypdf."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pypdf import PdfReader

from rag.loaders.characters import squeeze

TOP_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Structure:
    """Heading paths and labels by page index (from 0); pages without one are missing."""

    headings: dict[int, tuple[str, ...]] = field(default_factory=dict)
    labels: dict[int, str] = field(default_factory=dict)
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the outline: where it leads, and whether that is the top of the page."""

    page: int
    path: tuple[str, ...]
    at_top: bool


def structure_of(reader: PdfReader, pages: int) -> Structure:
    """The structure of a PDF of `pages` pages. Raises whatever pypdf raises on a damaged one."""
    title = squeeze(str(reader.metadata.title or "")) if reader.metadata else ""
    labels = dict(enumerate(reader.page_labels)) if "/PageLabels" in reader.root_object else {}
    return Structure(
        headings_by_page(list(_entries(reader, reader.outline, ())), pages),
        {page: label for page, label in labels.items() if label and label != str(page + 1)},
        title or None,
    )


def headings_by_page(entries: list[Entry], pages: int) -> dict[int, tuple[str, ...]]:
    """For each page the heading path that holds for all of its text: where several do, what they share."""
    starting: dict[int, list[Entry]] = {}
    for entry in entries:
        starting.setdefault(entry.page, []).append(entry)
    current: tuple[str, ...] = ()
    found = {}
    for page in range(pages):
        begun = starting.get(page, [])
        paths = [entry.path for entry in begun]
        if not begun or not begun[0].at_top:
            paths.insert(0, current)
        if shared := _shared(paths):
            found[page] = shared
        current = paths[-1]
    return found


def _shared(paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    length = 0
    while all(len(path) > length and path[length] == paths[0][length] for path in paths):
        length += 1
    return paths[0][:length]


def _entries(reader: PdfReader, items: list[Any], path: tuple[str, ...]) -> Iterator[Entry]:
    last = path
    for item in items:
        if isinstance(item, list):
            yield from _entries(reader, item, last)
            continue
        last = (*path, squeeze(str(item.title or "")))
        page = reader.get_destination_page_number(item)
        if page is not None and page >= 0:
            yield Entry(page, tuple(title for title in last if title), _at_top(reader, page, item))


def _at_top(reader: PdfReader, page: int, item: Any) -> bool:
    try:
        top = float(item.top)
    except (TypeError, ValueError):
        return True
    box = reader.pages[page].cropbox
    return top >= float(box.bottom) + TOP_SHARE * float(box.height)
