"""Picture files read for the text that is on them."""

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rag.documents import Notice, ParsedFile, Section
from rag.errors import DocumentError
from rag.loaders import ocr
from rag.loaders.pdf_text import paragraphs
from rag.loaders.picture import MOST_PIXELS, NEW_COLLECTION, damaged_picture, too_many_pixels
from rag.loaders.source import Source

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")


def read_picture_text(source: Source) -> ParsedFile:
    """The text on a picture, a section for each page of a TIFF. Raises DocumentError where there is none."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(source.path, formats=FORMATS) as picture:
                sections, pages = _sections(source, picture)
    except (DocumentError, MemoryError):
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise too_many_pixels(source.name) from error
    except Exception as error:  # Pillow meets damage with whatever its code runs into
        raise damaged_picture(source.name) from error
    if not sections:
        raise DocumentError(
            "{name} is a picture on which text recognition found no text. To find it by what it shows, add "
            "it to a collection with a picture model, made like this: {command}",
            name=source.name,
            command=NEW_COLLECTION,
        )
    notice = Notice("The text was read by text recognition and may hold errors.")
    return ParsedFile("picture", sections, pages, warnings=(notice,))


def _sections(source: Source, picture: "Image.Image") -> tuple[tuple[Section, ...], int | None]:
    """What is on the picture's pages, and their number where it is a TIFF."""
    pages = min(int(getattr(picture, "n_frames", 1)), source.max_pages) if picture.format == "TIFF" else 1
    sections = []
    for page, image in enumerate(_pixels(source, picture, pages), 1):
        source.on_progress(page - 1, pages)
        if text := paragraphs(ocr.recognised(image)):
            sections.append(Section(text, page if pages > 1 else None))
    source.on_progress(pages, pages)
    return tuple(sections), pages if picture.format == "TIFF" else None


def _pixels(source: Source, picture: "Image.Image", pages: int) -> Iterator[ocr.Image]:
    """Each page upright on white, in the order of colours that recognition expects."""
    from PIL import Image, ImageOps

    for page in range(pages):
        picture.seek(page)
        if picture.width * picture.height > MOST_PIXELS:
            raise too_many_pixels(source.name)
        frame = ImageOps.exif_transpose(picture)
        if frame.has_transparency_data:
            layer = frame.convert("RGBA")
            frame = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
        frame = _smaller(frame.convert("RGB"))
        yield np.ascontiguousarray(np.asarray(frame)[:, :, ::-1])


def _smaller(frame: "Image.Image") -> "Image.Image":
    """The picture in the size that text is looked for in; a long one is not made too narrow."""
    longest, narrowest = max(frame.size), max(1, min(frame.size))
    share = ocr.LONGEST_SIDE / longest
    if longest > ocr.TALL * narrowest:
        share = max(share, ocr.NARROWEST / narrowest)
    if share >= 1:
        return frame
    return frame.resize((max(1, round(frame.width * share)), max(1, round(frame.height * share))))
