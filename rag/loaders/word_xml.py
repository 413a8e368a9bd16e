"""Walking the XML of a Word document by local names, so that both of its name spaces are read."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

# Word writes drawings twice, the second time for old readers; deleted and moved text is not in the document.
LEFT_OUT = frozenset({"Fallback", "del", "moveFrom", "pPr", "rPr", "tblPr", "sectPr", "instrText", "delText"})
SMALLEST_TYPE = 2  # half points


def runs(node: Any) -> Iterator[str]:
    """The text of a paragraph without its text boxes."""
    for child in node:
        tag = local_name(child)
        if tag == "t":
            yield child.text or ""
        elif tag in ("tab", "ptab"):
            yield "\t"
        elif tag in ("br", "cr"):
            yield "\n"
        elif tag == "noBreakHyphen":
            yield "-"
        elif tag not in LEFT_OUT and tag != "txbxContent" and not (tag == "r" and is_hidden(child)):
            yield from runs(child)


def is_hidden(run: Any) -> bool:
    """Whether a run's text cannot be seen: hidden, as small as a dot, or white where nothing is behind it.

    In tables and text boxes white is taken to stand on a colour.
    """
    properties = run.find("{*}rPr")
    if properties is None:
        return False
    vanish = properties.find("{*}vanish")
    if vanish is not None and attribute(vanish, "val") not in ("0", "false", "off"):
        return True
    size = value(properties, "sz")
    if size is not None and size.isdecimal() and int(size) <= SMALLEST_TYPE:
        return True
    if (value(properties, "color") or "").upper() != "FFFFFF" or _is_shaded(properties):
        return False
    above = list(run.iterancestors())
    names = {local_name(each) for each in above}
    shaded = any(_is_shaded(each.find("{*}pPr")) for each in above if local_name(each) == "p")
    return not shaded and not names & {"tc", "txbxContent"} and above[-1].find("{*}background") is None


def _is_shaded(properties: Any | None) -> bool:
    return properties is not None and any(
        properties.find(f"{{*}}{name}") is not None for name in ("shd", "highlight")
    )


def hidden_letters(root: Any) -> int:
    """How many letters below `root` cannot be seen."""
    hidden = (run for run in root.iter("{*}r") if is_hidden(run))
    return sum(len("".join((text.text or "").split())) for run in hidden for text in run.iter("{*}t"))


def boxes(node: Any) -> Iterator[Any]:
    """The text boxes anchored in a paragraph."""
    for child in node:
        tag = local_name(child)
        if tag == "txbxContent":
            yield child
        elif tag not in LEFT_OUT:
            yield from boxes(child)


def paragraphs(parent: Any) -> Iterator[Any]:
    if local_name(parent) == "p":
        yield parent
        return
    for child in parent:
        if local_name(child) not in LEFT_OUT:
            yield from paragraphs(child)


def inside(parent: Any, name: str) -> Iterator[Any]:
    """Rows of a table or cells of a row, also inside content controls, not those of inner tables."""
    for child in parent:
        if local_name(child) == name:
            yield child
        elif local_name(child) not in LEFT_OUT and local_name(child) not in ("tbl", "p"):
            yield from inside(child, name)


def local_name(node: Any) -> str:
    return _without_namespace(node.tag) if isinstance(node.tag, str) else ""


@lru_cache(maxsize=4096)
def _without_namespace(tag: str) -> str:
    return tag.rpartition("}")[2]


def attribute(node: Any, name: str) -> str | None:
    for key, value in node.attrib.items():
        if key.rpartition("}")[2] == name:
            return str(value)
    return None


def value(node: Any, path: str) -> str | None:
    found = node.find(f"{{*}}{path}")
    return attribute(found, "val") if found is not None else None
