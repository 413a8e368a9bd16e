"""Which embedders read pictures too, and what they make of a picture file first."""

import io
from typing import TYPE_CHECKING, TypeGuard

from rag.embedders.base import Embedder, PictureEmbedder
from rag.errors import DocumentError, UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
_MOST_PIXELS = 89_000_000  # Pillow warns from about there; 270 MB decoded


def takes_pictures(embedder: Embedder) -> TypeGuard[PictureEmbedder]:
    """Whether pictures can be embedded by it; unlike isinstance, this asks no property and loads nothing."""
    return hasattr(embedder, "embed_pictures")


def picture_embedder(embedder: Embedder) -> PictureEmbedder:
    """The embedder as one that reads pictures. Raises UsageError if it does not."""
    if takes_pictures(embedder):
        return embedder
    raise UsageError(
        "{model} reads text only, not pictures. Use a collection with a picture model, such as {example}.",
        model=embedder.fingerprint.id,
        example="clip:openai/clip-vit-base-patch32",
    )


def read_picture(data: bytes, number: int = 1) -> "Image":
    """A picture file, upright, RGB on white. Raises DocumentError; `number` tells the reader which it is."""
    from PIL import Image, ImageOps

    try:
        picture = Image.open(io.BytesIO(data), formats=_FORMATS)
        if picture.width * picture.height > _MOST_PIXELS:
            raise DocumentError(
                "Picture {number} has {pixels} million pixels, and the limit is {limit} million. "
                "Make it smaller.",
                number=number,
                pixels=picture.width * picture.height // 1_000_000,
                limit=_MOST_PIXELS // 1_000_000,
            )
        upright = ImageOps.exif_transpose(picture)
        if not upright.has_transparency_data:
            return upright.convert("RGB")
        layer = upright.convert("RGBA")
        paper = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(paper, layer).convert("RGB")
    except DocumentError:
        raise
    except Exception as error:  # Pillow's decoders raise all kinds
        raise DocumentError(
            "Picture {number} cannot be read: {reason}. Save it again as PNG or JPEG.",
            number=number,
            reason=str(error) or type(error).__name__,
        ) from error
