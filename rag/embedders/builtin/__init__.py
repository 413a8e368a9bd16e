"""Embeds texts on this machine with any folder that holds an ONNX export."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.embedders.base import Fingerprint, Vectors
from rag.embedders.batches import Tokens, padded, pooled, token_batches
from rag.embedders.builtin.engines import Choice, Engine, Run, choose_engine
from rag.embedders.builtin.folder import read_folder
from rag.embedders.builtin.tokenizer import TextTokenizer, load_tokenizer
from rag.embedders.checks import too_long
from rag.embedders.turns import Turns
from rag.errors import ProviderError

_BATCH_TOKENS = 2048  # padding included: larger is no faster, and a question waits for one batch


@dataclass(slots=True)
class _Once:
    """The loaded model, or nothing yet."""

    tokenizer: TextTokenizer | None = None
    run: Run | None = None


class BuiltinEmbedder:
    """Embeds with the model in `folder`, loaded when it is first needed; safe for several threads."""

    is_local = True
    host = ""

    def __init__(self, folder: Path, *, engine: Choice = "auto") -> None:
        self._folder = read_folder(folder)
        self._choice: Choice = engine
        self._loading = threading.RLock()
        self._turns = Turns()
        self._loaded = _Once()

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """Provider "builtin", the folder's name, and what the folder says of itself."""
        folder = self._folder
        return Fingerprint(
            provider="builtin",
            model=folder.path.name,
            revision=folder.revision,
            pooling=folder.pooling,
            query_prefix=folder.query_prefix,
            document_prefix=folder.document_prefix,
            normalised=True,
            dimension=folder.dimension,
        )

    @property
    def engine(self) -> str:
        """What computes: "OpenVINO bf16", "OpenVINO fp32" or "onnxruntime"."""
        return self._engine.label

    @cached_property
    def max_tokens(self) -> int:
        """The window without special tokens and the longer of the two prefixes."""
        prefixes = (self._folder.query_prefix, self._folder.document_prefix)
        longest = max(self.count_tokens(prefix.rstrip()) for prefix in prefixes)
        return self._folder.window - len(self._tokenizer.sequence("")) - longest

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` by the model's tokeniser, without prefix and special tokens."""
        return len(self._tokenizer.pieces(text))

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of `texts`, shape (n, dimension). Raises ProviderError for a text beyond the window."""
        ids = [self._token_ids(self._folder.document_prefix, text) for text in texts]
        vectors = np.empty((len(ids), self._folder.dimension), np.float32)
        for rows in token_batches([self._length([row]) for row in ids], _BATCH_TOKENS):
            with self._turns.batch():
                vectors[rows] = self._embed([ids[row] for row in rows])
        return vectors

    def embed_query(self, text: str) -> Vectors:
        """The vector of a question, shape (dimension,); waits for one batch of documents at most."""
        ids = self._token_ids(self._folder.query_prefix, text)
        with self._turns.question():
            return np.asarray(self._embed([ids])[0])

    @cached_property
    def _engine(self) -> Engine:
        return choose_engine(self._choice)

    @property
    def _tokenizer(self) -> TextTokenizer:
        with self._loading:
            if self._loaded.tokenizer is None:
                self._loaded.tokenizer = load_tokenizer(self._folder.path)
            return self._loaded.tokenizer

    def _token_ids(self, prefix: str, text: str) -> list[int]:
        ids = self._tokenizer.sequence(prefix + text)
        # The shorter prefix would leave room for more: the window is the same for questions and documents.
        if len(ids) > self.max_tokens and self.count_tokens(text) > self.max_tokens:
            raise too_long(self.count_tokens(text), self.max_tokens, self.fingerprint.id)
        return ids

    def _hidden(self, tokens: Tokens, mask: Tokens) -> NDArray[np.float32]:
        engine = self._engine
        try:
            with self._loading:
                self._loaded.run = self._loaded.run or engine.load(self._folder.onnx)
            return self._loaded.run(tokens, mask)
        except Exception as error:  # the runtimes have no class of errors in common
            raise ProviderError(
                "{model} does not run with {engine}: {reason}. Set RAG_EMBEDDER_ENGINE to another engine, or "
                "remove {folder} and install the model again.",
                model=self.fingerprint.id,
                engine=engine.label,
                reason=error,
                folder=self._folder.path,
            ) from error

    def _length(self, ids: Sequence[Sequence[int]]) -> int:
        """What texts are padded to: the longest's tokens, rounded up to the engine's step."""
        step = self._engine.step
        return min(-(-max(map(len, ids)) // step) * step, self._folder.window)

    def _embed(self, ids: Sequence[Sequence[int]]) -> Vectors:
        tokens, mask = padded(ids, self._length(ids), self._folder.pad_id)
        vectors = pooled(self._hidden(tokens, mask), mask, self._folder.pooling)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.all(np.isfinite(lengths)) and np.all(lengths > 0)):
            raise ProviderError(
                "{model} produced an invalid vector (not a number, or all zeros). Set RAG_EMBEDDER_ENGINE to "
                "another engine, or install the model again.",
                model=self.fingerprint.id,
            )
        return np.asarray(vectors / lengths, np.float32)
