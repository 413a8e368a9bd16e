"""A table of an RTF file, which is only a run of rows."""

from dataclasses import dataclass, field

from rag.loaders.tables import Merge, merged_table

DEFINITIONS = frozenset({"trowd", "cellx", "clmgf", "clmrg", "clvmgf", "clvmrg"})


@dataclass(slots=True)
class RtfTable:
    """The rows so far, and how the cells of each are merged: the words that define them."""

    rows: list[list[str]] = field(default_factory=list)
    _cells: list[str] = field(default_factory=list)
    _words: list[list[set[str]]] = field(default_factory=list)
    _row_words: list[set[str]] = field(default_factory=list)
    _cell_words: set[str] = field(default_factory=set)

    def definition(self, word: str) -> None:
        """A control word that may tell of the cells of this row."""
        if word not in DEFINITIONS:
            return
        if word == "trowd":
            self._row_words, self._cell_words = [], set()
        elif word == "cellx":
            self._row_words.append(self._cell_words)
            self._cell_words = set()
        else:
            self._cell_words.add(word)

    def cell(self, text: str) -> None:
        """The next cell of this row."""
        self._cells.append(text)

    def row(self) -> None:
        """The end of this row."""
        if self._cells:
            self.rows.append(self._cells)
            self._words.append(self._row_words)
        self._cells = []

    def take(self) -> str:
        """The table as Markdown, once; "" if there is none."""
        self.row()
        text = merged_table(self.rows, self._merges())
        self.rows, self._words = [], []
        return text

    def _merges(self) -> list[Merge]:
        found = []
        for number, words in enumerate(self._words):
            for column, own in enumerate(words):
                if own & {"clmgf", "clvmgf"}:
                    across = 1
                    while column + across < len(words) and "clmrg" in words[column + across]:
                        across += 1
                    found.append(Merge(number, column, self._height(number, column), across))
        return found

    def _height(self, number: int, column: int) -> int:
        height = 1
        for words in self._words[number + 1 :] if "clvmgf" in self._words[number][column] else ():
            if column >= len(words) or "clvmrg" not in words[column]:
                break
            height += 1
        return height
