"""What all OpenDocument files have in common: opening them, and the text of their paragraphs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rag.errors import DocumentError
from rag.loaders.characters import clean, squeeze
from rag.loaders.parts import Parts, child, damage
from rag.loaders.source import Source
from rag.loaders.tables import Merge, merged_table
from rag.loaders.word_xml import attribute, local_name

MOST_SPACES = 1000
MOST_REPEATS = 4096
MOST_CELLS = 1_000_000
LEFT_OUT = frozenset(
    {"note", "annotation", "ruby-text", "tracked-changes", "frame", "page-number", "page-count"}
)


@contextmanager
def open_document(source: Source) -> Iterator[Parts]:
    """The parts of an OpenDocument file. Raises DocumentError where they are encrypted or missing."""
    with Parts(source.path, source.name) as parts:
        manifest = parts.xml("META-INF/manifest.xml")
        if "encrypted-package" in parts or (
            manifest is not None and next(manifest.iter("{*}encryption-data"), None) is not None
        ):
            raise _encrypted(source)
        if "content.xml" not in parts:
            raise damage(source.name)
        yield parts


def _encrypted(source: Source) -> DocumentError:
    return DocumentError(
        "{name} is encrypted in a way that cannot be opened here. "
        "Save it without a password and add it again.",
        name=source.name,
    )


def document_title(parts: Parts) -> str | None:
    """The title in the properties."""
    root = parts.xml("meta.xml")
    title = next(root.iter("{http://purl.org/dc/elements/1.1/}title"), None) if root is not None else None
    return (squeeze(title.text or "") or None) if title is not None else None


@dataclass(slots=True)
class Remarks:
    """What hangs on a paragraph without being part of its text."""

    notes: list[str] = field(default_factory=list)
    frames: list[Any] = field(default_factory=list)

    def take(self) -> list[str]:
        """The notes so far, once."""
        taken, self.notes = self.notes, []
        return taken


def paragraph_text(node: Any, remarks: Remarks) -> str:
    """The text of a paragraph; its footnotes, comments and frames go to `remarks`."""
    return clean("".join(_pieces(node, remarks))).strip()


def _pieces(node: Any, remarks: Remarks) -> Iterator[str]:
    yield node.text or "" if isinstance(node.tag, str) else ""
    for each in node:
        tag = local_name(each)
        if tag == "s":
            count = attribute(each, "c") or "1"
            yield " " * min(int(count) if count.isdecimal() else 1, MOST_SPACES)
        elif tag in ("tab", "line-break"):
            yield "\t" if tag == "tab" else "\n"
        elif tag == "note":
            body = child(each, "note-body")
            label = "Endnote" if attribute(each, "note-class") == "endnote" else "Footnote"
            remarks.notes += [f"[{label}] {text}"] if (text := plain_text(body, remarks)) else []
        elif tag == "annotation":
            remarks.notes += [f"[Comment] {text}"] if (text := comment_text(each)) else []
        elif tag in ("frame", "g", "custom-shape", "rect", "ellipse", "object"):
            remarks.frames.append(each)
        elif tag not in LEFT_OUT:
            yield from _pieces(each, remarks)
        yield each.tail or ""


def comment_text(node: Any) -> str:
    """What a comment says, without its author and date."""
    return plain_text(node, Remarks())


def plain_text(node: Any | None, remarks: Remarks) -> str:
    """All paragraphs below a node, a line each, lists with their bullets."""
    return "\n".join(_lines(node, remarks, -1)) if node is not None else ""


def _lines(node: Any, remarks: Remarks, depth: int) -> Iterator[str]:
    for each in node:
        tag = local_name(each)
        if tag in ("p", "h"):
            if text := paragraph_text(each, remarks):
                yield f"{'  ' * depth}- {squeeze(text)}" if depth >= 0 else text
        elif tag in (
            "list",
            "list-item",
            "list-header",
            "section",
            "text-box",
            "table",
            "table-row",
            "table-cell",
        ):
            yield from _lines(each, remarks, depth + 1 if tag == "list" and depth < 20 else depth)


def repeats(node: Any, name: str) -> int:
    """How often a row or cell stands there, at most as often as a table may have them."""
    count = attribute(node, name) or "1"
    return min(max(1, int(count)), MOST_REPEATS) if count.isdecimal() and len(count) < 10 else 1


def rows_of(table: Any) -> Iterator[Any]:
    """The rows of a table, those of its header and its groups included, not those of inner tables."""
    for each in table:
        tag = local_name(each)
        if tag == "table-row":
            yield each
        elif tag in ("table-header-rows", "table-rows", "table-row-group"):
            yield from rows_of(each)


def table_text(table: Any, remarks: Remarks) -> str:
    """A table of a text or a slide as Markdown."""
    rows: list[list[str]] = []
    merges: list[Merge] = []
    cells = 0
    for row in rows_of(table):
        texts: list[str] = []
        for cell in row:
            if local_name(cell) not in ("table-cell", "covered-table-cell"):
                continue
            across, down = repeats(cell, "number-columns-spanned"), repeats(cell, "number-rows-spanned")
            if across > 1 or down > 1:
                merges.append(Merge(len(rows), len(texts), down, across))
            text = plain_text(cell, remarks)
            texts += [text] * repeats(cell, "number-columns-repeated")
        while texts and not texts[-1]:
            texts.pop()
        times = repeats(row, "number-rows-repeated") if texts else 1
        cells += len(texts) * times
        if cells > MOST_CELLS:
            break
        rows += [texts] * times
    return merged_table(rows, merges)
