"""Built-in model files: where from, digest, install, and where they are.

state(settings)                      every built-in model and whether it is installed
install(settings, name, on_progress) download, check and convert one
model_path(settings, name)           what a runtime opens
"""

from rag.model_files.folders import ONNX_FILES, ModelState, installed, known_model, model_path, state
from rag.model_files.install import OnProgress, install
from rag.model_files.table import MODELS, HubFile, ModelFile, Source, WheelPart, Wheels

__all__ = [
    "MODELS",
    "ONNX_FILES",
    "HubFile",
    "ModelFile",
    "ModelState",
    "OnProgress",
    "Source",
    "WheelPart",
    "Wheels",
    "install",
    "installed",
    "known_model",
    "model_path",
    "state",
]
