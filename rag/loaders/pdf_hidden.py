"""Text in a PDF that its reader cannot see: the way in for what should mislead a model."""

import ctypes
import re
from typing import TYPE_CHECKING, Any

import pypdfium2.raw as pdfium_c

if TYPE_CHECKING:
    from PIL.Image import Image

FEWEST_HIDDEN = 20  # letters on a page; fewer say nothing
INVISIBLE = 3  # PDF's text rendering mode
SMALLEST_TYPE = 1.5  # points
PALE = 225  # of 255 in each colour
FAINT = 50  # of 255: how opaque
SCALE = 2.0  # pixels to a point
LEAST_CONTRAST = 24  # of 255 between ink and paper
SAMPLE = 8  # letters of a line
# Characters without a shape in a row are a message; an emoji or a word of Persian has few of them.
SMUGGLED = re.compile("[\u200b-\u200d\u2060-\u2064\ufeff]{6,}|[\U000e0020-\U000e007f]{9,}")


class Sight:
    """What of a page's text its reader sees; `missed` counts the letters that cannot be seen.

    Over a scan, invisible text is the layer that text recognition left: it means to be found.
    """

    def __init__(self, page: Any, text_page: Any, *, is_scan: bool) -> None:
        self.missed = 0
        self.is_layer = False
        self._page = page
        self._text_page = text_page
        self._is_scan = is_scan
        self._drawn: Image | None = None
        self._colour = [ctypes.c_uint() for _ in range(4)]
        self._box = pdfium_c.FS_RECTF()
        self._edges = pdfium_c.FS_RECTF()
        pdfium_c.FPDF_GetPageBoundingBox(page, self._edges)

    def look_for_shapeless(self, text: str) -> None:
        """Count what a page's text carries in characters without a shape, which are never read."""
        self.missed += sum(map(len, SMUGGLED.findall(text)))

    def shows(self, match: re.Match[str]) -> bool:
        """Whether a line of the page's text can be seen."""
        middle = (match.start() + match.end()) // 2
        if match.string[middle].isspace():
            middle -= 1
        invisible = self._is_invisible(middle)
        if invisible and self._is_scan:
            self.is_layer = True
            return True
        beyond = self._is_beyond_sight(middle)
        if not beyond and not invisible and not self._is_faint(middle):
            return True
        letters = [place for place in range(*match.span()) if not match.string[place].isspace()]
        # A single letter may be a mark that pdfium put there without a place.
        if beyond and not all(map(self._is_beyond_sight, letters[::SAMPLE])):
            return True
        if not beyond and self._has_ink(letters):
            return True
        self.missed += len(letters)
        return False

    def _is_beyond_sight(self, place: int) -> bool:
        """Whether a letter is too small to be seen, or off the page."""
        box, page = self._box, self._edges
        if not pdfium_c.FPDFText_GetLooseCharBox(self._text_page, place, box) or page.right <= page.left:
            return False
        if max(box.top - box.bottom, box.right - box.left) < SMALLEST_TYPE:
            return True
        return bool(
            box.right < page.left or box.left > page.right or box.top < page.bottom or box.bottom > page.top
        )

    def _is_invisible(self, place: int) -> bool:
        text_object = pdfium_c.FPDFText_GetTextObject(self._text_page, place)
        return bool(text_object) and pdfium_c.FPDFTextObj_GetTextRenderMode(text_object) == INVISIBLE

    def _is_faint(self, place: int) -> bool:
        """Whether a letter is drawn in white or nearly so, or transparent."""
        red, green, blue, opaque = self._colour
        if not pdfium_c.FPDFText_GetFillColor(self._text_page, place, red, green, blue, opaque):
            return False
        return min(red.value, green.value, blue.value) >= PALE or opaque.value <= FAINT

    def _has_ink(self, letters: list[int]) -> bool:
        """Whether most letters of a line stand out from what is around them; the page is drawn for it."""
        if self._drawn is None:
            bitmap = self._page.render(scale=SCALE, grayscale=True, may_draw_forms=False)
            self._drawn = bitmap.to_pil().convert("L")
        sample = letters[:: max(1, len(letters) // SAMPLE)]
        return sum(map(self._stands_out, sample)) > len(sample) / 2

    def _stands_out(self, place: int) -> bool:
        assert self._drawn is not None
        box = pdfium_c.FS_RECTF()
        pdfium_c.FPDFText_GetLooseCharBox(self._text_page, place, box)
        corners = []
        for x, y in ((box.left, box.top), (box.right, box.bottom)):
            across, down = ctypes.c_int(), ctypes.c_int()
            pdfium_c.FPDF_PageToDevice(self._page, 0, 0, *self._drawn.size, 0, x, y, across, down)
            corners.append((across.value, down.value))
        (x1, y1), (x2, y2) = corners
        area = (min(x1, x2), min(y1, y2), max(x1, x2) + 1, max(y1, y2) + 1)
        levels = self._drawn.crop(area).tobytes()
        return max(levels) - min(levels) >= LEAST_CONTRAST
