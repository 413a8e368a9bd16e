"""Building sections from headings and blocks in document order."""

import re

from rag.documents import Section

# What Word calls the styles of headings in its languages.
HEADING_NAME = re.compile(
    r"(?:heading|标题|標題|見出し|제목|überschrift|titre|título|titolo|заголовок|kop|rubrik|nagłówek|otsikko)\s*([1-9])$",
    re.I,
)


class Outline:
    """Collects blocks of text under headings; a heading begins a section and stays in its text."""

    def __init__(self) -> None:
        self._path: list[tuple[int, str]] = []
        self._blocks: list[str] = []
        self._sections: list[Section] = []
        self._in_list = False

    def heading(self, level: int, title: str, *, line: str | None = None) -> None:
        """Begin a section under `title` (level from 1). `line` is how the heading stands in the text."""
        self._close()
        self._path = [entry for entry in self._path if entry[0] < level]
        self._path.append((level, title))
        self._blocks.append(title if line is None else line)

    def leave(self) -> None:
        """End every heading: what follows stands under none of them."""
        self._close()
        self._path = []

    def block(self, text: str) -> None:
        """Add a paragraph, list or table."""
        if text.strip():
            self._blocks.append(text.strip("\n"))
            self._in_list = False

    def item(self, text: str) -> None:
        """Add an item of a list; items that follow each other stand together."""
        if self._in_list and self._blocks:
            self._blocks[-1] += f"\n{text}"
        else:
            self.block(text)
        self._in_list = True

    def sections(self) -> tuple[Section, ...]:
        """All sections so far, in document order."""
        self._close()
        return tuple(self._sections)

    def _close(self) -> None:
        if self._blocks:
            headings = tuple(title for _, title in self._path if title)
            self._sections.append(Section("\n\n".join(self._blocks), headings=headings))
        self._blocks = []
        self._in_list = False
