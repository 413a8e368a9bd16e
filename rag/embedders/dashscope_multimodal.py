"""DashScope's embedders of texts and pictures in one space."""

import base64
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rag.embedders.base import Vectors
from rag.embedders.pictures import read_picture
from rag.embedders.prefixes import Prefixes
from rag.embedders.remote import SPECIAL_TOKENS, RemoteEmbedder, Row
from rag.providers.dashscope_api import check_reply, dashscope_call
from rag.providers.embedding_failures import explained_for_pictures
from rag.providers.failures import Server
from rag.providers.requests import CallLimits

_NAMES = re.compile(r"multimodal|-vision|-vl-")
_TASK = "multimodal-embedding"
# Tokens of one text, and of one request; the service's table of February 2026.
_WINDOWS: Mapping[str, int] = {"tongyi-embedding-vision": 1024, "qwen": 32_000}
_SMALLEST_WINDOW = 512
_TEXTS = 20
# Only this one makes a single vector of all that comes in one request.
_FUSING = "qwen2.5-vl"
# The service takes 3 MB; a JPEG of this size stays below, and the models look at no more.
_LONGEST_SIDE = 1024
_QUALITY = 95


def is_multimodal(model: str) -> bool:
    """Whether DashScope's model of this name embeds pictures too."""
    return bool(_NAMES.search(model))


class DashScopeMultimodalEmbedder(RemoteEmbedder):
    """A model such as tongyi-embedding-vision-plus; questions and documents are the same to it.

    A picture is sent as JPEG, upright, on white, its longer side at most 1,024 pixels, one in a request: all
    the models take that.
    """

    provider = "dashscope"

    def __init__(self, server: Server, *, dimensions: int | None = None) -> None:
        texts = 1 if server.model.startswith(_FUSING) else _TEXTS
        limits = CallLimits(texts=texts, tokens=_tokens(server.model))
        super().__init__(server, limits=limits, prefixes=Prefixes(), dimensions=dimensions)

    def embed_pictures(self, pictures: Sequence[bytes]) -> Vectors:
        """Vectors of picture files, shape (n, dimension), float32, unit length; n may be 0.

        Raises DocumentError telling which is no picture, or ProviderError.
        """
        if not pictures:
            return np.empty((0, self.fingerprint.dimension), np.float32)
        return np.concatenate([self._embed_picture(data, n) for n, data in enumerate(pictures, 1)])

    def _embed_picture(self, data: bytes, number: int) -> Vectors:
        content = {"image": _data_uri(data, number)}
        return self._received(lambda: self._call([content]), 1, explained_for_pictures)

    def _window(self) -> int:
        return _tokens(self._server.model) - SPECIAL_TOKENS

    def _ask(self, texts: list[str], prefix: str) -> Sequence[Row]:
        return self._call([{"text": prefix + text} for text in texts])

    def _call(self, contents: list[dict[str, str]]) -> Sequence[Row]:
        from dashscope.client.base_api import BaseApi

        with dashscope_call(self._server) as options:
            if self._asked_dimensions:
                options["dimension"] = self._asked_dimensions
            # Not MultiModalEmbedding.call: where a text is the path of a file here, it uploads the file.
            reply: Any = BaseApi.call(
                self._server.model,
                {"contents": contents},
                task_group="embeddings",
                task=_TASK,
                function=_TASK,
                **options,
            )
            check_reply(reply)
            rows = (reply.output or {}).get("embeddings") or ()
            return [(row["index"], row["embedding"]) for row in rows]


def _tokens(model: str) -> int:
    return next((most for name, most in _WINDOWS.items() if model.startswith(name)), _SMALLEST_WINDOW)


def _data_uri(data: bytes, number: int) -> str:
    picture = read_picture(data, number)
    picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"
