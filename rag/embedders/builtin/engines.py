"""Runs an ONNX encoder with OpenVINO or onnxruntime."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rag.embedders.batches import Tokens
from rag.errors import ProviderError

Run: TypeAlias = Callable[[Tokens, Tokens], NDArray[np.float32]]
Choice: TypeAlias = Literal["auto", "openvino", "onnxruntime"]

BF16_STEP = 16  # a token costs a fifth more at 255 or 248 than at 256 (the tiles of AMX)


@dataclass(frozen=True, slots=True)
class Engine:
    """A way to run a model. `load` opens model.onnx and returns a function for one thread at a time.

    The function takes input_ids and attention_mask (batch, tokens) and gives the model's first output,
    valid until the next call. It is fastest where the number of tokens is a multiple of `step`.
    """

    label: str
    load: Callable[[Path], Run]
    step: int = 1


def choose_engine(choice: Choice) -> Engine:
    """The engine asked for; "auto" is OpenVINO where the processor computes in bf16, else onnxruntime.

    Raises ProviderError if OpenVINO is asked for and is not to be had.
    """
    if choice == "onnxruntime":
        return Engine("onnxruntime", _load_onnxruntime)
    try:
        core = _openvino_core()
    except ImportError as error:
        if choice == "auto":
            return Engine("onnxruntime", _load_onnxruntime)
        raise ProviderError(
            "OpenVINO cannot be loaded: {reason}. Install openvino, or set RAG_EMBEDDER_ENGINE=onnxruntime.",
            reason=error,
        ) from error
    bf16 = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if bf16:
        return Engine("OpenVINO bf16", lambda path: _load_openvino(core, path, "bf16"), BF16_STEP)
    if choice == "auto":
        return Engine("onnxruntime", _load_onnxruntime)
    return Engine("OpenVINO fp32", lambda path: _load_openvino(core, path, "f32"))


def _openvino_core() -> Any:
    # Without this, importing openvino writes to the home folder and looks up a host.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino.Core()


def _load_openvino(core: Any, path: Path, precision: str) -> Run:
    options = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
    compiled = core.compile_model(path, "CPU", options)
    names = {port.get_any_name() for port in compiled.inputs}
    request = compiled.create_infer_request()

    def run(ids: Tokens, mask: Tokens) -> NDArray[np.float32]:
        request.infer(_inputs(names, ids, mask), share_inputs=True)
        hidden: NDArray[np.float32] = request.get_output_tensor(0).data
        return hidden

    return run


def _load_onnxruntime(path: Path) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = {port.name for port in session.get_inputs()}
    output = session.get_outputs()[0].name

    def run(ids: Tokens, mask: Tokens) -> NDArray[np.float32]:
        hidden: NDArray[np.float32] = session.run([output], _inputs(names, ids, mask))[0]
        return hidden

    return run


def _inputs(names: set[str], ids: Tokens, mask: Tokens) -> Mapping[str, Tokens]:
    inputs = {"input_ids": ids, "attention_mask": mask}
    if "token_type_ids" in names:
        inputs["token_type_ids"] = np.zeros_like(ids)
    return inputs
