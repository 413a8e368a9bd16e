"""HTML pages."""

import re
from collections.abc import Iterator

from bs4 import BeautifulSoup, Tag
from bs4.element import CData, Comment, Declaration, Doctype, NavigableString, ProcessingInstruction

from rag.documents import Notice, ParsedFile
from rag.errors import DocumentError
from rag.loaders.characters import clean, squeeze
from rag.loaders.encodings import Decoded, decode
from rag.loaders.markdown_table import markdown_table
from rag.loaders.outline import Outline
from rag.loaders.source import Source
from rag.loaders.text import guess_notices

CHARSET = re.compile(rb"<meta[^>]+?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.I)
XML_ENCODING = re.compile(rb"<\?xml[^>]+?encoding\s*=\s*[\"']([\w.:-]+)", re.I)
UNREAD = frozenset({
    "script", "style", "noscript", "template", "svg", "annotation", "annotation-xml", "head", "nav", "iframe",
    "object", "embed", "select", "button", "dialog",
})  # fmt: skip
BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl",
    "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header",
    "hr", "html", "li", "main", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th",
    "thead", "tr", "ul",
})  # fmt: skip
UNREAD_ROLES = ("navigation", "search", "menu", "menubar")
HIDING_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|(?<![\w-])font-size\s*:\s*0*[01]?(?:px|pt)?\s*(?:;|!|$)"
    r"|(?<![\w-])opacity\s*:\s*0?(?:\.0+)?\s*(?:;|!|$)|text-indent\s*:\s*-\d{3}",
    re.I,
)
# Closed menus and messages are short; what is longer may be there for machines only.
MUCH_HIDDEN = 500  # letters
DEEPEST = 200
MOST_INDENTS = 8
DEEPEST_LIST = 50  # lists in lists; what is below stands on one line
# Line ends of the source are spaces; only <br> breaks a line.
SOURCE_SPACE = re.compile(r"\s+")
DECLARATION = re.compile(r"\s*<\?xml[^>]*>")


def read_html(source: Source) -> ParsedFile:
    """Title, headings as the heading path, paragraphs, lists and tables; nothing that is hidden or runs."""
    outline = Outline()
    title, decoded, hidden = read_page(source.path.read_bytes(), outline)
    sections = outline.sections()
    if not sections and title:
        outline.block(title)
        sections = outline.sections()
    if not sections:
        raise DocumentError(
            "{name} holds no text. If the page builds itself in the browser, print it to PDF there.",
            name=source.name,
        )
    notices = (*guess_notices(source, decoded), *_hidden_notices(hidden))
    return ParsedFile("html", sections, title=title or None, warnings=notices)


def _hidden_notices(letters: int) -> tuple[Notice, ...]:
    if letters < MUCH_HIDDEN:
        return ()
    return (Notice("Text that the page hides was left out: {letters} characters.", {"letters": letters}),)


def read_page(data: bytes, outline: Outline, *, charset: str | None = None) -> tuple[str, Decoded, int]:
    """Write a page into `outline`; its title, how it was decoded, and how many hidden letters were left out.

    `charset` came with the page.
    """
    found = CHARSET.search(data[:4096]) or XML_ENCODING.match(data)
    decoded = decode(data, declared=charset or (found[1].decode() if found else None))
    page = BeautifulSoup(DECLARATION.sub("", decoded.text, count=1), "lxml")
    walk = _Page(outline)
    walk.read(page.body or page)
    return squeeze(page.title.get_text()) if page.title else "", decoded, walk.hidden


