"""Picture files, and what is taken as a picture."""

import hashlib
import warnings
from io import BytesIO

from rag.documents import Notice, ParsedFile, Section
from rag.errors import DocumentError
from rag.loaders import ocr
from rag.loaders.source import Source

FORMATS = ("PNG", "JPEG", "WEBP")
FEWEST_SIDE = 64  # pixels: what is smaller is an icon or a rule
MOST_PIXELS = 40_000_000
NEW_COLLECTION = "rag collections create NAME --embedder clip:openai/clip-vit-base-patch32"


def read_picture(source: Source) -> ParsedFile:
    """A picture file: what it shows, where the model reads pictures, else the text on it.

    A passage is captioned by its name, and the text on it is not looked for: models of pictures read little
    text, and a folder of photographs would take seconds for each. Raises DocumentError.
    """
    if source.pictures is None:
        return _text_on(source)
    data = source.path.read_bytes()
    check_picture(data, source.name)
    return ParsedFile("picture", (Section(source.name, picture=hashlib.sha256(data).hexdigest()),))


def read_scan(source: Source) -> ParsedFile:
    """A picture of a type that no page can show: the text on it. Raises DocumentError."""
    if source.pictures is not None or not ocr.is_available():
        raise DocumentError(
            "{name} is a picture as TIFF, BMP or GIF, of which only the text can be read, in a collection "
            "whose model reads text, and with text recognition: {command}. To find it by what it shows, save "
            "it as PNG, JPEG or WebP.",
            name=source.name,
            command=ocr.INSTALL,
        )
    return _text_on(source)


def _text_on(source: Source) -> ParsedFile:
    from rag.loaders.picture_text import read_picture_text

    if ocr.is_available():
        return read_picture_text(source)
    raise DocumentError(
        "{name} is a picture (PNG, JPEG or WebP), and the model of this collection reads text only. To have "
        "the text on it read, install text recognition with {install}, start Passage again, and try again. "
        "To find it by what it shows, add it to a collection with a picture model, made like this: {command}",
        name=source.name,
        install=ocr.INSTALL,
        command=NEW_COLLECTION,
    )


def check_picture(data: bytes, name: str | Notice) -> None:
    """Raise DocumentError where `data` is no whole PNG, JPEG or WebP file, or is beyond the limits."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=FORMATS) as picture:
                _check_size(picture.size, name)
                picture.load()
    except (DocumentError, MemoryError):
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise too_many_pixels(name) from error
    except Exception as error:  # Pillow meets damage with whatever its code runs into
        raise damaged_picture(name) from error


def _check_size(size: tuple[int, int], name: str | Notice) -> None:
    if size[0] * size[1] > MOST_PIXELS:
        raise too_many_pixels(name)
    if min(size) < FEWEST_SIDE:
        raise DocumentError(
            "{name} is too small to be recognised: a picture has at least {least} × {least} pixels.",
            name=name,
            least=FEWEST_SIDE,
        )


def damaged_picture(name: str | Notice) -> DocumentError:
    """What is said of a picture that cannot be read."""
    return DocumentError(
        "{name} cannot be read as a picture: it is damaged, or neither PNG, JPEG nor WebP. "
        "Save it again and add it again.",
        name=name,
    )


def too_many_pixels(name: str | Notice) -> DocumentError:
    """What is said of a picture beyond the limit."""
    return DocumentError(
        "{name} has more than {limit} million pixels. Make it smaller and add it again.",
        name=name,
        limit=MOST_PIXELS // 1_000_000,
    )
