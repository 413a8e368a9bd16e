"""Reads how a folder with an ONNX export is to be used."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import ProviderError
from rag.model_files import ONNX_FILES

_POOLINGS = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "last",
}
_PLAIN_MODULES = {"Transformer", "Pooling", "Normalize"}
_UNSET_LENGTH = 1_000_000  # tokenizer_config.json says "no limit" with 1e30
_OFFSET_POSITIONS = {"xlm-roberta", "roberta", "camembert"}  # their positions begin after the padding's id


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """An embedding model's files and their use. `window` is in tokens, prefix and special tokens included."""

    path: Path
    onnx: Path
    pooling: str
    query_prefix: str
    document_prefix: str
    dimension: int
    window: int
    pad_id: int
    revision: str


def read_folder(path: Path) -> ModelFolder:
    """Read passage.json, or derive the same from a sentence-transformers export. Raises ProviderError."""
    try:
        onnx = next(path / name for name in ONNX_FILES if (path / name).is_file())
        config = _json(path / "config.json")
        ours = _json(path / "passage.json") or _derived(path, onnx, config)
        return ModelFolder(
            path,
            onnx,
            str(ours["pooling"]),
            str(ours["query_prefix"]),
            str(ours["document_prefix"]),
            int(ours["dimension"]),
            int(ours["max_tokens"]),
            int(config.get("pad_token_id") or 0),
            str(ours["revision"]),
        )
    except StopIteration:
        raise ProviderError("The folder {folder} holds no model.onnx.", folder=path) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProviderError(
            "The model in {folder} cannot be used: {reason}. Remove the folder and install the model again.",
            folder=path,
            reason=f"{type(error).__name__}: {error}",
        ) from error


def _derived(path: Path, onnx: Path, config: dict[str, Any]) -> dict[str, Any]:
    prompts = _json(path / "config_sentence_transformers.json").get("prompts") or {}
    return {
        "pooling": _pooling(path),
        "query_prefix": prompts.get("query") or "",
        "document_prefix": prompts.get("document") or prompts.get("passage") or "",
        "dimension": config["hidden_size"],
        "max_tokens": _window(path, config),
        "revision": _digest(onnx),
    }


def _pooling(path: Path) -> str:
    """The export's pooling; mean, the commonest, where it says nothing."""
    modules = path / "modules.json"
    if modules.is_file():
        kinds = {str(module["type"]).rpartition(".")[2] for module in json.loads(modules.read_bytes())}
        if kinds - _PLAIN_MODULES:
            raise ValueError(f"modules {sorted(kinds - _PLAIN_MODULES)} are not supported")
    config = _json(path / "1_Pooling" / "config.json")
    if "pooling_mode" in config:
        modes = [str(config["pooling_mode"]).removesuffix("token")]
    else:
        modes = [key for key, value in config.items() if key.startswith("pooling_mode_") and value is True]
        modes = [_POOLINGS.get(mode, mode) for mode in modes] or ["mean"]
    if len(modes) != 1 or modes[0] not in _POOLINGS.values():
        raise ValueError(f"pooling {modes} is not supported")
    return modes[0]


def _window(path: Path, config: dict[str, Any]) -> int:
    positions = int(config["max_position_embeddings"])
    if config.get("model_type") in _OFFSET_POSITIONS:
        positions -= int(config.get("pad_token_id") or 0) + 1
    said = (
        _json(path / "sentence_bert_config.json").get("max_seq_length"),
        _json(path / "tokenizer_config.json").get("model_max_length"),
    )
    return min(positions, *(int(length) for length in said if length and length < _UNSET_LENGTH))


def _digest(onnx: Path) -> str:
    """SHA-256 over the model and its data files, the same wherever the folder lies."""
    digest = hashlib.sha256()
    for path in sorted(onnx.parent.glob(f"{onnx.name}*")):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    value = json.loads(path.read_bytes())
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} holds no object")
    return value
