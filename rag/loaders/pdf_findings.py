"""What was noticed while a PDF was read, and what the user is told of it."""

from dataclasses import dataclass, field

from rag.documents import Notice, Section
from rag.errors import DocumentError
from rag.loaders import ocr
from rag.loaders.pages import page_ranges
from rag.loaders.pdf_pictures import PdfPictures
from rag.loaders.source import Source


@dataclass(slots=True)
class Findings:
    """What was noticed while reading, as page numbers from 1.

    Pages in `unreadable` cannot be opened, though the file counts them. These, `no_text` and `garbled` are
    what text recognition is for; what it read is in `recognised`.
    """

    damaged: bool = False
    no_outline: bool = False
    unreadable: list[int] = field(default_factory=list)
    no_text: list[int] = field(default_factory=list)
    garbled: list[int] = field(default_factory=list)
    unseen: list[int] = field(default_factory=list)
    pictured: list[int] = field(default_factory=list)
    recognised: list[int] = field(default_factory=list)
    pictures: PdfPictures = field(default_factory=PdfPictures)

    def notices(self, pages: int) -> list[Notice]:
        """What the user is told of a PDF of so many pages."""
        return [
            *self._of_the_file(),
            *self._of_scans(),
            *self.pictures.notices(),
            *self._of_text(),
            *self._of_pictures(pages),
        ]

    def check_text(self, source: Source, sections: tuple[Section, ...]) -> None:
        """Raise DocumentError where nothing was found that could be searched."""
        if sections:
            return
        if self.unreadable:
            raise DocumentError(
                "{name} is damaged: its pages cannot be read. "
                "Get it again from where it came, or print it to PDF again.",
                name=source.name,
            )
        if self.no_text and not ocr.is_available():
            raise DocumentError(
                "{name} holds no text: it seems to be scanned. To have it read, install text recognition "
                "with {command}, start Passage again, and try again.",
                name=source.name,
                command=ocr.INSTALL,
            )
        if self.no_text:
            raise DocumentError(
                "{name} holds no text: text recognition found none on its pages. "
                "If there is some, scan it again with more contrast and add the result.",
                name=source.name,
            )
        if self.unseen:
            raise DocumentError(
                "{name} holds only text that cannot be seen on its pages, which is left out. "
                "Print it to PDF again and add the result.",
                name=source.name,
            )
        raise DocumentError("{name} holds no text: its pages are empty.", name=source.name)

    def _of_the_file(self) -> list[Notice]:
        notices = []
        if self.damaged:
            notices.append(
                Notice(
                    "The file is damaged; what could be recovered was read. Check that nothing is missing."
                )
            )
        if self.unreadable:
            notices.append(
                Notice(
                    "Pages that are damaged and could not be read: {pages}.",
                    {"pages": page_ranges(self.unreadable)},
                )
            )
        if self.no_outline:
            notices.append(
                Notice("The file's outline cannot be read, so passages do not show their chapter.")
            )
        return notices

    def _of_scans(self) -> list[Notice]:
        notices = []
        if self.recognised:
            notices.append(
                Notice(
                    "Pages read by text recognition, which may hold errors: {pages}.",
                    {"pages": page_ranges(self.recognised)},
                )
            )
        shown = self.pictures.by_page
        if unfound := [page for page in self.no_text if page not in shown]:
            notices.append(_unfound(page_ranges(unfound)))
        if only_pictures := [page for page in self.no_text if page in shown]:
            notices.append(
                Notice(
                    "Pages without text, probably scans: {pages}. They can be found only by what they look "
                    "like.",
                    {"pages": page_ranges(only_pictures)},
                )
            )
        return notices

    def _of_text(self) -> list[Notice]:
        notices = []
        if self.garbled:
            notices.append(
                Notice(
                    "Text that cannot be decoded, because the fonts lack character information, on pages: "
                    "{pages}.",
                    {"pages": page_ranges(self.garbled)},
                )
            )
        if self.unseen:
            notices.append(
                Notice(
                    "Text that cannot be seen on the page was left out on pages: {pages}. "
                    "It could be there to mislead; open the file to check.",
                    {"pages": page_ranges(self.unseen)},
                )
            )
        return notices

    def _of_pictures(self, pages: int) -> list[Notice]:
        """Large pictures beside little text; what is on most pages is a background."""
        unread = [page for page in self.pictured if page not in self.pictures.by_page]
        if not unread or len(unread) > max(3, pages // 2):
            return []
        return [
            Notice(
                "Large pictures, in which text is not searched, on pages: {pages}.",
                {"pages": page_ranges(unread)},
            )
        ]


def _unfound(pages: str) -> Notice:
    """What is said of pages whose text, if there is some, cannot be found."""
    if ocr.is_available():
        return Notice("Text recognition found no text on pages: {pages}.", {"pages": pages})
    return Notice(
        "Pages without text, probably scans: {pages}. Nothing on them can be found by a search. To have them "
        "read, install text recognition with {command}, start Passage again, delete this document and add "
        "it again.",
        {"pages": pages, "command": ocr.INSTALL},
    )
