"""What every embedder must do. Subclass it and give it an `embedder` fixture."""

from bisect import bisect_right

import numpy as np
import pytest

from rag.embedders.base import Embedder, Vectors
from rag.errors import ProviderError

TEXTS = [
    "A cat sleeps on the sofa.",
    "国际争端应当和平解决。",
    "",
    "😀👩‍👩‍👧 emoji",
    "a\0b",
    "word " * 90,
    "Ünïcödé ﬁ ＡＢＣ",
]


def cosines(left: Vectors, right: Vectors) -> Vectors:
    """Cosines of the rows, one by one."""
    return np.asarray((left * right).sum(axis=-1))


def cats(count: int) -> str:
    return " ".join(["cat"] * count)


def cats_beyond(embedder: Embedder) -> int:
    """How many cats are the fewest that the window, by the embedder's own counting, does not hold."""
    assert embedder.max_tokens
    candidates = range(2 * embedder.max_tokens)
    return bisect_right(candidates, embedder.max_tokens, key=lambda count: embedder.count_tokens(cats(count)))


class EmbedderConformance:
    """The contract of rag.embedders.base.Embedder. `many` is for real models that would take too long."""

    many = 1000

    def test_documents_are_float32_rows_of_unit_length(self, embedder: Embedder) -> None:
        vectors = embedder.embed_documents(TEXTS)
        assert vectors.shape == (len(TEXTS), embedder.fingerprint.dimension)
        assert vectors.dtype == np.float32
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)

    def test_a_query_is_one_row(self, embedder: Embedder) -> None:
        vector = embedder.embed_query("国际争端")
        assert vector.shape == (embedder.fingerprint.dimension,)
        assert vector.dtype == np.float32
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)

    def test_no_texts_give_no_rows(self, embedder: Embedder) -> None:
        vectors = embedder.embed_documents([])
        assert vectors.shape == (0, embedder.fingerprint.dimension)
        assert vectors.dtype == np.float32

    def test_one_text_gives_one_row(self, embedder: Embedder) -> None:
        assert embedder.embed_documents(TEXTS[:1]).shape == (1, embedder.fingerprint.dimension)

    def test_many_texts_keep_their_order(self, embedder: Embedder) -> None:
        texts = [str(number) for number in range(self.many)]
        vectors = embedder.embed_documents(texts)
        assert vectors.shape == (self.many, embedder.fingerprint.dimension)
        for row in (0, self.many // 2, self.many - 1):
            alone = embedder.embed_documents([texts[row]])
            assert cosines(vectors[row], alone[0]) > 0.999

    def test_the_order_is_kept_whatever_the_batch(self, embedder: Embedder) -> None:
        together = embedder.embed_documents(TEXTS * 4)
        alone = np.stack([embedder.embed_documents([text])[0] for text in TEXTS])
        assert cosines(together, np.tile(alone, (4, 1))).min() > 0.999

    def test_a_query_and_a_document_differ_where_the_prefixes_do(self, embedder: Embedder) -> None:
        text = "The treaty ended the dispute."
        same = float(embedder.embed_query(text) @ embedder.embed_documents([text])[0])
        prefixes = embedder.fingerprint.query_prefix, embedder.fingerprint.document_prefix
        assert (same > 0.9999) == (prefixes[0] == prefixes[1])

    def test_the_window_is_the_last_length_that_is_embedded(self, embedder: Embedder) -> None:
        if embedder.max_tokens is None:
            pytest.skip("the window is not known")
        window, beyond = embedder.max_tokens, cats_beyond(embedder)
        longest, too_long = cats(beyond - 1), cats(beyond)
        count = embedder.count_tokens(too_long)
        assert embedder.count_tokens(longest) <= window < count
        assert embedder.embed_documents([longest]).shape[0] == 1
        assert embedder.embed_query(longest).shape
        for embed in (embedder.embed_query, lambda text: embedder.embed_documents(["short", text])):
            with pytest.raises(ProviderError, match=rf"\b{count}\b.*\b{window}\b"):
                embed(too_long)

    def test_counting_begins_with_nothing_and_never_falls(self, embedder: Embedder) -> None:
        assert embedder.count_tokens("") == 0
        for text in TEXTS:
            assert embedder.count_tokens(text) <= embedder.count_tokens(f"{text} and more")

    def test_special_tokens_in_a_text_are_text(self, embedder: Embedder) -> None:
        for token in ("<s>", "</s>", "<unk>", "[SEP]", "[CLS]"):
            assert embedder.count_tokens(f"x{token}x") > 2
