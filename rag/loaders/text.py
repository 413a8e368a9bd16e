"""Plain text and Markdown."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

from rag.documents import Notice, ParsedFile
from rag.errors import DocumentError
from rag.loaders.characters import clean, squeeze
from rag.loaders.encodings import Decoded, decode
from rag.loaders.outline import Outline
from rag.loaders.source import Source
from rag.loaders.wrapping import joined, unwrapped

FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
FRONT_TITLE = re.compile(r"^title[ \t]*:[ \t]*(.+?)[ \t]*$", re.M)
NUMERAL = "[一二三四五六七八九十百千零〇两0-9０-９]+"
CHAPTER = re.compile(rf"^\s*(第\s*{NUMERAL}\s*([编卷部章节回]))(?:[\s:：、.].{{0,40}})?\s*$")
CHAPTER_LEVELS = {"编": 1, "卷": 1, "部": 1, "章": 2, "回": 2, "节": 3}


def read_text(source: Source) -> ParsedFile:
    """Plain text; lines such as 第一章 总则 are its headings."""
    text, warnings = _content(source)
    outline = Outline()
    block: list[str] = []
    for line in text.split("\n"):
        heading = CHAPTER.match(line)
        if heading is None:
            block.append(line.rstrip())
            continue
        outline.block(unwrapped("\n".join(block)))
        block = []
        outline.heading(CHAPTER_LEVELS[heading[2]], squeeze(line))
    outline.block(unwrapped("\n".join(block)))
    return ParsedFile("txt", outline.sections(), warnings=warnings)


def read_markdown(source: Source) -> ParsedFile:
    """Markdown, one section under each heading; front matter gives the title.

    Lists, tables and code stay as they are written; a paragraph becomes one line.
    """
    text, warnings = _content(source)
    title = None
    if front := FRONT_MATTER.match(text):
        if found := FRONT_TITLE.search(front[1]):
            title = found[1].strip("\"'")
        # Blank lines keep the numbering of the lines that follow.
        text = "\n" * text[: front.end()].count("\n") + text[front.end() :]
    lines: list[str | None] = [*text.split("\n")]
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    for start, end in _paragraphs(tokens):
        wrapped = [line or "" for line in lines[start:end]]
        indent = wrapped[0][: len(wrapped[0]) - len(wrapped[0].lstrip())]
        lines[start:end] = [indent + joined(wrapped), *[None] * (end - start - 1)]
    outline = Outline()
    begun = 0
    for start, end, level, heading in _headings(tokens):
        outline.block(_text(lines[begun:start]))
        outline.heading(level, heading, line=_text(lines[start:end]))
        title = title or (heading if level == 1 else None)
        begun = end
    outline.block(_text(lines[begun:]))
    if not outline.sections() and front:
        outline.block(front[1])
    return ParsedFile("md", outline.sections(), title=title, warnings=warnings)


def _text(lines: Sequence[str | None]) -> str:
    return "\n".join(line for line in lines if line is not None).strip("\n")


def _paragraphs(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """(first line, line after) of each paragraph of several lines without a break that is meant."""
    quoted = 0
    for token, inline in pairwise(tokens):
        quoted += (token.type == "blockquote_open") - (token.type == "blockquote_close")
        if token.type != "paragraph_open" or quoted or not token.map or token.map[1] - token.map[0] < 2:
            continue
        if not any(child.type == "hardbreak" for child in inline.children or []):
            yield token.map[0], token.map[1]


def _headings(tokens: Sequence[Token]) -> list[tuple[int, int, int, str]]:
    """(first line, line after, level, title) of each heading that is not inside a list or a quotation."""
    found = []
    for token, inline in pairwise(tokens):
        if token.type == "heading_open" and token.level == 0 and token.map:
            words = "".join(
                child.content or " " for child in inline.children or [] if child.type != "html_inline"
            )
            found.append((token.map[0], token.map[1], int(token.tag[1]), squeeze(words)))
    return found


def _content(source: Source) -> tuple[str, tuple[Notice, ...]]:
    decoded = decode(source.path.read_bytes())
    text = clean(decoded.text)
    if not text.strip():
        raise DocumentError("{name} contains only white space.", name=source.name)
    return text, guess_notices(source, decoded)


def guess_notices(source: Source, decoded: Decoded) -> tuple[Notice, ...]:
    """What to tell the user where the encoding was guessed."""
    spoilt = decoded.text.count("\ufffd")
    if not decoded.sure:
        return (
            Notice(
                "{name} does not say its encoding; it was read as {encoding}. "
                "If its text looks wrong, save it as UTF-8 and add it again.",
                {"name": source.name, "encoding": decoded.encoding},
            ),
        )
    if spoilt:
        return (
            Notice(
                "{count} characters of {name} could not be read as {encoding} and are shown as \ufffd.",
                {"name": source.name, "count": spoilt, "encoding": decoded.encoding},
            ),
        )
    return ()
