"""What every test has: no internet, and a data folder of its own."""

import os
from pathlib import Path

import pytest
from pytest_socket import disable_socket, socket_allow_hosts

EVAL_DIR = Path(os.environ.get("RAG_EVAL_DIR") or Path(__file__).parents[2] / "shared" / "eval")
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


@pytest.fixture(autouse=True)
def _loopback_only() -> None:
    disable_socket(allow_unix_socket=True)
    socket_allow_hosts(["127.0.0.1", "localhost", "::1"], allow_unix_socket=True)


@pytest.fixture(scope="session")
def eval_dir() -> Path:
    """The folder of real test data; without it the test is skipped, or fails where CI must have it."""
    if not EVAL_DIR.is_dir():
        message = f"no evaluation data at {EVAL_DIR}: set RAG_EVAL_DIR"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    return EVAL_DIR
