"""A document's chunks looked through for its quality, without reading its file again. Pure."""

from collections.abc import Sequence

from rag.catalog import Examined
from rag.documents import Chunk
from rag.ingestion.garbled import garbling
from rag.ingestion.sketches import sketch
from rag.languages import language_shares

VERSION = 1  # raise it when the method changes: documents are then looked through again


def examined(chunks: Sequence[Chunk], *, cut_for: str, too_long: int) -> Examined:
    """What a document's chunks tell of it; `too_long` of them exceed the window of the model `cut_for`."""
    texts = [chunk.text for chunk in chunks if not chunk.picture]
    text = "\n".join(texts)
    languages = language_shares(text)
    return Examined(
        version=VERSION,
        cut_for=cut_for,
        letters=sum(map(str.isalnum, text)),
        pictures=len(chunks) - len(texts),
        too_long=too_long,
        garbling=garbling(text, languages),
        languages=languages,
        sketch=sketch(text),
    )
