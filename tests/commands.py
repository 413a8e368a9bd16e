"""A pytest plugin: the `rag` command, run in this process, which spares its start, or as a program."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from rag.cli import main

RAG = str(Path(sys.executable).with_name("rag"))

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]


def environment(data_dir: Path, models_dir: Path) -> dict[str, str]:
    """This process's, without any setting of Passage but the two folders."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAG_")}
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "DASHSCOPE_API_KEY", "OLLAMA_HOST"):
        kept.pop(name, None)
    return kept | {
        "RAG_DATA_DIR": str(data_dir),
        "RAG_MODELS_DIR": str(models_dir),
        "RAG_CONFIG": "/dev/null",
    }


@pytest.fixture
def run(tmp_path: Path, models_dir: Path) -> Run:
    """Runs `rag` in `tmp_path`, on a data folder of its own, and checks its exit status."""
    return _runner(_here, environment(tmp_path / "store", models_dir), tmp_path)


@pytest.fixture
def run_program(tmp_path: Path, models_dir: Path) -> Run:
    """The same, each command as a process of its own."""
    return _runner(_apart, environment(tmp_path / "store", models_dir), tmp_path)


def read(done: Done) -> Any:
    """The one JSON document on stdout."""
    return json.loads(done.stdout)


def _runner(
    way: Callable[[list[str], Mapping[str, str], Path], Done], variables: Mapping[str, str], folder: Path
) -> Run:
    def command(*arguments: str, status: int = 0, **settings: str) -> Done:
        done = way([RAG, *arguments], {**variables, **settings}, folder)
        assert done.returncode == status, done.stderr
        return done

    return command


def _here(command: list[str], variables: Mapping[str, str], folder: Path) -> Done:
    out, err = (
        io.TextIOWrapper(io.BytesIO(), "utf-8", errors, write_through=True)
        for errors in ("strict", "backslashreplace")
    )
    status: Any = 0
    with (
        patch.object(sys, "argv", command),
        patch.dict(os.environ, variables, clear=True),
        chdir(folder),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            status = ended.code
    texts = [each.buffer.getvalue().decode() for each in (out, err)]  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(command, status or 0, *texts)


def _apart(command: list[str], variables: Mapping[str, str], folder: Path) -> Done:
    return subprocess.run(
        command, env=dict(variables), capture_output=True, text=True, cwd=folder, check=False
    )
