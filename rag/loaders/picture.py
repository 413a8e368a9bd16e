"""Picture files, and what is taken as a picture."""

import hashlib
import warnings
from io import BytesIO

from rag.documents import Notice, ParsedFile, Section
from rag.errors import DocumentError
from rag.loaders.source import Source

FORMATS = ("PNG", "JPEG", "WEBP")
FEWEST_SIDE = 64  # pixels: what is smaller is an icon or a rule
MOST_PIXELS = 40_000_000


def read_picture(source: Source) -> ParsedFile:
    """A picture file as one section, captioned by its name. Raises DocumentError."""
    if source.pictures is None:
        raise DocumentError(
            "{name} is a picture (PNG, JPEG or WebP), and the model of this collection reads text only. "
            "Add it to a collection with a picture model, made like this: {command}",
            name=source.name,
            command="rag collections create NAME --embedder clip:openai/clip-vit-base-patch32",
        )
    data = source.path.read_bytes()
    check_picture(data, source.name)
    return ParsedFile("picture", (Section(source.name, picture=hashlib.sha256(data).hexdigest()),))


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
        raise _too_large(name) from error
    except Exception as error:  # Pillow meets damage with whatever its code runs into
        raise DocumentError(
            "{name} cannot be read as a picture: it is damaged, or neither PNG, JPEG nor WebP. "
            "Save it again and add it again.",
            name=name,
        ) from error


def _check_size(size: tuple[int, int], name: str | Notice) -> None:
    if size[0] * size[1] > MOST_PIXELS:
        raise _too_large(name)
    if min(size) < FEWEST_SIDE:
        raise DocumentError(
            "{name} is too small to be recognised: a picture has at least {least} × {least} pixels.",
            name=name,
            least=FEWEST_SIDE,
        )


def _too_large(name: str | Notice) -> DocumentError:
    return DocumentError(
        "{name} has more than {limit} million pixels. Make it smaller and add it again.",
        name=name,
        limit=MOST_PIXELS // 1_000_000,
    )
