"""Text that is not ours, made harmless for st.markdown: no image is fetched, no link hides its address."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from markdown_it import MarkdownIt

from rag.keyword_index import terms

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$:<>&^=])")
_LIVE = re.compile(r"[\[\]$<\\]|!(?=\[)|:(?=[a-z-]+\[)|(?<=\w):(?=//)")
_CODE = re.compile(r"((?<!`)(?:`+)(?!`))(.+?)(?<!`)\1(?!`)", re.DOTALL)
_INDENT = re.compile(r"^[ \t]+(?=\S)", re.MULTILINE)
# Reads blocks as the page does once everything that _LIVE escapes is text.
_BLOCKS = MarkdownIt("commonmark").enable("table").disable(["html_block", "reference", "inline"])
_SEPARATOR = re.compile(r"(?:\\\||\\-|\\:| )+")  # of a table's head and rows, escaped
_DIRECTIVE = re.compile(r":(?=[A-Za-z0-9_+/-]+[:\[])")
_HEADING_MARK = re.compile(r"^#{1,6} +", re.MULTILINE)
_MARKER = re.compile(r"\\\[(\d{1,3})\\\]")
_WORD = re.compile(r"[^\W_]+")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_STOP = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be but by can could did do does for from had has have how i in is it its may of "
        "on or should that the their this to was were what when where which who whom whose why will with "
        "would you your",
    )
)


def plain(text: str) -> str:
    """`text` shown letter for letter; single line breaks and indents stay."""
    return _escaped(_indented(text))


def _indented(text: str) -> str:
    """`text` with no-break spaces in front of its lines, where four spaces would make a block of code."""
    return _INDENT.sub(lambda found: "\u00a0" * len(found[0]), text)


def _escaped(text: str) -> str:
    # Streamlit reads :material/name:, :smile: and :red[…] even where the colon is escaped.
    text = _DIRECTIVE.sub(":\u2060", text)
    return _SPECIAL.sub(r"\\\1", text).replace("\n", "  \n")


def without_heading_marks(text: str) -> str:
    """A passage of a Markdown file without the # signs of its headings."""
    return _HEADING_MARK.sub("", text)


def marked(text: str, question: str) -> str:
    """A passage shown letter for letter, the question's words marked."""
    text = _indented(text)
    pieces: list[str] = []
    end = 0
    for start, stop in _joined(_matches(text, question)):
        pieces += [_escaped(text[end:start]), f":yellow-background[{_escaped(text[start:stop])}]"]
        end = stop
    return _with_tables("".join([*pieces, _escaped(text[end:])]))


def _with_tables(escaped: str) -> str:
    """Escaped text in which rows of a Markdown table are a table again; the cells stay escaped."""
    lines = escaped.split("\n")
    for index, line in enumerate(lines):
        bare = line.strip()
        if _SEPARATOR.fullmatch(bare) and index and lines[index - 1].startswith("\\|"):
            lines[index] = bare.replace("\\", "")
            lines[index - 1] = "\n" + _row(lines[index - 1])
            following = index + 1
            while following < len(lines) and lines[following].startswith("\\|"):
                lines[following] = _row(lines[following])
                following += 1
    return "\n".join(lines)


def _row(line: str) -> str:
    return line.strip().replace("\\|", "|")


def answer(text: str, passages: Iterable[int] = (), anchor: str = "") -> str:
    """A model's answer: lists, tables, emphasis and code are kept, images and links are shown as written.

    A marker [n] of one of `passages` becomes a link to the passage's place on the page, `anchor`-n.
    """
    known = set(passages)

    def linked(piece: str) -> str:
        return _MARKER.sub(
            lambda found: f"[{found[0]}](#{anchor}-{found[1]})" if int(found[1]) in known else found[0],
            _LIVE.sub(r"\\\g<0>", piece),
        )

    return "".join(piece if is_code else linked(piece) for piece, is_code in _pieces(text))


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """A text in pieces, each with whether it is code; joined they are the text again."""
    text = re.sub(r"\r\n?", "\n", text).replace("\0", "\ufffd")
    lines = text.split("\n")
    lines = [line + "\n" for line in lines[:-1]] + lines[-1:]
    end = 0
    for token in _BLOCKS.parse(text):
        if (
            not token.map
            or token.map[0] < end
            or token.type not in ("fence", "code_block", "inline", "tr_open")
        ):
            continue
        start, stop = token.map
        yield "".join(lines[end:start]), False
        block, end = "".join(lines[start:stop]), stop
        if token.type == "inline":
            yield from _code_spans(block)
        elif token.type == "tr_open":
            yield from _cells(block)
        else:
            yield block, True
    yield "".join(lines[end:]), False


def _cells(row: str) -> Iterator[tuple[str, bool]]:
    """Code does not reach from one cell into the next; where a cell holds a pipe, none is looked for."""
    if "\\|" in row:
        yield row, False
        return
    for cell in re.split(r"(\|)", row):
        yield from _code_spans(cell)


def _code_spans(text: str) -> Iterator[tuple[str, bool]]:
    end = 0
    for found in _CODE.finditer(text):
        yield text[end : found.start()], False
        yield found[0], True
        end = found.end()
    yield text[end:], False


def _matches(text: str, question: str) -> list[tuple[int, int]]:
    """Where the question's words stand in the text, longer forms of a word included."""
    wanted = {word for word in terms(question) if word not in _STOP}
    stems = {word[: max(4, len(word) - 2)] for word in wanted if word.isascii() and len(word) > 4}
    found: list[tuple[int, int]] = []
    for match in _WORD.finditer(text):
        word = unicodedata.normalize("NFKC", match.group()).lower()
        if _CJK.search(word):
            pairs = [index for index in range(len(word) - 1) if word[index : index + 2] in wanted]
            if len(word) == len(match.group()):
                found += [(match.start() + index, match.start() + index + 2) for index in pairs]
        elif word in wanted or any(word.startswith(stem) for stem in stems):
            found.append(match.span())
    return found


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Overlapping and touching spans as one."""
    joined: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return joined