class _Page:
    """One walk over a page: inline text is gathered until a block ends it."""

    def __init__(self, outline: Outline) -> None:
        self.hidden = 0  # letters left out
        self._outline = outline
        self._line: list[str] = []

    def read(self, tag: Tag) -> None:
        self._children(tag, depth=0)
        self._flush()

    def _children(self, tag: Tag, depth: int) -> None:
        for child in tag.children:
            if isinstance(child, Tag):
                self._tag(child, depth + 1)
            elif _is_text(child):
                self._line.append(SOURCE_SPACE.sub(" ", str(child)))

    def _tag(self, tag: Tag, depth: int) -> None:
        name = tag.name.lower()
        if name in UNREAD:
            return
        if _is_hidden(tag):
            self.hidden += sum(map(len, tag.get_text().split()))
            return
        if depth > DEEPEST:
            self._line.append(SOURCE_SPACE.sub(" ", _visible_text(tag)))
        elif name in ("br", "hr"):
            self._line.append("\n")
        elif name == "img":
            self._line.append(SOURCE_SPACE.sub(" ", f" {tag.get('alt') or ''} "))
        elif name == "pre":
            self._flush()
            self._outline.block(clean(tag.get_text()).strip("\n"))
        elif re.fullmatch("h[1-6]", name):
            self._heading(tag, int(name[1]))
        elif name in ("ul", "ol"):
            self._flush()
            self._outline.block("\n".join(_list_lines(tag, 0)))
        elif name == "table" and not _is_layout(tag):
            self._table(tag)
        elif name in BLOCKS:
            self._flush()
            self._children(tag, depth)
            self._flush()
        else:
            self._children(tag, depth)

    def _heading(self, tag: Tag, level: int) -> None:
        self._flush()
        if title := squeeze(_visible_text(tag)):
            self._outline.heading(level, title)

    def _table(self, tag: Tag) -> None:
        self._flush()
        caption = tag.find("caption", recursive=False)
        if isinstance(caption, Tag):
            self._outline.block(squeeze(_visible_text(caption)))
        rows = [
            [text for cell in row.find_all(["td", "th"], recursive=False) for text in _cell(cell)]
            for row in tag.find_all("tr")
            if not _is_hidden(row)
        ]
        self._outline.block(clean(markdown_table(rows)))

    def _flush(self) -> None:
        lines = [squeeze(line) for line in "".join(self._line).split("\n")]
        self._outline.block("\n".join(line for line in lines if line))
        self._line = []


def _is_text(node: object) -> bool:
    special = (Comment, Doctype, ProcessingInstruction, Declaration, CData)
    return isinstance(node, NavigableString) and not isinstance(node, special)


def _is_hidden(tag: Tag) -> bool:
    if tag.has_attr("hidden") or tag.get("aria-hidden") == "true" or tag.get("role") in UNREAD_ROLES:
        return True
    return HIDING_STYLE.search(str(tag.get("style") or "")) is not None


def _is_layout(table: Tag) -> bool:
    """A table that only places things: inside it are tables or headings, or it has a single column or row."""
    if table.get("role") in ("presentation", "none"):
        return True
    if table.find(["table", "h1", "h2", "h3", "h4", "h5", "h6"]) is not None and table.find("th") is None:
        return True
    widths = [len(row.find_all(["td", "th"], recursive=False)) for row in table.find_all("tr")]
    return len(widths) < 2 or max(widths) < 2


def _cell(cell: Tag) -> list[str]:
    span = str(cell.get("colspan") or "1")
    width = min(int(span), 64) if span.isdecimal() else 1
    return [squeeze(_visible_text(cell)), *[""] * (width - 1)]


def _list_lines(tag: Tag, depth: int) -> Iterator[str]:
    number = 0
    for child in tag.find_all(True, recursive=False):
        if child.name in UNREAD or _is_hidden(child):
            continue
        number += 1
        marker = f"{number}." if tag.name == "ol" else "-"
        inner = child.find_all(["ul", "ol"], recursive=False)
        if text := squeeze(_visible_text(child, without=inner)):
            yield f"{'  ' * min(depth, MOST_INDENTS)}{marker} {text}"
        for deeper in [child] if child.name in ("ul", "ol") else inner:
            if depth < DEEPEST_LIST:
                yield from _list_lines(deeper, depth + 1)
            elif text := squeeze(_visible_text(deeper)):
                yield f"{'  ' * MOST_INDENTS}- {text}"


def _visible_text(tag: Tag, without: list[Tag] | None = None) -> str:
    """The text below `tag` that a reader of the page would see, blocks apart from one another."""
    parts: list[str] = []
    stack: list[object] = [tag]
    skipped = {id(inner) for inner in without or ()}
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            parts.append(str(node) if not isinstance(node, NavigableString) or _is_text(node) else "")
        elif isinstance(node, Tag) and id(node) not in skipped:
            if node is not tag and (node.name in UNREAD or _is_hidden(node)):
                continue
            gap = " " if node.name in BLOCKS or node.name == "br" else ""
            alt = f" {node.get('alt') or ''} " if node.name == "img" else ""
            parts.append(gap + alt)
            stack += [gap, *reversed(list(node.children))]
    return "".join(parts)
