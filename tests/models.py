"""A pytest plugin: the folder with the real built-in models, and an engine with them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest

from rag.engine import Engine, open_engine
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


def opened_at(folder: Path, models_dir: Path) -> Engine:
    """An engine that answers without a language model."""
    return open_engine(load_settings(data_dir=folder, models_dir=models_dir, chat_model="extractive"))


@pytest.fixture
def engine(filled: Path, tmp_path: Path, models_dir: Path) -> Iterator[Engine]:
    """An engine on a copy of the data folder that the test's module has filled."""
    shutil.copytree(filled, tmp_path / "store")
    with opened_at(tmp_path / "store", models_dir) as opened:
        yield opened


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
