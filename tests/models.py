"""A pytest plugin: the folder with the real built-in models."""

import os
import shutil
from pathlib import Path

import onnx
import pytest

from rag.model_files import install, installed
from rag.settings import PROJECT_DIR, Settings, load_settings

EMBEDDER = "multilingual-e5-small"


def real_settings() -> Settings:
    """Settings whose models folder is RAG_MODELS_DIR or the project's."""
    folder = os.environ.get("RAG_MODELS_DIR") or PROJECT_DIR / "data" / "models"
    return load_settings(models_dir=folder)


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """The models folder, with the default embedder installed."""
    settings = real_settings()
    if not installed(settings, EMBEDDER):
        install(settings, EMBEDDER)
    return settings.models_dir


def without_layers(model: Path, target: Path) -> None:
    """A copy of an embedder that counts its tokens as before, looks them up, and computes nothing more."""
    shutil.copytree(model, target)
    cut = onnx.load(target / "model.onnx", load_external_data=False)
    kinds = [node.op_type for node in cut.graph.node]
    last = kinds.index("LayerNormalization")
    del cut.graph.node[last + 1 :]
    cut.graph.node[last].output[0] = cut.graph.output[0].name
    used = {name for node in cut.graph.node for name in node.input}
    weights = [each for each in cut.graph.initializer if each.name in used]
    del cut.graph.initializer[:]
    cut.graph.initializer.extend(weights)
    onnx.save(cut, target / "model.onnx")
