"""The type that a PDF's letters are set in."""

import math
from typing import Any

import pypdfium2.raw as pdfium_c


def type_size(text_page: Any, place: int) -> float:
    """The size of a letter's type in points, as drawn."""
    matrix = pdfium_c.FS_MATRIX()
    pdfium_c.FPDFText_GetMatrix(text_page, place, matrix)
    return float(pdfium_c.FPDFText_GetFontSize(text_page, place)) * math.hypot(matrix.c, matrix.d)
