"""Texts compared with a query and with each other, the numbers by hand."""

import numpy as np
import pytest

from rag.embedders.base import Embedder
from rag.errors import ProviderError, UsageError
from rag.likeness import MOST_TEXTS, Measures, compare_texts
from tests.fakes import WordEmbedder

# On the axes of (cat, dog, sun) and the shared one: "cat" is (1, 0, 0, 1)/√2, "cat dog" (1, 1, 0, 1)/√3.
WORDS = WordEmbedder("cat", "dog", "sun")


class Asking(WordEmbedder):
    """Takes every question for one about the sun."""

    def embed_query(self, text: str) -> np.ndarray:
        return super().embed_query("sun")

    def embed_documents(self, texts: list[str]) -> np.ndarray:
        return WORDS.embed_documents(texts)


def no_key(id: str) -> Embedder:
    if id == "remote:m":
        raise ProviderError("{model} wants a key. Set it.", model=id)
    return WORDS


def measures(query: str, *texts: str, embedder: Embedder = WORDS) -> Measures:
    found = compare_texts(lambda _: embedder, query, texts, ["fake:words"]).likenesses[0].measures
    assert found is not None
    return found


def test_a_query_against_texts() -> None:
    found = measures("cat", "sun", "cat dog", "cat")
    assert found.query_cosine == pytest.approx([1 / 2, 2 / 6**0.5, 1])
    assert found.query_euclid == pytest.approx([1, (2 - 4 / 6**0.5) ** 0.5, 0], abs=1e-6)
    assert found.nearest_first == [2, 1, 0]
    assert found.dimension == 4
    assert found.window == 64
    assert [reading.tokens for reading in found.readings] == [1, 1, 2, 1]


def test_all_pairs_with_the_query_first() -> None:
    found = measures("cat", "sun", "cat dog")
    near, both = 2 / 6**0.5, 1 / 6**0.5
    assert found.cosine.tolist() == [
        pytest.approx([1, 0.5, near]),
        pytest.approx([0.5, 1, both]),
        pytest.approx([near, both, 1]),
    ]
    assert found.euclid[0].tolist() == pytest.approx([0, 1, (2 - 2 * near) ** 0.5], abs=1e-6)
    assert found.cosine.dtype == found.euclid.dtype == np.float32


def test_without_a_query_the_texts_alone_are_pairs() -> None:
    compared = compare_texts(lambda _: WORDS, "  ", ["cat", "", " sun "], ["fake:words"])
    assert compared.texts == ("cat", "sun")
    assert compared.labels == ["T1", "T2"]
    found = compared.likenesses[0].measures
    assert found is not None
    assert found.query_cosine.size == found.query_euclid.size == 0
    assert found.cosine.shape == (2, 2)


def test_the_query_is_a_question_against_texts_and_a_document_among_pairs() -> None:
    found = measures("cat", "sun", "cat", embedder=Asking("cat", "dog", "sun"))
    assert found.query_cosine == pytest.approx([1, 0.5])
    assert found.cosine[0] == pytest.approx([1, 0.5, 1])


def test_euclid_squared_is_two_minus_two_cosines() -> None:
    found = measures("cat dog", "sun", "dog", "cat sun", "nothing known")
    assert found.euclid**2 == pytest.approx(2 - 2 * found.cosine, abs=1e-5)
    assert found.query_euclid**2 == pytest.approx(2 - 2 * found.query_cosine, abs=1e-5)


def test_what_lies_beyond_the_window_is_shown_and_not_embedded() -> None:
    long = "cat " * 64 + "sun"
    found = measures(long, long, "cat")
    assert [reading.tokens for reading in found.readings] == [65, 65, 1]
    cut = found.readings[1].cut
    assert cut.endswith("n")
    assert WORDS.count_tokens(long[: -len(cut)]) == 64
    assert found.readings[0].cut == cut
    assert found.readings[2].cut == ""
    assert "sun" not in long[: -len(cut)]
    assert found.query_cosine == pytest.approx([1, 1])


def test_an_embedder_that_fails_tells_it_and_the_others_compare() -> None:
    compared = compare_texts(no_key, "cat", ["dog"], ["remote:m", "fake:words", "fake:words"])
    failed, other = compared.likenesses
    assert failed.measures is None
    assert str(failed.error) == "remote:m wants a key. Set it."
    assert other.error is None
    assert other.measures is not None


@pytest.mark.parametrize(
    ("query", "texts", "embedders", "message"),
    [
        ("cat", ["", "  "], ["fake:words"], "no text to compare"),
        ("", ["cat"], ["fake:words"], "One text alone"),
        ("cat", ["dog"] * (MOST_TEXTS + 1), ["fake:words"], "201 texts are more than the 200"),
        ("cat", ["dog"], [], "No model is chosen"),
    ],
)
def test_what_cannot_be_compared(query: str, texts: list[str], embedders: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        compare_texts(lambda _: WORDS, query, texts, embedders)


def test_as_many_texts_as_are_allowed() -> None:
    assert measures("cat", *["dog"] * MOST_TEXTS).cosine.shape == (MOST_TEXTS + 1, MOST_TEXTS + 1)
