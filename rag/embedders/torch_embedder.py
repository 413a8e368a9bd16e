"""What the embedders on torch share: loading at first use, the window, batches and turns."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rag.embedders.base import Fingerprint, Vectors
from rag.embedders.batches import token_batches
from rag.embedders.checks import too_long, unit_rows
from rag.embedders.hub_models import HubModel
from rag.embedders.torch_loading import load_files, on_torch
from rag.embedders.turns import Turns

Role: TypeAlias = Literal["query", "document"]


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in memory. `window` is in tokens, with `added` for special tokens and the longer prefix.

    `embed` gives one row a text, not yet of unit length; it is called by one thread at a time, with at most
    `batch_tokens` tokens. `count` is called by any thread.
    """

    fingerprint: Fingerprint
    window: int | None
    added: int
    batch_tokens: int
    count: Callable[[str], int]
    embed: Callable[[Sequence[str], Role], NDArray[np.float32]]


class TorchEmbedder(ABC):
    """Embeds with the model in a folder or on the hub, loaded when first needed; safe for several threads."""

    is_local = True
    host = ""
    provider: ClassVar[str]
    packages: ClassVar[tuple[str, ...]] = ("torch", "transformers")

    def __init__(self, model: str, *, cache: Path, hub_url: str | None = None) -> None:
        self._name, self._cache, self._hub_url = model, cache, hub_url
        self._loading = threading.RLock()
        self._turns = Turns()
        self._loaded: LoadedModel | None = None

    @property
    def fingerprint(self) -> Fingerprint:
        """What the model's files say of it; loads the model."""
        return self._model.fingerprint

    @property
    def max_tokens(self) -> int | None:
        """The window without special tokens and the longer of the two prefixes; None where there is none."""
        model = self._model
        return None if model.window is None else model.window - model.added

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` by the model's tokeniser, without prefix and special tokens."""
        return self._model.count(text)

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of `texts`, shape (n, dimension). Raises ProviderError for a text beyond the window."""
        model = self._model
        lengths = [self._length(text) for text in texts]
        vectors = np.empty((len(texts), model.fingerprint.dimension), np.float32)
        for rows in token_batches(lengths, model.batch_tokens):
            with self._turns.batch():
                vectors[rows] = self._embed([texts[row] for row in rows], "document")
        return vectors

    def embed_query(self, text: str) -> Vectors:
        """The vector of a question, shape (dimension,); waits for one batch of documents at most."""
        self._length(text)
        with self._turns.question():
            return np.asarray(self._embed([text], "query")[0])

    @abstractmethod
    def _load(self, files: HubModel) -> LoadedModel:
        """The model in `files.folder`, ready to run."""

    @property
    def _model(self) -> LoadedModel:
        with self._loading:
            if self._loaded is None:
                self._loaded = self._open()
            return self._loaded

    def _open(self) -> LoadedModel:
        return load_files(
            self._id, self._name, self.packages, self._load, cache=self._cache, hub_url=self._hub_url
        )

    @property
    def _id(self) -> str:
        return f"{self.provider}:{self._name}"

    def _length(self, text: str) -> int:
        """Tokens of `text` with what is added. Raises ProviderError if they are more than the window."""
        model = self._model
        length = model.count(text)
        if model.window is not None and length > model.window - model.added:
            raise too_long(length, model.window - model.added, self._id)
        return length + model.added

    def _embed(self, texts: Sequence[str], role: Role) -> Vectors:
        return self._run(len(texts), lambda: self._model.embed(texts, role))

    def _run(self, count: int, compute: Callable[[], NDArray[np.float32]]) -> Vectors:
        return unit_rows(on_torch(self._id, compute), count, self._id)
