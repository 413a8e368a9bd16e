"""What a picture's cosine to a question is worth beside the cosines of texts.

Models that embed both keep them apart: a picture that fits a question lies farther from it than most texts
(Liang et al. 2022, "Mind the Gap: Understanding the Modality Gap in Multi-modal Contrastive Representation
Learning"). So a picture's cosine is read in standard deviations above that of pictures that have nothing to
do with the question, and put as high among the cosines of texts.
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from io import BytesIO

import numpy as np

from rag.calibration import SAMPLE, Background, background
from rag.catalog import Catalog, Collection
from rag.comparison import stored_vectors
from rag.embedders.base import Embedder, Vectors
from rag.embedders.pictures import picture_embedder

COLOURS = ("black", "white", "grey", "red", "green", "blue", "yellow")
SIDE = 64  # pixels


class PictureScale:
    """Pictures' cosines on the scale of texts."""

    def __init__(self, catalog: Catalog, embedder_of: Callable[[Collection], Embedder]) -> None:
        self._catalog = catalog
        self._embedder_of = embedder_of

    def levelled(
        self,
        collection: Collection,
        question: Vectors,
        cosines: Mapping[str, float],
        pictures: Mapping[str, str],
        texts: Background,
    ) -> dict[str, float]:
        """`cosines` by chunk id, those of `pictures` (digests by chunk id) as far above `texts` as they are
        above other pictures.
        """
        others = self._background(collection, question, pictures)
        return {
            key: texts.median + texts.deviation * (cosine - others.median) / others.deviation
            if key in pictures
            else cosine
            for key, cosine in cosines.items()
        }

    def _background(
        self, collection: Collection, question: Vectors, pictures: Mapping[str, str]
    ) -> Background:
        """The question against plain pictures and a sample of the collection's."""
        plain, stored = _plain_pictures(), self._catalog.vectors
        missing = stored.missing(collection.fingerprint, plain)
        if missing:
            embedder = picture_embedder(self._embedder_of(collection))
            stored.save(
                collection.fingerprint, missing, embedder.embed_pictures([plain[key] for key in missing])
            )
        keys = [*plain, *dict.fromkeys(pictures.values())][:SAMPLE]
        cosines = np.array(
            [vector @ question for vector in stored_vectors(self._catalog, collection, keys).values()]
        )
        return background(cosines)


@cache
def _plain_pictures() -> dict[str, bytes]:
    """Pictures that show nothing: plain colours, two gradients and a chessboard, as PNG by their SHA-256."""
    from PIL import Image

    drawn = [Image.new("RGB", (SIDE, SIDE), colour) for colour in COLOURS]
    drawn += [each.convert("RGB") for each in (Image.linear_gradient("L"), Image.radial_gradient("L"))]
    chess = Image.new("L", (8, 8))
    chess.putdata([255 * ((place + place // 8) % 2) for place in range(64)])
    drawn.append(chess.resize((SIDE, SIDE), Image.Resampling.NEAREST).convert("RGB"))
    files = []
    for picture in drawn:
        stream = BytesIO()
        picture.save(stream, "PNG")
        files.append(stream.getvalue())
    return {hashlib.sha256(data).hexdigest(): data for data in files}
