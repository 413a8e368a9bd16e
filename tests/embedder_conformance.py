"""What every embedder must do. Subclass it and give it an `embedder` fixture."""

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


class EmbedderConformance:
    """The contract of rag.embedders.base.Embedder."""

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
        count = embedder.max_tokens
        longest = " ".join(["cat"] * count)
        assert embedder.count_tokens(longest) == count
        assert embedder.embed_documents([longest]).shape[0] == 1
        assert embedder.embed_query(longest).shape
        too_long = f"{longest} cat"
        for embed in (embedder.embed_query, lambda text: embedder.embed_documents(["short", text])):
            with pytest.raises(ProviderError, match=rf"\b{count + 1}\b.*\b{count}\b"):
                embed(too_long)

    def test_special_tokens_in_a_text_are_text(self, embedder: Embedder) -> None:
        for token in ("<s>", "</s>", "<unk>", "[SEP]", "[CLS]"):
            assert embedder.count_tokens(f"x{token}x") > 2
