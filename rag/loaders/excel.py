"""Excel workbooks (XLSX, XLSM): every sheet's tables, with comments, text boxes and the titles of charts."""

from collections.abc import Iterator, Sequence
from typing import Any

from rag.documents import Notice, ParsedFile
from rag.loaders.cell_format import BUILT_IN
from rag.loaders.characters import squeeze
from rag.loaders.drawing_text import drawing_blocks
from rag.loaders.excel_sheet import Sheet, Workbook, codes_of, position, rich_text
from rag.loaders.outline import Outline
from rag.loaders.parts import Parts, child, damage
from rag.loaders.sheet_blocks import COMMENT, blocks
from rag.loaders.sheet_notices import Hidden, notices
from rag.loaders.source import Source
from rag.loaders.word_xml import local_name

THREAD_NOTE = "[Threaded comment]"


def read_xlsx(source: Source) -> ParsedFile:
    """A section for each sheet, under its name."""
    with Parts(source.path, source.name) as parts:
        main = parts.main("xl/workbook.xml")
        reader = _Reader(parts, main)
        sheets = _sheets(parts, main)
        if not sheets:
            raise damage(source.name)
        for name, part, is_hidden in sheets:
            reader.read(name, part, is_hidden=is_hidden)
        sections = reader.outline.sections()
        parts.check_text(sections, source.name)
        return ParsedFile(
            "xlsx",
            sections,
            title=core_title(parts),
            warnings=(*parts.warnings(), *notices(reader.hidden), *_formulas(reader.uncomputed)),
        )


class _Reader:
    """One pass over a workbook's sheets."""

    def __init__(self, parts: Parts, main: str) -> None:
        self.outline = Outline()
        self.hidden = Hidden()
        self.uncomputed: list[str] = []
        self._parts = parts
        self._workbook = _workbook(parts, main)

    def read(self, name: str, part: str, *, is_hidden: bool) -> None:
        sheet = Sheet(self._workbook, _comments(self._parts, part))
        rows = list(sheet.rows(self._parts, part))
        texts = list(blocks(rows, sheet.merges)) if rows else []
        texts += [f"{COMMENT}{text}" for text in sheet.comments.values()]
        for drawing in self._parts.related(part, "drawing"):
            texts += drawing_blocks(self._parts, drawing)
        texts = [text for text in texts if text.strip()]
        if not texts:
            return
        self.outline.heading(1, name)
        for text in texts:
            self.outline.block(text)
        self.hidden.add(name, sheet=is_hidden, rows=sheet.hidden_rows, columns=len(sheet.hidden_cells))
        if sheet.uncomputed:
            self.uncomputed.append(name)


def core_title(parts: Parts) -> str | None:
    """The title in an Office file's properties."""
    core = next(iter(parts.related("", "core-properties")), "docProps/core.xml")
    root = parts.xml(core)
    title = child(root, "title") if root is not None else None
    words = squeeze(title.text or "") if title is not None else ""
    return None if words in ("", "PowerPoint Presentation", "PowerPoint 演示文稿") else words


def _workbook(parts: Parts, main: str) -> Workbook:
    related = {relation.kind: relation.target for relation in parts.relations(main).values()}
    strings = related.get("sharedStrings", "xl/sharedStrings.xml")
    styles = parts.xml(related.get("styles", "xl/styles.xml"))
    root = parts.xml(main)
    properties = child(root, "workbookPr") if root is not None else None
    return Workbook(
        texts=[squeeze(rich_text(node)) for node in parts.stream(strings, ("si",))],
        codes=codes_of(styles, BUILT_IN),
        since_1904=properties is not None and properties.get("date1904") in ("1", "true"),
    )


def _sheets(parts: Parts, main: str) -> list[tuple[str, str, bool]]:
    """(name, part, hidden) of the sheets in order; without a readable list, those there are."""
    relations = parts.relations(main)
    found = []
    for node in _listed(parts.xml(main)):
        key = next((value for name, value in node.attrib.items() if name.endswith("}id")), "")
        if key in relations and relations[key].target in parts:
            name = squeeze(node.get("name") or "") or relations[key].target
            found.append((name, relations[key].target, node.get("state", "visible") != "visible"))
    if found:
        return found
    loose = sorted(parts.names("xl/worksheets/sheet"), key=lambda part: (len(part), part))
    if loose:
        parts.damaged.add(main)
    return [(part.rpartition("/")[2].partition(".")[0], part, False) for part in loose]


def _listed(root: Any | None) -> Iterator[Any]:
    sheets = child(root, "sheets") if root is not None else None
    for node in sheets if sheets is not None else ():
        if local_name(node) == "sheet":
            yield node


def _comments(parts: Parts, part: str) -> dict[tuple[int, int], str]:
    """Comments by the (row, column) of their cells; a conversation replaces the note Excel writes for it."""
    found: dict[tuple[int, int], str] = {}
    for target in parts.related(part, "threadedComment"):
        for node in parts.stream(target, ("threadedComment",)):
            place, text = position(node.get("ref")), child(node, "text")
            if place and text is not None and (words := squeeze(text.text or "")):
                found[place] = f"{found[place]} / {words}" if place in found else words
    for target in parts.related(part, "comments"):
        for node in parts.stream(target, ("comment",)):
            place, text = position(node.get("ref")), child(node, "text")
            words = squeeze(rich_text(text)) if text is not None else ""
            if place and words and place not in found and not words.startswith(THREAD_NOTE):
                found[place] = words
    return found


def _formulas(sheets: Sequence[str]) -> tuple[Notice, ...]:
    if not sheets:
        return ()
    return (
        Notice(
            "Formulas without a saved result were read as formulas on: {sheets}. "
            "Open the file in Excel or LibreOffice, save it and add it again.",
            {"sheets": ", ".join(sheets)},
        ),
    )
