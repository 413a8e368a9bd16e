"""Writes a BERT encoder as an ordinary ONNX model, whatever file its weights come from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Weights: TypeAlias = Callable[[str], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Blocks:
    """A matrix in 8 bits: `values` int8 (rows, columns), and a float16 scale for each run in a row."""

    values: NDArray[np.int8]
    scales: NDArray[np.float16]


_OPSET = 20  # the first with Gelu
_IR_VERSION = 9
_INLINE_BYTES = 4096
_PAGE = 4096  # runtimes map external weights into memory page by page
_MASKED = -1e4


@dataclass(frozen=True, slots=True)
class EncoderShape:
    """The sizes of a BERT encoder."""

    hidden: int
    heads: int
    layers: int
    epsilon: float


@dataclass(slots=True)
class _Graph:
    """The nodes and weights written so far; large weights go straight to `data`."""

    data: BinaryIO
    location: str
    nodes: list[Any] = field(default_factory=list)
    initializers: list[Any] = field(default_factory=list)
    count: int = 0

    def op(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        from onnx import helper

        self.count += 1
        name = output or f"{kind.lower()}_{self.count}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=f"n{self.count}", **attributes))
        return name

    def constant(self, name: str, values: Array) -> str:
        """Add a weight, in the data file if it is large, and return its name."""
        from onnx import TensorProto, helper, numpy_helper

        values = np.ascontiguousarray(values)
        if values.nbytes < _INLINE_BYTES:
            self.initializers.append(numpy_helper.from_array(values, name))
            return name
        self.data.write(b"\0" * (-self.data.tell() % _PAGE))
        tensor = TensorProto(name=name, dims=values.shape, data_location=TensorProto.EXTERNAL)
        tensor.data_type = helper.np_dtype_to_tensor_dtype(values.dtype)
        place = {"location": self.location, "offset": self.data.tell(), "length": values.nbytes}
        for key, value in place.items():
            tensor.external_data.add(key=key, value=str(value))
        self.data.write(values.data)
        self.initializers.append(tensor)
        return name


def write_encoder(folder: Path, shape: EncoderShape, weights: Weights, words: Blocks | None = None) -> None:
    """Write `folder`/model.onnx and model.onnx_data.

    `weights` gives a tensor by its name in a Hugging Face BertModel; `words` stands for the word embeddings
    where they come quantised, as which they need a quarter of the memory. The model takes input_ids and
    attention_mask, int64 (batch, tokens), and gives last_hidden_state, float32 (batch, tokens, hidden).
    """
    import onnx
    from onnx import TensorProto, helper

    with (folder / "model.onnx_data").open("wb") as data:
        graph = _Graph(data, "model.onnx_data")
        hidden = _embeddings(graph, shape, weights, words)
        bias = _mask_bias(graph)
        for layer in range(shape.layers):
            last = layer == shape.layers - 1
            hidden = _layer(graph, shape, weights, layer, hidden, bias, "last_hidden_state" if last else "")
    tokens = ["batch", "tokens"]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, tokens)
        for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info(hidden, TensorProto.FLOAT, [*tokens, shape.hidden])
    body = helper.make_graph(graph.nodes, "bert", inputs, [output], graph.initializers)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    onnx.save(model, folder / "model.onnx")


def _embeddings(graph: _Graph, shape: EncoderShape, weights: Weights, words: Blocks | None) -> str:
    if words is None:
        table = graph.constant("words", weights("embeddings.word_embeddings.weight"))
        found = graph.op("Gather", table, "input_ids")
    else:
        found = _looked_up(graph, words)
    positions = weights("embeddings.position_embeddings.weight")
    # There is only ever one segment, so its embedding belongs to every position.
    positions = positions + weights("embeddings.token_type_embeddings.weight")[0]
    length = graph.op("Shape", "input_ids", start=1, end=2)
    start = graph.constant("start", np.array([0], np.int64))
    rows = graph.op("Slice", graph.constant("positions", positions), start, length)
    total = graph.op("Add", found, rows)
    return _norm(graph, shape, weights, "embeddings.LayerNorm", total)


def _looked_up(graph: _Graph, words: Blocks) -> str:
    """The embeddings of input_ids, float32, from 8-bit rows and their scales."""
    from onnx import TensorProto

    runs = words.scales.shape[1]
    rows = graph.op("Gather", graph.constant("words", words.values), "input_ids")
    scales = graph.op("Gather", graph.constant("word_scales", words.scales), "input_ids")
    blocks = graph.constant("blocks", np.array([0, 0, runs, words.values.shape[1] // runs], np.int64))
    values = graph.op("Reshape", graph.op("Cast", rows, to=TensorProto.FLOAT), blocks)
    factors = graph.op("Cast", scales, to=TensorProto.FLOAT)
    factors = graph.op("Unsqueeze", factors, graph.constant("last_axis", np.array([3], np.int64)))
    joined = graph.constant("joined", np.array([0, 0, words.values.shape[1]], np.int64))
    return graph.op("Reshape", graph.op("Mul", values, factors), joined)


def _mask_bias(graph: _Graph) -> str:
    from onnx import TensorProto

    kept = graph.op("Cast", "attention_mask", to=TensorProto.FLOAT)
    dropped = graph.op("Sub", graph.constant("one", np.array([1], np.float32)), kept)
    bias = graph.op("Mul", dropped, graph.constant("masked", np.array([_MASKED], np.float32)))
    return graph.op("Unsqueeze", bias, graph.constant("head_axes", np.array([1, 2], np.int64)))


def _layer(
    graph: _Graph, shape: EncoderShape, weights: Weights, layer: int, hidden: str, bias: str, output: str
) -> str:
    prefix = f"encoder.layer.{layer}"
    context = _attention(graph, shape, weights, f"{prefix}.attention.self", hidden, bias)
    attended = _linear(graph, weights, f"{prefix}.attention.output.dense", context)
    hidden = _norm(
        graph, shape, weights, f"{prefix}.attention.output.LayerNorm", graph.op("Add", hidden, attended)
    )
    inner = graph.op("Gelu", _linear(graph, weights, f"{prefix}.intermediate.dense", hidden))
    outer = _linear(graph, weights, f"{prefix}.output.dense", inner)
    return _norm(graph, shape, weights, f"{prefix}.output.LayerNorm", graph.op("Add", hidden, outer), output)


def _attention(
    graph: _Graph, shape: EncoderShape, weights: Weights, prefix: str, hidden: str, bias: str
) -> str:
    size = shape.hidden // shape.heads
    split = graph.constant(f"{prefix}.split", np.array([0, 0, shape.heads, size], np.int64))
    join = graph.constant(f"{prefix}.join", np.array([0, 0, shape.hidden], np.int64))

    def heads(name: str, order: list[int]) -> str:
        wide = _linear(graph, weights, f"{prefix}.{name}", hidden)
        return graph.op("Transpose", graph.op("Reshape", wide, split), perm=order)

    query, key, value = heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1]), heads("value", [0, 2, 1, 3])
    scale = graph.constant(f"{prefix}.scale", np.array([size**-0.5], np.float32))
    scores = graph.op("Mul", graph.op("MatMul", query, key), scale)
    shares = graph.op("Softmax", graph.op("Add", scores, bias), axis=-1)
    mixed = graph.op("Transpose", graph.op("MatMul", shares, value), perm=[0, 2, 1, 3])
    return graph.op("Reshape", mixed, join)


def _linear(graph: _Graph, weights: Weights, name: str, hidden: str) -> str:
    weight = graph.constant(f"{name}.weight", weights(f"{name}.weight").T)
    return graph.op(
        "Add", graph.op("MatMul", hidden, weight), graph.constant(f"{name}.bias", weights(f"{name}.bias"))
    )


def _norm(
    graph: _Graph, shape: EncoderShape, weights: Weights, name: str, hidden: str, output: str = ""
) -> str:
    weight = graph.constant(f"{name}.weight", weights(f"{name}.weight"))
    bias = graph.constant(f"{name}.bias", weights(f"{name}.bias"))
    return graph.op("LayerNormalization", hidden, weight, bias, output=output, axis=-1, epsilon=shape.epsilon)
