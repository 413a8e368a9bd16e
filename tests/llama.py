"""A real llama.cpp server that embeds or reranks, with the little SmolLM2 as the model."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rag.model_files import installed, model_path
from rag.settings import load_settings

MODEL = "smollm2-135m"
KEY = "sk-llama-456"

SERVER = """
import os, sys
import xllamacpp

parameters = xllamacpp.CommonParams()
parameters.model.path = sys.argv[1]
parameters.offline = True
parameters.hostnames = ["127.0.0.1"]
parameters.port = 0
parameters.api_keys = [os.environ.pop("LLAMA_KEY")]
parameters.ui = False
parameters.verbosity = 1
parameters.embedding = True
parameters.pooling_type = xllamacpp.llama_pooling_type[sys.argv[2]]
parameters.n_parallel = 1
parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = 512
server = xllamacpp.Server(parameters)
print(server.listening_address, flush=True)
sys.stdin.read()
os._exit(0)
"""


@contextmanager
def llama_server(pooling: str) -> Iterator[str]:
    """The address of a server with a pooling, one of llama_pooling_type's names.

    Without the model the test is skipped, or fails where CI must have it.
    """
    settings = load_settings()
    if not installed(settings, MODEL):
        message = f"{MODEL} is not in {settings.models_dir}: rag models install {MODEL}"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    gguf: Path = model_path(settings, MODEL)
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(gguf), pooling],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "LLAMA_KEY": KEY},
        text=True,
    ) as process:
        assert process.stdin and process.stdout
        yield f"{process.stdout.readline().strip()}/v1"
        process.stdin.close()
