"""Rich text (RTF): paragraphs, headings, lists, tables, footnotes and comments."""

import re
from collections.abc import Callable
from dataclasses import replace

from rag.documents import Notice, ParsedFile
from rag.loaders.characters import squeeze
from rag.loaders.outline import HEADING_NAME, Outline
from rag.loaders.rtf_state import State, Tables, joined
from rag.loaders.rtf_table import RtfTable
from rag.loaders.rtf_tokens import SIGNS, Token, tokens
from rag.loaders.rtf_words import BREAKS, CHARACTERS, CODE_PAGES, EDGES, STARRED, UNREAD, code_page
from rag.loaders.source import Source


def read_rtf(source: Source) -> ParsedFile:
    """The text without control words, pictures and embedded objects."""
    reader = _Reader()
    for token in tokens(source.path.read_bytes()):
        reader.token(token)
    is_whole = reader.end()
    warnings = () if is_whole else (
        Notice("The file is damaged; what could be recovered was read. Check that nothing is missing."),
    )  # fmt: skip
    return ParsedFile("rtf", reader.outline.sections(), title=reader.tables.title or None, warnings=warnings)


class _Reader:
    """One pass over the tokens."""

    def __init__(self) -> None:
        self.outline = Outline()
        self.tables = Tables()
        self._state = State()
        self._stack: list[State] = []
        self._texts: dict[str, list[str]] = {"": []}
        self._bytes = bytearray()
        self._unread = 0
        self._starred = False
        self._marker = ""
        self._table = RtfTable()
        self._notes: list[str] = []
        self._edges: set[str] = set()
        self._words: dict[str, Callable[[int | None], None]] = {
            "f": self._font, "uc": self._fallbacks, "u": self._unicode, "plain": self._plain,
            "pard": self._pard, "s": self._style, "outlinelevel": self._level, "intbl": self._intbl,
            "ilvl": self._depth, "cell": self._cell, "row": self._row, "nestcell": self._nested,
            "nestrow": self._nested, "ansicpg": self._code_page, "mac": self._mac, "deff": self._default_font,
            "fcharset": self._charset, "deleted": self._deleted,
        }  # fmt: skip

    def token(self, token: Token) -> None:
        word = token.word
        if word == "text":
            self._text(token.data)
        elif word == "{":
            self._flush()
            self._unread = 0
            self._stack.append(self._state)
        elif word == "}":
            self._flush()
            self._unread = 0
            self._close()
        elif word == "*":
            self._starred = True
        elif word == "sign":
            self._put(SIGNS[token.data])
        else:
            starred, self._starred = self._starred, False
            self._control(word, token.number, starred=starred)

    def end(self) -> bool:
        """Finish the last paragraph; whether every group was closed."""
        self._flush()
        is_whole = not self._stack
        self._state = State()
        self._paragraph()
        self._end_table()
        return is_whole

    def _control(self, word: str, number: int | None, *, starred: bool) -> None:
        if self._state.target is None:
            if word == "title" and self._stack:
                self._open("title")
            return
        if word in CHARACTERS:
            self._put(CHARACTERS[word])
        elif word in BREAKS:
            self._break()
        elif word in UNREAD or (starred and word not in STARRED):
            self._flush()
            self._state = replace(self._state, target=None)
        elif word in ("fonttbl", "stylesheet", "footnote", "annotation", "listtext") or word in EDGES:
            self._open("edge" if word in EDGES else word)
        elif word in self._words:
            if word != "u":
                self._flush()
            self._words[word](number)
        else:
            self._table.definition(word)

    def _open(self, target: str) -> None:
        self._flush()
        self._texts[target] = []
        self._state = replace(self._state, target=target, in_table=False)

    def _close(self) -> None:
        if not self._stack:
            return
        ended, self._state = self._state, self._stack.pop()
        if ended.target == self._state.target:
            if ended.target == "stylesheet":
                self._name_style(ended)
            return
        text = joined(self._texts.pop(ended.target or "", [])) if ended.target else ""
        if ended.target == "listtext":
            self._marker = squeeze(text)
        elif ended.target in ("footnote", "annotation") and text:
            self._notes.append(f"[{'Footnote' if ended.target == 'footnote' else 'Comment'}] {text}")
        elif ended.target == "edge" and text and text not in self._edges:
            self._edges.add(text)
            self._notes.append(text)
        elif ended.target == "title":
            self.tables.title = squeeze(text)

    def _text(self, data: bytes) -> None:
        dropped = min(self._unread, len(data))
        self._unread -= dropped
        if self._state.target is not None and len(data) > dropped:
            self._bytes += data[dropped:]

    def _put(self, text: str) -> None:
        self._flush()
        if self._state.target is not None:
            self._texts.setdefault(self._state.target, []).append(text)

    def _flush(self) -> None:
        if self._bytes and self._state.target is not None:
            encoding = self.tables.fonts.get(self._state.font, self.tables.encoding)
            text = self._bytes.decode(encoding, "replace")
            self._texts.setdefault(self._state.target, []).append(text)
        self._bytes.clear()

    def _break(self) -> None:
        self._flush()
        if self._state.target == "":
            self._paragraph()
        else:
            self._put("\n")

    def _paragraph(self) -> None:
        text = joined(self._texts[""])
        if self._state.in_table:
            self._texts[""].append("\n")
            return
        self._texts[""] = []
        marker, self._marker = self._marker, ""
        if text:
            self._end_table()
            self._add(text, marker)
        for note in self._notes if not self._table.rows else ():
            self.outline.block(note)
        if not self._table.rows:
            self._notes = []

    def _add(self, text: str, marker: str) -> None:
        level = self._state.level
        level = self.tables.levels.get(self._state.style) if level is None else level
        if level is not None and level < 9:
            self.outline.heading(level + 1, squeeze(f"{marker} {text}" if re.search(r"\w", marker) else text))
        elif marker:
            sign = marker if re.search(r"\w", marker) else "-"
            self.outline.item(f"{'  ' * self._state.depth}{sign} {squeeze(text)}")
        else:
            self.outline.block(text)

    def _end_table(self) -> None:
        if text := self._table.take():
            self.outline.block(text)
            for note in self._notes:
                self.outline.block(note)
            self._notes = []

    def _name_style(self, ended: State) -> None:
        name = HEADING_NAME.match(squeeze("".join(self._texts["stylesheet"])).rstrip(";").strip())
        self._texts["stylesheet"] = []
        if ended.level is not None:
            self.tables.levels[ended.style] = ended.level
        elif name:
            self.tables.levels[ended.style] = int(name[1]) - 1

    def _font(self, number: int | None) -> None:
        self._state = replace(self._state, font=number or 0)

    def _charset(self, number: int | None) -> None:
        if self._state.target == "fonttbl" and number in CODE_PAGES:
            self.tables.fonts[self._state.font] = CODE_PAGES[number]

    def _fallbacks(self, number: int | None) -> None:
        self._state = replace(self._state, fallbacks=min(max(0, 1 if number is None else number), 100))

    def _unicode(self, number: int | None) -> None:
        self._put(chr((number or 0) & 0xFFFF))
        self._unread = self._state.fallbacks

    def _plain(self, _number: int | None) -> None:
        self._state = replace(self._state, font=self.tables.font)

    def _pard(self, _number: int | None) -> None:
        self._state = replace(self._state, style=0, level=None, in_table=False, depth=0)

    def _style(self, number: int | None) -> None:
        self._state = replace(self._state, style=number or 0)

    def _level(self, number: int | None) -> None:
        self._state = replace(self._state, level=number or 0)

    def _depth(self, number: int | None) -> None:
        self._state = replace(self._state, depth=min(max(0, number or 0), 8))

    def _intbl(self, _number: int | None) -> None:
        self._state = replace(self._state, in_table=self._state.target == "")

    def _deleted(self, number: int | None) -> None:
        if number != 0:
            self._state = replace(self._state, target=None)

    def _code_page(self, number: int | None) -> None:
        self.tables.encoding = code_page(number or 0)

    def _mac(self, _number: int | None) -> None:
        self.tables.encoding = "mac_roman"

    def _default_font(self, number: int | None) -> None:
        self.tables.font = number or 0
        self._font(number)

    def _cell(self, _number: int | None) -> None:
        if self._state.target == "":
            marker, self._marker = self._marker, ""
            text = joined(self._texts[""])
            self._table.cell(f"{marker} {text}" if re.search(r"\w", marker) else text)
            self._texts[""] = []

    def _nested(self, _number: int | None) -> None:
        self._put("\n")

    def _row(self, _number: int | None) -> None:
        if self._state.target == "":
            self._table.row()
