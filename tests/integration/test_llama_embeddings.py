"""OpenAI's embeddings API as a real llama.cpp server speaks it, with the little SmolLM2 as the model."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rag.embedders.factory import make_embedder
from rag.embedders.openai import OpenAIEmbedder
from rag.errors import ProviderError
from rag.model_files import installed, model_path
from rag.settings import load_settings
from tests.embedder_conformance import EmbedderConformance, cosines

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
parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
parameters.n_parallel = 1
parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = 512
server = xllamacpp.Server(parameters)
print(server.listening_address, flush=True)
sys.stdin.read()
os._exit(0)
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of the server; without the model the test is skipped, or fails where CI must have it."""
    settings = load_settings()
    if not installed(settings, MODEL):
        message = f"{MODEL} is not in {settings.models_dir}: rag models install {MODEL}"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    gguf: Path = model_path(settings, MODEL)
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(gguf)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "LLAMA_KEY": KEY},
        text=True,
    ) as process:
        assert process.stdin and process.stdout
        yield f"{process.stdout.readline().strip()}/v1"
        process.stdin.close()


@pytest.fixture(scope="module")
def embedder(url: str) -> OpenAIEmbedder:
    made = make_embedder(load_settings(openai_base_url=url, openai_api_key=KEY), f"openai:{MODEL}")
    assert isinstance(made, OpenAIEmbedder)
    return made


class TestConformance(EmbedderConformance):
    many = 70  # two requests

    def test_it_says_where_texts_go(self, embedder: OpenAIEmbedder) -> None:
        assert embedder.is_local
        assert embedder.host.startswith("127.0.0.1:")


def test_what_is_like_is_near(embedder: OpenAIEmbedder) -> None:
    texts = ["The cat sleeps on the sofa.", "A cat is sleeping on a couch.", "def main(): return 1 + 1"]
    cat, other_cat, code = embedder.embed_documents(texts)
    assert embedder.fingerprint.dimension == 576
    assert cosines(cat, other_cat) > cosines(cat, code) + 0.1


def test_the_server_refuses_what_our_estimate_let_through(embedder: OpenAIEmbedder) -> None:
    thai = "ข้อพิพาทระหว่างประเทศ" * 16
    assert embedder.count_tokens(thai) <= embedder.max_tokens
    with pytest.raises(ProviderError, match="A text is too long for smollm2-135m at "):
        embedder.embed_documents(["short", thai])
    assert np.isfinite(embedder.embed_query(thai[:100])).all()


def test_a_wrong_key_is_said(url: str) -> None:
    stranger = make_embedder(load_settings(openai_base_url=url, openai_api_key="wrong"), f"openai:{MODEL}")
    with pytest.raises(ProviderError, match="refused the key"):
        stranger.embed_query("q")
