"""Reads e5-small-q4.bin: multilingual-e5-small packed as 4-bit blocks, with its vocabulary.

The layout, little-endian: "E5S1", a version, nine sizes, the vocabulary (control ids, offsets, scores,
text), a map of characters, a directory of tensors, the tensors. A 4-bit block is a float16 scale and 32
values: the low halves of 16 bytes, then the high halves, each lessened by 8.
"""

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.model_files.bert_onnx import Blocks, EncoderShape

_MAGIC = b"E5S1"
_QUANTISED = 1
_BLOCK = np.dtype([("scale", "<f2"), ("values", "u1", 16)])

_EMBEDDINGS = {
    "embeddings.word_embeddings.weight": "emb.word",
    "embeddings.position_embeddings.weight": "emb.pos",
    "embeddings.token_type_embeddings.weight": "emb.type",
    "embeddings.LayerNorm": "emb.ln",
}
_LAYER = {
    "attention.self.query": "q",
    "attention.self.key": "k",
    "attention.self.value": "v",
    "attention.output.dense": "ao",
    "attention.output.LayerNorm": "aln",
    "intermediate.dense": "fi",
    "output.dense": "fo",
    "output.LayerNorm": "oln",
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The pieces of a Unigram tokeniser with their log probabilities, and its control ids."""

    pieces: list[tuple[str, float]]
    bos: int
    eos: int
    pad: int
    unknown: int


class _Cursor:
    """Takes values from the file one after another."""

    def __init__(self, raw: memoryview) -> None:
        self.raw, self.at = raw, 0

    def take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{layout}", self.raw, self.at)
        self.at += struct.calcsize(f"<{layout}")
        return values

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        values = np.frombuffer(self.raw, dtype, count, self.at)
        self.at += values.nbytes
        return values


class E5File:
    """The packed file, whose digest has been checked: its shape, vocabulary and float32 tensors."""

    def __init__(self, path: Path) -> None:
        self._raw = memoryview(path.read_bytes())
        cursor = _Cursor(self._raw)
        magic, _version = cursor.take("4sI")
        if magic != _MAGIC:
            raise ValueError(f"{path.name} does not begin with {_MAGIC!r}")
        hidden, layers, heads, self.inner, self.words, self.positions, _types = cursor.take("7i")
        epsilon, _block = cursor.take("fi")
        self.shape = EncoderShape(hidden, heads, layers, epsilon)
        self.vocabulary = _vocabulary(cursor)
        _mappings, size = cursor.take("iI")
        cursor.at += size  # its map of characters is NFKC and two kinds of spaces: see e5_tokenizer
        self._directory = dict(_entry(cursor) for _ in range(cursor.take("i")[0]))

    def tensor(self, name: str) -> NDArray[np.float32]:
        """A tensor by its name in a Hugging Face BertModel; matrices have the shape (out, in)."""
        packed_name = _packed_name(name)
        kind, offset, size = self._directory[packed_name]
        columns = self.inner if packed_name.endswith("fo.w") else self.shape.hidden
        if kind != _QUANTISED:
            values = np.frombuffer(self._raw, "<f4", size // 4, offset)
            return values.reshape(-1, columns) if packed_name in _EMBEDDINGS.values() else values
        blocks = self._blocks(packed_name, columns)
        runs = blocks.values.astype(np.float32).reshape(*blocks.scales.shape, -1)
        return (runs * blocks.scales.astype(np.float32)[..., None]).reshape(-1, columns)

    def word_blocks(self) -> Blocks:
        """The word embeddings as they are packed, a byte for each of their 4 bits."""
        return self._blocks(_EMBEDDINGS["embeddings.word_embeddings.weight"], self.shape.hidden)

    def _blocks(self, packed_name: str, columns: int) -> Blocks:
        _kind, offset, size = self._directory[packed_name]
        blocks = np.frombuffer(self._raw, _BLOCK, size // _BLOCK.itemsize, offset)
        packed = blocks["values"]
        values = np.concatenate([packed & 15, packed >> 4], axis=-1).view(np.int8) - np.int8(8)
        return Blocks(values.reshape(-1, columns), blocks["scale"].reshape(len(values) * 32 // columns, -1))


def _vocabulary(cursor: _Cursor) -> Vocabulary:
    count, bos, eos, pad, unknown = cursor.take("5i")
    (size,) = cursor.take("Q")
    offsets = cursor.array("<u4", count + 1).tolist()
    scores = cursor.array("<f4", count).tolist()
    text = cursor.array("u1", size).tobytes()
    words = (text[start:end].decode() for start, end in pairwise(offsets))
    return Vocabulary(list(zip(words, scores, strict=True)), bos, eos, pad, unknown)


def _entry(cursor: _Cursor) -> tuple[str, tuple[int, int, int]]:
    (length,) = cursor.take("H")
    (name,) = cursor.take(f"{length}s")
    kind, _count, offset, size = cursor.take("BIQQ")
    return name.decode(), (kind, offset, size)


def _packed_name(name: str) -> str:
    """ "encoder.layer.3.output.dense.weight" is "l3.fo.w" here."""
    if name in _EMBEDDINGS:
        return _EMBEDDINGS[name]
    module, _, part = name.rpartition(".")
    if module in _EMBEDDINGS:
        return f"{_EMBEDDINGS[module]}.{part[0]}"
    layer, _, module = module.removeprefix("encoder.layer.").partition(".")
    return f"l{layer}.{_LAYER[module]}.{part[0]}"
