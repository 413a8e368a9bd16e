"""Charts as tables: their title, and the values of every series by category."""

from typing import Any

from rag.loaders.cell_format import general, shown
from rag.loaders.characters import squeeze
from rag.loaders.markdown_table import markdown_table
from rag.loaders.parts import Parts, child
from rag.loaders.word_xml import attribute, local_name

MOST_POINTS = 20_000
Points = dict[int, str]


def chart_blocks(parts: Parts, part: str) -> list[str]:
    """The title of a chart, if it has one, then its table."""
    root = parts.xml(part)
    if root is None:
        return []
    chart = next(root.iter("{*}chart"), root)
    series = [_series(node) for node in chart.iter("{*}ser")]
    title = child(chart, "title")
    name = _words(title) if title is not None else ""
    if not name and len(series) == 1:
        name = series[0][0]
    return [block for block in (name, _table(chart, series)) if block]


def _table(chart: Any, series: list[tuple[str, Points, Points]]) -> str:
    labels: Points = {}
    for _, categories, _ in series:
        labels = labels or categories
    indices = sorted({index for _, _, values in series for index in values} | set(labels))
    axis = next((axis for axis in chart.iter("{*}catAx", "{*}dateAx")), None)
    axis_title = child(axis, "title") if axis is not None else None
    header = [_words(axis_title) if axis_title is not None else "", *(name for name, _, _ in series)]
    rows = []
    if all(categories in ({}, labels) for _, categories, _ in series):
        for index in indices[:MOST_POINTS]:
            rows.append([labels.get(index, ""), *(values.get(index, "") for _, _, values in series)])
        return markdown_table([header, *rows]) if rows else ""
    for name, places, values in series:
        rows += [[name, places.get(index, ""), values[index]] for index in sorted(values)[:MOST_POINTS]]
    return markdown_table([["", "X", "Y"], *rows])


def _series(node: Any) -> tuple[str, Points, Points]:
    """(name, categories by index, values by index); of a cloud of points, the places along X."""
    found: dict[str, Points] = {}
    for each in node:
        tag = local_name(each)
        if tag in ("tx", "cat", "val", "xVal", "yVal"):
            found[tag] = _points(each)
    name = child(node, "tx")
    text = found.get("tx", {}).get(0) or (_words(name) if name is not None else "")
    categories = found.get("cat") or found.get("xVal") or {}
    return text, categories, found.get("val") or found.get("yVal") or {}


def _points(node: Any) -> Points:
    """The cached values below a node; categories of several levels are joined, the outermost first."""
    levels = list(node.iter("{*}lvl")) or [node]
    code = next((each.text or "" for each in node.iter("{*}formatCode")), "")
    is_number = next(node.iter("{*}numCache", "{*}numLit"), None) is not None
    found: Points = {}
    for level in levels[:4]:
        for point in level.iter("{*}pt"):
            index, value = attribute(point, "idx") or "", child(point, "v")
            if value is None or not index.isdecimal() or len(index) > 6:
                continue
            text = _number(value.text or "", code) if is_number else squeeze(value.text or "")
            known = found.get(int(index))
            found[int(index)] = f"{text} {known}" if known else text
    return found


def _number(text: str, code: str) -> str:
    try:
        return shown(float(text), code) if code not in ("", "General") else general(float(text))
    except (ValueError, OverflowError):
        return squeeze(text)


def _words(node: Any) -> str:
    """The words of a title, written or taken from a cell."""
    return squeeze(" ".join(each.text or "" for each in node.iter("{*}t", "{*}v")))
