"""Reranks with a cross-encoder of sentence-transformers."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rag.embedders.batches import token_batches
from rag.embedders.hub_models import HubModel
from rag.embedders.torch_loading import load_files, on_torch
from rag.embedders.torch_models import LOCAL, HubTokenizer, best_device, smallest
from rag.errors import ProviderError
from rag.rerankers.base import Scores
from rag.rerankers.pieces import best_of_pieces

_PACKAGES = ("torch", "sentence_transformers")
_HEADS = ("ForSequenceClassification", "ForCausalLM")


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A model in memory. `window` is in tokens, with the `added` ones; `predict` takes pairs."""

    window: int | None
    added: int
    batch_tokens: int
    count: Callable[[str], int]
    predict: Callable[[Sequence[tuple[str, str]]], Any]


class SentenceTransformersReranker:
    """A cross-encoder in a folder or on the hub, loaded when first needed; safe for several threads."""

    is_local = True
    host = ""

    def __init__(self, model: str, *, cache: Path, hub_url: str | None = None) -> None:
        self.id = f"sentence-transformers:{model}"
        self._name, self._cache, self._hub_url = model, cache, hub_url
        self._loading = threading.Lock()
        self._running = threading.Lock()
        self._loaded: _Loaded | None = None

    @property
    def max_tokens(self) -> int | None:
        """The window without what the model adds; None where there is none. Loads the model."""
        model = self._model()
        return None if model.window is None else model.window - model.added

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` by the model's tokeniser."""
        return self._model().count(text)

    def scores(self, question: str, texts: Sequence[str]) -> Scores:
        """A score a text, shape (n,), as the model's own activation gives it. Raises ProviderError."""
        return best_of_pieces(self, question, texts, self._scores)

    def warm_up(self) -> None:
        """Load the model before the first question needs it. Raises ProviderError."""
        self._model()

    def close(self) -> None:
        """Let go of the model."""
        with self._loading:
            self._loaded = None

    def _model(self) -> _Loaded:
        with self._loading:
            if self._loaded is None:
                self._loaded = load_files(
                    self.id, self._name, _PACKAGES, self._load, cache=self._cache, hub_url=self._hub_url
                )
            return self._loaded

    def _load(self, files: HubModel) -> _Loaded:
        import torch
        from sentence_transformers import CrossEncoder
        from transformers.utils import logging

        if not _judges_pairs(files.folder):
            raise self._not_a_reranker()
        logging.disable_progress_bar()
        device, batch_tokens = best_device()
        model = CrossEncoder(
            str(files.folder),
            device=device,
            **LOCAL,
            model_kwargs={"dtype": torch.float32},
            processor_kwargs={"split_special_tokens": True},
        )
        if model.num_labels != 1 or set(model.modalities) != {"text"}:
            raise self._not_a_reranker()
        if getattr(model.tokenizer, "chat_template", None):  # its own marks around both are special tokens
            model.tokenizer.split_special_tokens = False

        def predict(pairs: Sequence[tuple[str, str]]) -> Any:
            return model.predict(list(pairs), batch_size=len(pairs), show_progress_bar=False)

        return _Loaded(
            smallest(model.max_seq_length),
            int(model.preprocess([("", "")])["input_ids"].shape[1]),
            batch_tokens,
            HubTokenizer(model.tokenizer).count,
            predict,
        )

    def _not_a_reranker(self) -> ProviderError:
        return ProviderError(
            "{model} is no reranker of texts: it does not give one number for a question and a text. "
            "Choose a reranker, like BAAI/bge-reranker-v2-m3.",
            model=self.id,
        )

    def _scores(self, question: str, texts: Sequence[str]) -> Scores:
        model = self._model()
        around = model.count(question) + model.added
        found = np.empty(len(texts), np.float32)
        for rows in token_batches([around + model.count(text) for text in texts], model.batch_tokens):
            pairs = [(question, texts[row]) for row in rows]
            with self._running:
                found[rows] = on_torch(self.id, partial(model.predict, pairs))
        if not np.isfinite(found).all():
            raise ProviderError(
                "{model} produced a score that is not a number. "
                "Download the model again, or choose another reranker.",
                model=self.id,
            )
        return found


def _judges_pairs(folder: Path) -> bool:
    """Whether a model's files tell of a head that judges; an embedder would be given a random one."""
    told = (path.read_text("utf-8", "replace") for path in folder.rglob("config.json"))
    return any(head in config for config in told for head in _HEADS)
