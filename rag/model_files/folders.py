"""Where installed models lie and what state they are in."""

import re
from dataclasses import dataclass
from pathlib import Path

from rag.errors import ProviderError, UsageError
from rag.model_files.table import MODELS, ModelFile
from rag.settings import Settings

ONNX_FILES = ("model.onnx", "onnx/model.onnx")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class ModelState:
    """A built-in model and whether it is here. `path` is its folder, there or not."""

    model: ModelFile
    installed: bool
    path: Path


def state(settings: Settings) -> tuple[ModelState, ...]:
    """Every built-in model with its state."""
    return tuple(
        ModelState(model, installed(settings, name), settings.models_dir / name)
        for name, model in MODELS.items()
    )


def installed(settings: Settings, name: str) -> bool:
    """Whether a built-in model, or a folder with an ONNX export of that name, is in the models folder."""
    return _served(settings, name) is not None


def model_path(settings: Settings, name: str) -> Path:
    """What a runtime opens: the folder of an embedding model, the .gguf file of a chat model.

    Raises ProviderError if the model is not installed, UsageError if there is none of that name.
    """
    path = _served(settings, name)
    if path is None:
        known_model(name)
        raise ProviderError("The model {name} is not installed. Run: rag models install {name}", name=name)
    return path


def known_model(name: str) -> ModelFile:
    """The built-in model of that name. Raises UsageError naming those there are."""
    try:
        return MODELS[name]
    except KeyError:
        raise UsageError(
            "There is no built-in model {name}. There are: {names}.", name=name, names=", ".join(MODELS)
        ) from None


def is_complete(model: ModelFile, folder: Path) -> bool:
    """Whether `folder` holds the model as it is served; folders appear there whole."""
    if model.task == "embedding":
        return _is_onnx_folder(folder)
    path = folder / model.filename
    return path.is_file() and path.stat().st_size == model.size


def _served(settings: Settings, name: str) -> Path | None:
    model, folder = MODELS.get(name), settings.models_dir / name
    if model is None:
        return folder if _NAME.fullmatch(name) and _is_onnx_folder(folder) else None
    if not is_complete(model, folder):
        return None
    return folder / model.filename if model.task == "chat" else folder


def _is_onnx_folder(folder: Path) -> bool:
    return (folder / "tokenizer.json").is_file() and any((folder / name).is_file() for name in ONNX_FILES)
