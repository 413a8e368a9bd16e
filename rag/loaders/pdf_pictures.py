"""The pictures in a PDF, as it shows them, by pdfium."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from rag.documents import Notice
from rag.loaders.pages import page_ranges
from rag.loaders.picture import FEWEST_SIDE, MOST_PIXELS

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PICTURES = 200  # in one PDF: drawing a scanned page takes up to a quarter of a second
LONGEST_SIDE = 1024  # pixels of what is saved
QUALITY = 85


@dataclass(slots=True)
class PdfPictures:
    """The digests of what was saved, by page (from 1), and what was not."""

    by_page: dict[int, list[str]] = field(default_factory=dict)
    unread: list[int] = field(default_factory=list)
    too_many: bool = False

    def notices(self) -> list[Notice]:
        """What the user is told of what was not saved."""
        notices = []
        if self.unread:
            notices.append(
                Notice(
                    "Pictures that are damaged or too large were left out on pages: {pages}.",
                    {"pages": page_ranges(sorted(set(self.unread)))},
                )
            )
        if self.too_many:
            notices.append(
                Notice(
                    "Only the first {most} pictures were read. Split the file to find the others too.",
                    {"most": MOST_PICTURES},
                )
            )
        return notices


def save_pictures(document: Any, folder: Path) -> PdfPictures:
    """Save the pictures of at least 64 × 64 pixels in `folder`, each as its SHA-256, the same one once.

    They are JPEG files of at most LONGEST_SIDE pixels a side, on white, turned as the page is.
    """
    found = PdfPictures()
    seen: set[str] = set()
    saved: set[str] = set()
    for number, page in _pages(document):
        for image in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE]):
            if raw := bytes(image.get_data()):
                if (key := hashlib.sha256(raw).hexdigest()) in seen:
                    continue
                seen.add(key)
            try:
                picture = _drawn(page, image)
            except (pdfium.PdfiumError, ValueError):
                found.unread.append(number)
                continue
            if picture is None:
                continue
            if len(saved) == MOST_PICTURES:
                found.too_many = True
                return found
            data = _jpeg(picture)
            digest = hashlib.sha256(data).hexdigest()
            if digest not in saved:
                saved.add(digest)
                (folder / digest).write_bytes(data)
                found.by_page.setdefault(number, []).append(digest)
    return found


def _pages(document: Any) -> Iterator[tuple[int, Any]]:
    """The pages that can be loaded, with their numbers from 1."""
    for index in range(len(document)):
        try:
            page = document[index]
        except pdfium.PdfiumError:
            continue
        try:
            yield index + 1, page
        finally:
            page.close()


def _drawn(page: Any, image: Any) -> "Image | None":
    """A picture with its mask and its place on the page applied; None where it is an icon, a rule or unseen.

    Raises PdfiumError or ValueError where it is damaged or too large to be decoded.
    """
    width, height = image.get_px_size()
    left, bottom, right, top = image.get_bounds()
    longest = max(right - left, top - bottom)
    if min(width, height) < FEWEST_SIDE or longest <= 0:
        return None
    if width * height > MOST_PIXELS:
        raise ValueError("too many pixels")
    scale = min(LONGEST_SIDE, max(width, height)) / longest
    image.set_matrix(image.get_matrix().scale(scale, scale))
    bitmap = image.get_bitmap(render=True, scale_to_original=False)
    picture: Image = bitmap.to_pil().rotate(-page.get_rotation(), expand=True)  # a copy: the bitmap is freed
    return picture if min(picture.size) >= FEWEST_SIDE else None


def _jpeg(picture: "Image") -> bytes:
    from PIL import Image

    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    stream = BytesIO()
    picture.convert("RGB").save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()
