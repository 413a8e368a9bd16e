"""Embeds with one of Chroma's own embedding functions, by the name Chroma has for it."""

import os
import re
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from rag.embedders.base import Fingerprint, Vectors
from rag.embedders.builtin.tokenizer import TextTokenizer, load_tokenizer
from rag.embedders.checks import too_long, unit_rows
from rag.embedders.estimate import estimated_tokens
from rag.embedders.turns import Turns
from rag.errors import ProviderError, UsageError

_OWN = {"default", "onnx_mini_lm_l6_v2"}  # Chroma's ONNX MiniLM
_LOCAL = _OWN | {"sentence_transformer", "instructor", "text2vec", "open_clip"}
_SPECIAL_TOKENS = 2
_WINDOWS = dict.fromkeys(_OWN | {"sentence_transformer", "huggingface", "ollama"}, 256)  # a MiniLM each
_WINDOW = 512
_BATCH = 32


class ChromaEmbedder:
    """Embeds with Chroma's embedding function `name`, with its default configuration and its variables.

    Made when first needed; safe for several threads. Raises UsageError for a name Chroma does not have.
    """

    def __init__(self, name: str) -> None:
        from chromadb.utils.embedding_functions import known_embedding_functions

        if name not in known_embedding_functions:
            raise UsageError(
                "Chroma has no embedding function {name}. It has: {names}.",
                name=name,
                names=", ".join(sorted(known_embedding_functions)),
            )
        # The default one makes an ONNX MiniLM anew for every call.
        self._make: Callable[[], Any] = known_embedding_functions[
            "onnx_mini_lm_l6_v2" if name in _OWN else name
        ]
        self._name = name
        self._making = threading.Lock()
        self._made: Any = None
        self._tokenizer: TextTokenizer | None = None
        self._turns = Turns()

    @property
    def is_local(self) -> bool:
        """Whether the texts stay on this machine."""
        return self._name in _LOCAL

    @property
    def host(self) -> str:
        """Where the texts go, "" for nowhere; Chroma tells no address."""
        return "" if self.is_local else self._name

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """The function's model, and the dimension found by embedding a word."""
        config = self._function.get_config() or {}
        model = config.get("model_name") or config.get("model") or ""
        return Fingerprint(
            provider="chroma",
            model=self._name,
            revision=getattr(self._function, "MODEL_NAME", None) or str(model),
            pooling="",
            query_prefix="",
            document_prefix="",
            normalised=True,
            dimension=self.embed_query("word").shape[0],
        )

    @property
    def max_tokens(self) -> int:
        """A cautious guess: Chroma's functions do not tell, and cut what is longer unseen."""
        return _WINDOWS.get(self._name, _WINDOW) - _SPECIAL_TOKENS

    def count_tokens(self, text: str) -> int:
        """Tokens by the model's own tokeniser where it is here, else a cautious estimate."""
        tokenizer = self._own_tokenizer()
        return len(tokenizer.pieces(text)) if tokenizer else estimated_tokens(text)

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of `texts`, shape (n, dimension). Raises ProviderError for a text beyond the window."""
        vectors = np.empty((len(texts), self.fingerprint.dimension), np.float32)
        for text in texts:
            self._check(text)
        for start in range(0, len(texts), _BATCH):
            batch = list(texts[start : start + _BATCH])
            with self._turns.batch():
                rows = self._embed(self._function, batch)
            if rows.shape[1] != vectors.shape[1]:
                raise ProviderError(
                    "{model} gave vectors of {got} numbers where {expected} were expected. "
                    "Choose another embedder.",
                    model=f"chroma:{self._name}",
                    got=rows.shape[1],
                    expected=vectors.shape[1],
                )
            vectors[start : start + len(batch)] = rows
        return vectors

    def embed_query(self, text: str) -> Vectors:
        """The vector of a question, shape (dimension,)."""
        self._check(text)
        with self._turns.question():
            return np.asarray(self._embed(self._function.embed_query, [text])[0])

    @property
    def _function(self) -> Any:
        with self._making:
            if self._made is None:
                try:
                    self._made = self._make()
                except Exception as error:  # noqa: BLE001 - a missing key, package or argument
                    raise ProviderError(
                        "Chroma's embedding function {name} cannot be set up: {reason}. "
                        "Do what it asks for, or choose another embedder.",
                        name=self._name,
                        reason=_masked(error),
                    ) from None
            return self._made

    def _own_tokenizer(self) -> TextTokenizer | None:
        if self._tokenizer is None and self._name in _OWN:
            folder = _own_folder(self._function)
            if (folder / "tokenizer.json").is_file():
                self._tokenizer = load_tokenizer(folder)
        return self._tokenizer

    def _check(self, text: str) -> None:
        if (tokens := self.count_tokens(text)) > self.max_tokens:
            raise too_long(tokens, self.max_tokens, f"chroma:{self._name}")

    def _embed(self, embed: Callable[[list[str]], Any], texts: list[str]) -> Vectors:
        try:
            rows = embed(texts)
        except Exception as error:  # noqa: BLE001 - every vendor has its own
            raise self._failure(error) from None
        return unit_rows(rows, len(texts), f"chroma:{self._name}")

    def _failure(self, error: Exception) -> ProviderError:
        if self._name in _OWN and not (_own_folder(self._function) / "model.onnx").is_file():
            return ProviderError(
                "Chroma's model could not be downloaded ({reason}). Check the network or the proxy "
                "(HTTPS_PROXY), or copy the folder {folder} from a machine that has it. "
                "builtin:all-minilm-l6-v2 is the same model.",
                reason=_masked(error),
                folder=_own_folder(self._function),
            )
        return ProviderError(
            "Chroma's embedding function {name} failed: {reason}. "
            "Check its settings, or choose another embedder.",
            name=self._name,
            reason=_masked(error),
        )


def _own_folder(function: Any) -> Path:
    return Path(function.DOWNLOAD_PATH, function.EXTRACTED_FOLDER_NAME)


def _masked(error: Exception) -> str:
    """A vendor's words on one line, not long, without the values of variables that hold keys."""
    text = " ".join((str(error) or type(error).__name__).split())
    for name, value in os.environ.items():
        if value and re.search(r"KEY|TOKEN|SECRET|PASSWORD", name.upper()):
            text = text.replace(value, "***")
    return text if len(text) <= 300 else text[:300] + "…"
