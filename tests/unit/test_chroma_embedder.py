"""Chroma's own embedding functions: its MiniLM from local files, and small ones of ours."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from chromadb.api.types import Documents, EmbeddingFunction, Embeddings
from chromadb.utils.embedding_functions import known_embedding_functions
from chromadb.utils.embedding_functions.onnx_mini_lm_l6_v2 import ONNXMiniLM_L6_V2

from rag.embedders.base import Embedder
from rag.embedders.builtin import BuiltinEmbedder
from rag.embedders.chroma import ChromaEmbedder
from rag.errors import ProviderError, UsageError
from rag.model_files import install
from rag.settings import load_settings
from tests.embedder_conformance import TEXTS, EmbedderConformance, cosines

KEY = "sk-secret-123"


@pytest.fixture(scope="module")
def minilm(models_dir: Path) -> Path:
    return install(load_settings(models_dir=models_dir), "all-minilm-l6-v2")


@pytest.fixture(scope="module")
def chroma_folder(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MiniLM's files where Chroma looks for those it downloads."""
    folder = tmp_path_factory.mktemp("chroma") / "all-MiniLM-L6-v2"
    shutil.copytree(minilm, folder / "onnx", ignore=shutil.ignore_patterns("*.safetensors"))
    path = folder / "onnx" / "model.onnx"
    model = onnx.load(path, load_external_data=False)
    like = model.graph.input[0]  # Chroma gives one input more than ours has; it says nothing
    model.graph.input.append(onnx.ValueInfoProto(name="token_type_ids", type=like.type))
    onnx.save(model, path)
    return folder


@pytest.fixture(scope="module")
def default(chroma_folder: Path) -> Iterator[ChromaEmbedder]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ONNXMiniLM_L6_V2, "DOWNLOAD_PATH", chroma_folder)
        yield ChromaEmbedder("default")


class Letters(EmbeddingFunction[Documents]):
    """Counts letters: a vector of 26 numbers. A question is marked by its first number."""

    def __init__(self) -> None:
        """Nothing to set up."""

    @staticmethod
    def name() -> str:
        return "letters"

    def get_config(self) -> dict[str, Any]:
        return {"model_name": "letters-26"}

    def __call__(self, input: Documents) -> Embeddings:
        return [np.array([1 + text.count(chr(97 + i)) for i in range(26)], np.float32) for text in input]

    def embed_query(self, input: Documents) -> Embeddings:
        return [np.concatenate([[100], vector[1:]]) for vector in self(input)]


class Failing(Letters):
    """Fails with the key in its words, as some vendors do."""

    @staticmethod
    def name() -> str:
        return "failing"

    def embed_query(self, input: Documents) -> Embeddings:
        raise RuntimeError(f"Incorrect API key provided:\n{KEY}")


class Zeros(Letters):
    """Gives what is no direction."""

    @staticmethod
    def name() -> str:
        return "zeros"

    def embed_query(self, input: Documents) -> Embeddings:
        return [np.zeros(26, np.float32)]


class Forgetful(Letters):
    """Leaves out a text."""

    @staticmethod
    def name() -> str:
        return "forgetful"

    def __call__(self, input: Documents) -> Embeddings:
        return super().__call__(input)[1:] if len(input) > 1 else super().__call__(input)


@pytest.fixture(autouse=True)
def ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our functions among those that Chroma knows."""
    for function in (Letters, Failing, Zeros, Forgetful):
        monkeypatch.setitem(known_embedding_functions, function.name(), function)


class TestDefault(EmbedderConformance):
    """Chroma's ONNX MiniLM, which pads every text to 256 tokens."""

    many = 40

    @pytest.fixture
    def embedder(self, default: ChromaEmbedder) -> Embedder:
        return default


class TestCustom(EmbedderConformance):
    """A function that Chroma was taught, with an estimate for a tokeniser."""

    @pytest.fixture
    def embedder(self, ours: None) -> Embedder:
        return ChromaEmbedder("letters")

    def test_a_query_and_a_document_differ_where_the_prefixes_do(self, embedder: Embedder) -> None:
        """A function need not tell how its questions differ; ours do."""
        assert cosines(embedder.embed_query("abc"), embedder.embed_documents(["abc"])[0]) < 0.999


def test_the_default_one_is_minilm(default: ChromaEmbedder, minilm: Path) -> None:
    builtin = BuiltinEmbedder(minilm)
    assert cosines(default.embed_documents(TEXTS), builtin.embed_documents(TEXTS)).min() > 0.999
    assert default.fingerprint.id == "chroma:default"
    assert default.fingerprint.revision == "all-MiniLM-L6-v2"
    assert default.fingerprint.dimension == 384
    assert default.max_tokens == 254
    assert default.count_tokens("国际争端 unbelievable") == builtin.count_tokens("国际争端 unbelievable")


def test_where_the_texts_go(ours: None) -> None:
    assert (ChromaEmbedder("default").is_local, ChromaEmbedder("default").host) == (True, "")
    assert (ChromaEmbedder("openai").is_local, ChromaEmbedder("openai").host) == (False, "openai")


def test_a_model_that_cannot_be_downloaded_names_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ONNXMiniLM_L6_V2, "DOWNLOAD_PATH", tmp_path / "none")
    monkeypatch.setattr(ONNXMiniLM_L6_V2, "MODEL_DOWNLOAD_URL", "http://127.0.0.1:1/onnx.tar.gz")
    embedder = ChromaEmbedder("default")
    assert embedder.count_tokens("国际争端 word") == 7
    with pytest.raises(ProviderError, match=r"copy the folder .*none/onnx.*builtin:all-minilm-l6-v2"):
        embedder.embed_query("word")


def test_a_missing_key_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("CHROMA_OPENAI_API_KEY", raising=False)
    with pytest.raises(ProviderError, match=r"openai cannot be set up: .*API_KEY"):
        ChromaEmbedder("openai").embed_query("word")


def test_the_key_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", KEY)
    with pytest.raises(ProviderError, match=r"failing failed: Incorrect API key provided: \*\*\*") as caught:
        ChromaEmbedder("failing").embed_query("word")
    assert caught.value.__cause__ is None


def test_a_zero_vector_is_refused() -> None:
    with pytest.raises(ProviderError, match="invalid vector"):
        ChromaEmbedder("zeros").embed_query("word")


def test_a_missing_vector_is_refused() -> None:
    with pytest.raises(ProviderError, match="one vector for each of 2 texts"):
        ChromaEmbedder("forgetful").embed_documents(["one", "two"])


def test_an_unknown_name_names_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"no embedding function nothing\. .*default.*openai"):
        ChromaEmbedder("nothing")
