"""What every test has. The internet is cut by pytest-socket's options in pyproject.toml."""

import os
from pathlib import Path

import pytest

pytest_plugins = [
    "tests.chroma_server",
    "tests.commands",
    "tests.models",
    "tests.pages",
    "tests.provider_server",
]

EVAL_DIR = Path(os.environ.get("RAG_EVAL_DIR") or Path(__file__).parents[2] / "shared" / "eval")
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


@pytest.fixture(scope="session")
def eval_dir() -> Path:
    """The folder of real test data; without it the test is skipped, or fails where CI must have it."""
    if not EVAL_DIR.is_dir():
        message = f"no evaluation data at {EVAL_DIR}: set RAG_EVAL_DIR"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    return EVAL_DIR
