"""How fast a model is here, measured by embedding a little that is nobody's."""

import io
import time
from dataclasses import dataclass

from rag.embedders.base import Embedder
from rag.embedders.pictures import takes_pictures
from rag.embedders.window import fitting

SENTENCES = (
    "The pace of a model is measured before many files are read, so that nobody waits without knowing for "
    "how long. 先量一量模型的速度，免得大家不知道要等多久。"
)
TEXTS = 16
REPEATS = 4  # about as long as a passage
PICTURES = 2
PICTURE_SIDE = 224  # pixels
STORING_SECONDS = 0.004  # a chunk: catalogue and both indexes, measured


@dataclass(frozen=True, slots=True)
class Pace:
    """What a model does in a second; `pictures` is None where it reads none."""

    tokens: float
    pictures: float | None = None

    def seconds(self, tokens: int, pictures: int, chunks: int) -> float:
        """The time to embed so many tokens and pictures, and to store the chunks they are in."""
        by_pictures = pictures / self.pictures if self.pictures else 0.0
        return tokens / self.tokens + by_pictures + STORING_SECONDS * chunks


def measure_pace(embedder: Embedder) -> Pace:
    """Embed some sentences of ours, loading the model first: a document is not sent anywhere for this.

    Raises ProviderError.
    """
    texts = [fitting(f"{number}. {SENTENCES} " * REPEATS, embedder) for number in range(TEXTS)]
    embedder.embed_documents(texts[:1])
    started = time.perf_counter()
    embedder.embed_documents(texts)
    tokens = sum(map(embedder.count_tokens, texts)) / (time.perf_counter() - started)
    if not takes_pictures(embedder):
        return Pace(tokens)
    picture = _picture()
    started = time.perf_counter()
    embedder.embed_pictures([picture] * PICTURES)
    return Pace(tokens, PICTURES / (time.perf_counter() - started))


def _picture() -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (PICTURE_SIDE, PICTURE_SIDE), "gray").save(file, "PNG")
    return file.getvalue()
