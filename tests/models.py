"""A pytest plugin: the folder with the real built-in models."""

import os
from pathlib import Path

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
