"""OpenAI's embeddings API as a real llama.cpp server speaks it, with the little SmolLM2 as the model."""

from collections.abc import Iterator

import numpy as np
import pytest

from rag.embedders.factory import make_embedder
from rag.embedders.openai import OpenAIEmbedder
from rag.errors import ProviderError
from rag.settings import load_settings
from tests.embedder_conformance import EmbedderConformance, cosines
from tests.llama import KEY, MODEL, llama_server


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with llama_server("LLAMA_POOLING_TYPE_MEAN") as address:
        yield address


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
