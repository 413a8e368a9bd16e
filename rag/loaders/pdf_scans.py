"""The pages of a PDF that have to be read by text recognition, drawn by pdfium."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pypdfium2 as pdfium

from rag.loaders import ocr
from rag.loaders.pdf_findings import Findings
from rag.loaders.pdf_text import Line
from rag.loaders.source import Source

POINTS = 72  # in an inch
FINEST = 300  # pixels in an inch


def read_scans(document: Any, source: Source, raw: Sequence[list[Line]], findings: Findings) -> None:
    """Put into `raw` what text recognition finds on the pages that hold no text, or none that can be read.

    What it cannot read stays in the findings.
    """
    wanted = sorted({*findings.no_text, *findings.garbled, *findings.unreadable})
    if not wanted or not ocr.is_available():
        return
    for done, page in enumerate(wanted):
        source.on_progress(done, len(wanted))
        lines = _recognised(document, page - 1)
        if _letters(lines) <= _letters(raw[page - 1]) and page not in findings.garbled:
            continue
        if not lines:
            continue
        raw[page - 1][:] = lines
        findings.recognised.append(page)
    findings.no_text = [page for page in findings.no_text if page not in findings.recognised]
    findings.garbled = [page for page in findings.garbled if page not in findings.recognised]
    findings.unreadable = [page for page in findings.unreadable if page not in findings.recognised]
    source.on_progress(len(wanted), len(wanted))


def _recognised(document: Any, index: int) -> list[Line]:
    try:
        page = document[index]
    except pdfium.PdfiumError:
        return []
    try:
        bitmap = page.render(scale=_scale(*page.get_size()), may_draw_forms=False)
        drawn = bitmap.to_numpy()
        image = np.ascontiguousarray(drawn[:, :, :3] if drawn.shape[2] > 1 else drawn.repeat(3, axis=2))
        bitmap.close()
    except pdfium.PdfiumError:
        return []
    finally:
        page.close()
    return ocr.recognised(image)


def _scale(width: float, height: float) -> float:
    """Pixels to a point, so that ordinary type is read and a long page is not drawn too small."""
    longest, narrowest = max(width, height, 1.0), max(min(width, height), 1.0)
    pixels = ocr.LONGEST_SIDE / longest
    if longest > ocr.TALL * narrowest:
        pixels = max(pixels, min(ocr.NARROWEST / narrowest, 10 * ocr.LONGEST_SIDE / longest))
    return min(pixels, FINEST / POINTS)


def _letters(lines: Sequence[Line]) -> int:
    return sum(not char.isspace() for line in lines for char in line.text)
