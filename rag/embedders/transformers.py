"""Embeds with transformers alone: an encoder, a pooling and a prefix."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.embedders.base import Fingerprint
from rag.embedders.batches import padded, pooled
from rag.embedders.hub_models import HubModel
from rag.embedders.torch_embedder import LoadedModel, Role, TorchEmbedder
from rag.embedders.torch_models import (
    LOCAL,
    HubTokenizer,
    best_device,
    load_model,
    not_plain,
    prefixes,
    smallest,
)

_POOLINGS = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "last",
}
_PLAIN_MODULES = {"Transformer", "Pooling", "Normalize"}
_OFFSET_POSITIONS = {"xlm-roberta", "roberta", "camembert"}  # their positions begin after the padding's id


class TransformersEmbedder(TorchEmbedder):
    """Embeds with an encoder of transformers: a folder, or a name on the hub."""

    provider = "transformers"

    def _load(self, files: HubModel) -> LoadedModel:
        import torch
        from transformers import AutoTokenizer

        folder = files.folder
        pooling = _pooling(folder, self._name, self._id)
        model = load_model(folder, self._id)
        device, batch_tokens = best_device()
        original = AutoTokenizer.from_pretrained(folder, **LOCAL)
        tokenizer = HubTokenizer(original)
        prompts = _json(folder / "config_sentence_transformers.json", {}).get("prompts") or {}
        query_prefix, document_prefix = prefixes(self._name, prompts)
        pad_id = original.pad_token_id or 0
        empty = [original.eos_token_id or pad_id]  # for models without special tokens around a text

        def embed(texts: Sequence[str], role: Role) -> NDArray[np.float32]:
            prefix = query_prefix if role == "query" else document_prefix
            ids = [tokenizer.sequence(prefix + text) or empty for text in texts]
            tokens, mask = padded(ids, max(map(len, ids)), pad_id)
            with torch.inference_mode():
                hidden = model(
                    input_ids=torch.from_numpy(tokens).to(device),
                    attention_mask=torch.from_numpy(mask).to(device),
                ).last_hidden_state
            return pooled(hidden.cpu().numpy(), mask, pooling)

        fingerprint = Fingerprint(
            provider=self.provider,
            model=self._name,
            revision=files.revision,
            pooling=pooling,
            query_prefix=query_prefix,
            document_prefix=document_prefix,
            normalised=True,
            dimension=model.config.hidden_size,
        )
        window = smallest(
            original.model_max_length,
            _positions(model.config),
            _json(folder / "sentence_bert_config.json", {}).get("max_seq_length"),
        )
        added = tokenizer.added(query_prefix, document_prefix)
        return LoadedModel(fingerprint, window, added, batch_tokens, tokenizer.count, embed)


def _positions(config: Any) -> int | None:
    """How many tokens the model has positions for; None if they have no end."""
    positions: int | None = getattr(config, "max_position_embeddings", None)
    if positions and config.model_type in _OFFSET_POSITIONS:
        return positions - (config.pad_token_id or 0) - 1
    return positions


def _pooling(folder: Path, name: str, model_id: str) -> str:
    """The pooling that sentence-transformers wrote beside the model, else that of its family."""
    modules = {str(module["type"]).rpartition(".")[2] for module in _json(folder / "modules.json", [])}
    config = _json(folder / "1_Pooling" / "config.json", {})
    if "pooling_mode" in config:
        modes = [str(config["pooling_mode"]).removesuffix("token")]
    else:
        told = [key for key, value in config.items() if key.startswith("pooling_mode_") and value is True]
        modes = [_POOLINGS.get(mode, mode) for mode in told] or [_family_pooling(Path(name).name.lower())]
    unknown = sorted((modules - _PLAIN_MODULES) | (set(modes) - set(_POOLINGS.values())))
    if unknown or len(modes) != 1:
        raise not_plain(model_id, ", ".join(unknown or modes))
    return modes[0]


def _family_pooling(name: str) -> str:
    if "bge-" in name:
        return "cls"
    return "last" if "qwen" in name or "e5-mistral" in name else "mean"


def _json(path: Path, default: Any) -> Any:
    return json.loads(path.read_bytes()) if path.is_file() else default
