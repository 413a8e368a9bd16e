"""What is put into OpenDocument files beside text: charts, and what pictures are said to show."""

import posixpath
from typing import Any

from rag.loaders.characters import squeeze
from rag.loaders.opendocument import Remarks, plain_text, table_text
from rag.loaders.parts import Parts
from rag.loaders.word_xml import attribute, local_name


def object_blocks(parts: Parts, frame: Any) -> list[str]:
    """The title and the table of each chart in a frame."""
    found = []
    for node in frame.iter("{*}object"):
        target = posixpath.normpath((attribute(node, "href") or "").removeprefix("./") or ".")
        root = parts.xml(f"{target}/content.xml")
        chart = next(root.iter("{*}chart"), None) if root is not None else None
        for each in chart.iter("{*}title", "{*}table") if chart is not None else ():
            is_table = local_name(each) == "table"
            found.append(table_text(each, Remarks()) if is_table else squeeze(plain_text(each, Remarks())))
    return [block for block in found if block]


def alt_text(frame: Any) -> str:
    """What the author says a picture shows, "" if nothing."""
    words = [squeeze(each.text or "") for each in frame if local_name(each) in ("title", "desc")]
    text = ". ".join(dict.fromkeys(word for word in words if word))
    return f"[Picture] {text}" if text else ""
