"""The contract every embedder keeps."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from rag.documents import Fingerprint

__all__ = ["Embedder", "Fingerprint", "PictureEmbedder", "Vectors"]

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Turns texts into vectors of unit length.

    `max_tokens` is the model's window for one text without the prefix and special tokens it adds itself
    (None: unknown). `count_tokens` counts by the model's own tokeniser, likewise without them.
    A text longer than the window raises ProviderError: nothing is cut unseen. `is_local` tells whether texts
    stay on this machine; `host` is where they are sent, "" where they are not.
    """

    @property
    def is_local(self) -> bool: ...

    @property
    def host(self) -> str: ...

    @property
    def fingerprint(self) -> Fingerprint: ...

    @property
    def max_tokens(self) -> int | None: ...

    def count_tokens(self, text: str) -> int: ...

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of `texts` in their order: shape (n, dimension), float32, unit length; n may be 0."""
        ...

    def embed_query(self, text: str) -> Vectors:
        """The vector of a question: shape (dimension,), float32, unit length."""
        ...


@runtime_checkable
class PictureEmbedder(Embedder, Protocol):
    """An embedder that turns pictures into vectors of the same space, so that a question finds them."""

    def embed_pictures(self, pictures: Sequence[bytes]) -> Vectors:
        """Vectors of PNG, JPEG or WebP files: shape (n, dimension), float32, unit length.

        Raises DocumentError for what is no picture.
        """
        ...
