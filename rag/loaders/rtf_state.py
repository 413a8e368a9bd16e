"""What a reader of RTF keeps in mind."""

from dataclasses import dataclass, field

from rag.loaders.characters import clean


@dataclass(frozen=True, slots=True)
class State:
    """What holds inside a group; `target` is where its text goes, "" the document, None nowhere."""

    target: str | None = ""
    font: int = 0
    fallbacks: int = 1
    style: int = 0
    level: int | None = None
    in_table: bool = False
    depth: int = 0


@dataclass(slots=True)
class Tables:
    """What the head of the file tells: encodings of fonts, names and levels of styles, the title."""

    encoding: str = "cp1252"
    font: int = 0
    fonts: dict[int, str] = field(default_factory=dict)
    levels: dict[int, int] = field(default_factory=dict)
    title: str = ""


def joined(pieces: list[str]) -> str:
    """Pieces of text in which a character beyond the first plane may be two."""
    text = "".join(pieces)
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return clean(text).strip()
