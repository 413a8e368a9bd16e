"""What the embedders on torch take from a model's files, and where it runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rag.embedders.prefixes import Prefixes, prefixes_of
from rag.errors import ProviderError

LOCAL: Mapping[str, bool] = {"local_files_only": True, "trust_remote_code": False}

_UNUSED_WEIGHTS = ("pooler.", "lm_head.")
_UNSET_LENGTH = 1_000_000  # tokenizer_config.json says "no limit" with 1e30


class HubTokenizer:
    """Counts and encodes with a transformers tokeniser; a special token's name in a text is text.

    It keeps a copy: the original's truncation and padding change with every call, whichever thread makes it.
    """

    def __init__(self, tokenizer: Any) -> None:
        from tokenizers import Tokenizer

        backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
        self._slow: Any = tokenizer
        self._fast: Any = None
        if isinstance(backend, Tokenizer):
            self._fast = Tokenizer.from_str(backend.to_str())
            self._fast.no_truncation()
            self._fast.no_padding()
            self._fast.encode_special_tokens = True

    def pieces(self, text: str) -> list[int]:
        """The ids of a text alone."""
        return self._encode(text, special=False)

    def sequence(self, text: str) -> list[int]:
        """The ids of a text with the special tokens around it, as the model reads it."""
        return self._encode(text, special=True)

    def count(self, text: str) -> int:
        """Tokens of a text alone."""
        return len(self.pieces(text))

    def added(self, *prefixes: str) -> int:
        """Tokens that the special ones and the longest of `prefixes` take."""
        return len(self.sequence("")) + max(self.count(prefix.rstrip()) for prefix in prefixes)

    def _encode(self, text: str, *, special: bool) -> list[int]:
        if self._fast is not None:
            return list(self._fast.encode(text, add_special_tokens=special).ids)
        return list(self._slow.encode(text, add_special_tokens=special, split_special_tokens=True))


def prefixes(name: str, prompts: Mapping[str, str | None]) -> Prefixes:
    """What is put before questions and documents: the model's own prompts, else those of its family."""
    document = prompts.get("document") or prompts.get("passage") or prompts.get("corpus")
    told = Prefixes(prompts.get("query") or "", document or "")
    return told if any(told) else prefixes_of(Path(name).name)


def smallest(*lengths: object) -> int | None:
    """The smallest of the lengths that are set; None if none is."""
    told = [int(each) for each in lengths if isinstance(each, int | float) and 0 < each < _UNSET_LENGTH]
    return min(told, default=None)


def best_device() -> tuple[str, int]:
    """Where torch computes, and how many tokens make a good batch there."""
    import torch

    if torch.cuda.is_available():
        return "cuda", 16_384
    if torch.backends.mps.is_available():
        return "mps", 8_192
    return "cpu", 2_048  # larger is no faster, and a question waits for one batch


def load_model(folder: Path, model_id: str) -> Any:
    """The model in `folder` in fp32, ready to run. Raises ProviderError if not all its weights are there."""
    import torch
    from transformers import AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    model, loading = AutoModel.from_pretrained(folder, dtype=torch.float32, output_loading_info=True, **LOCAL)
    missing = sorted(
        key for key in loading["missing_keys"] if not any(map(key.__contains__, _UNUSED_WEIGHTS))
    )
    if missing:
        raise ProviderError(
            "The files of {model} lack weights that it needs ({names}). "
            "Copy or download them again, or choose another embedder.",
            model=model_id,
            names=", ".join(missing[:3]),
        )
    if model.config.is_encoder_decoder:
        raise not_plain(model_id, model.config.model_type)
    return model.to(best_device()[0]).eval()


def not_plain(model_id: str, detail: str) -> ProviderError:
    """What is said of a model that takes more than an encoder and a pooling."""
    return ProviderError(
        "{model} is no encoder that transformers runs by itself ({detail}). "
        "Name it as sentence-transformers:…, or choose another embedder.",
        model=model_id,
        detail=detail,
    )
