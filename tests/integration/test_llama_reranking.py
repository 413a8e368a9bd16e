"""/rerank as a real llama.cpp server speaks it. SmolLM2 is no reranker: its scores mean nothing."""

from collections.abc import Iterator

import pytest

from rag.errors import ProviderError
from rag.rerankers.base import Reranker
from rag.rerankers.factory import make_reranker
from rag.settings import load_settings
from tests.llama import KEY, MODEL, llama_server
from tests.reranker_conformance import RerankerConformance


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with llama_server("LLAMA_POOLING_TYPE_RANK") as address:
        yield address


def at(url: str, key: str = KEY) -> Reranker:
    return make_reranker(load_settings(reranker_url=url, reranker_key=key), f"openai:{MODEL}")


class TestConformance(RerankerConformance):
    """Over the real server's wire."""

    many = 12

    @pytest.fixture
    def reranker(self, url: str) -> Reranker:
        return at(url)


def test_a_wrong_key_is_told(url: str) -> None:
    with pytest.raises(ProviderError, match="refused the key"):
        at(url, "sk-another").scores("cat", ["dog"])


def test_a_server_that_only_embeds_says_what_it_lacks() -> None:
    with llama_server("LLAMA_POOLING_TYPE_MEAN") as url, pytest.raises(ProviderError, match="rerank"):
        at(url).scores("cat", ["dog"])
