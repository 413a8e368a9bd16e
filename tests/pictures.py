"""Pictures to test with, and an embedder of colours whose results a person can compute."""

import io
from collections.abc import Sequence

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image, ImageDraw

from rag.embedders.base import Fingerprint, Vectors
from rag.keyword_index import terms

COLOURS = ("red", "green", "blue")


def picture(colour: str, kind: str = "PNG", size: tuple[int, int] = (96, 80)) -> bytes:
    """A picture of one colour with a white dot in its upper left corner."""
    drawn = Image.new("RGB", size, colour)
    ImageDraw.Draw(drawn).rectangle((2, 2, 9, 9), fill="white")
    stream = io.BytesIO()
    drawn.save(stream, kind)
    return stream.getvalue()


def pdf(*pages: tuple[str, Sequence[bytes]], turn: int = 0) -> bytes:
    """A PDF whose pages hold a line of text, which may be "", and JPEG pictures."""
    document = pdfium.PdfDocument.new()
    for text, pictures in pages:
        page = document.new_page(595, 842)
        if text:
            line = pdfium_c.FPDFPageObj_NewTextObj(document, b"Helvetica", 12.0)
            codes = (pdfium_c.FPDF_WCHAR * (len(text) + 1))(*text.encode("utf-16-le")[::2], 0)
            pdfium_c.FPDFText_SetText(line, codes)
            pdfium_c.FPDFPageObj_Transform(line, 1, 0, 0, 1, 72, 760)
            pdfium_c.FPDFPage_InsertObject(page, line)
        for place, data in enumerate(pictures):
            image = pdfium.PdfImage.new(document)
            image.load_jpeg(io.BytesIO(data), inline=True)
            image.set_matrix(pdfium.PdfMatrix().scale(120, 100).translate(72, 600 - 110 * place))
            page.insert_obj(image)
        page.set_rotation(turn)
        page.gen_content()
        page.close()
    stream = io.BytesIO()
    document.save(stream)
    document.close()
    return stream.getvalue()


class ColourEmbedder:
    """Axes for red, green, blue, "text" and "picture": texts and pictures lie apart, as with CLIP.

    A text has 1 on the axis of every colour it names, 2 on "text" and 0.2 on "picture"; a picture its mean
    colour from 0 to 1, 0.2 and 2. All are then of unit length.
    """

    max_tokens = 64
    is_local = True
    host = ""

    def __init__(self) -> None:
        self.fingerprint = Fingerprint("fake", "colours", "1", "sum", "", "", True, 5)
        self.pictures = 0

    def count_tokens(self, text: str) -> int:
        return len(terms(text))

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        rows = [self.embed_query(text) for text in texts]
        return np.stack(rows) if rows else np.empty((0, 5), np.float32)

    def embed_query(self, text: str) -> Vectors:
        return _unit([*(float(colour in terms(text)) for colour in COLOURS), 2, 0.2])

    def embed_pictures(self, pictures: Sequence[bytes]) -> Vectors:
        self.pictures += len(pictures)
        means = [
            np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).mean((0, 1)) / 255 for data in pictures
        ]
        return np.stack([_unit([*mean, 0.2, 2]) for mean in means])


def _unit(values: Sequence[float]) -> Vectors:
    row = np.array(values, np.float32)
    return row / np.float32(np.linalg.norm(row))
