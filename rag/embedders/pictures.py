"""Which embedders read pictures too."""

from typing import TypeGuard

from rag.embedders.base import Embedder, PictureEmbedder
from rag.errors import UsageError


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
