"""What every reranker must do. Subclass it and give it a `reranker` fixture."""

import threading

import numpy as np
import pytest

from rag.embedders.window import pieces
from rag.errors import ProviderError
from rag.rerankers.base import Reranker, Scores

QUESTION = "the cat"
TEXTS = [
    "the cat sleeps",
    "a dog",
    "国际争端应当和平解决。",
    "",
    "😀👩‍👩‍👧 emoji",
    "a\0b",
    "half \ud83d of a pair",
    "[SEP] </s> <|im_start|> cat",
]


def room_of(reranker: Reranker) -> int:
    """The tokens that QUESTION leaves of the window for a text."""
    assert reranker.max_tokens
    return reranker.max_tokens - reranker.count_tokens(QUESTION)


class RerankerConformance:
    """The contract of rag.rerankers.base.Reranker."""

    many = 200

    def test_it_names_its_provider_and_model(self, reranker: Reranker) -> None:
        provider, colon, model = reranker.id.partition(":")
        assert provider and colon and model
        assert reranker.is_local or reranker.host

    def test_a_score_for_each_text(self, reranker: Reranker) -> None:
        scores = reranker.scores(QUESTION, TEXTS)
        assert scores.shape == (len(TEXTS),)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()

    def test_texts_differ(self, reranker: Reranker) -> None:
        assert len(set(reranker.scores(QUESTION, TEXTS[:2]).tolist())) == 2

    def test_no_texts_give_no_scores(self, reranker: Reranker) -> None:
        scores = reranker.scores(QUESTION, [])
        assert (scores.shape, scores.dtype) == ((0,), np.float32)

    def test_many_texts_keep_their_order(self, reranker: Reranker) -> None:
        texts = [f"{'cat ' * (number % 7)}dog {'the ' * (number % 3)}" for number in range(self.many)]
        together = reranker.scores(QUESTION, texts)
        for place in (0, self.many // 2, self.many - 1):
            assert together[place] == pytest.approx(alone(reranker, texts[place]), abs=1e-4)

    def test_the_order_of_the_texts_does_not_matter(self, reranker: Reranker) -> None:
        backwards = reranker.scores(QUESTION, TEXTS[::-1])
        assert backwards[::-1] == pytest.approx(reranker.scores(QUESTION, TEXTS), abs=1e-4)

    def test_a_longer_text_counts_as_its_best_piece(self, reranker: Reranker) -> None:
        if reranker.max_tokens is None:
            pytest.skip("the window is not known")
        text = " ".join(["dog"] * 2 * room_of(reranker) + ["the cat"])
        parts = list(pieces(text, reranker.count_tokens, room_of(reranker)))
        assert len(parts) > 2 and "".join(parts) == text
        expected = max(alone(reranker, part) for part in parts)
        found = reranker.scores(QUESTION, ["a dog", text, "the cat"])
        assert found[1] == pytest.approx(expected, abs=1e-4)
        assert found[2] == pytest.approx(alone(reranker, "the cat"), abs=1e-4)

    def test_a_text_that_just_fits_is_read_whole(self, reranker: Reranker) -> None:
        if reranker.max_tokens is None:
            pytest.skip("the window is not known")
        text = " ".join(["cat"] * (room_of(reranker) // reranker.count_tokens("cat")))
        assert list(pieces(text, reranker.count_tokens, room_of(reranker))) == [text]
        assert np.isfinite(alone(reranker, text))

    def test_a_question_of_more_than_half_the_window_is_refused(self, reranker: Reranker) -> None:
        if reranker.max_tokens is None:
            pytest.skip("the window is not known")
        question = " ".join(["cat"] * reranker.max_tokens)
        count, window = reranker.count_tokens(question), reranker.max_tokens
        with pytest.raises(ProviderError, match=rf"\b{count}\b.*\b{window}\b"):
            reranker.scores(question, ["a dog"])

    def test_several_threads_may_ask(self, reranker: Reranker) -> None:
        found: list[Scores] = []
        threads = [
            threading.Thread(target=lambda: found.append(reranker.scores(QUESTION, TEXTS))) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 4
        assert all(scores == pytest.approx(found[0], abs=1e-4) for scores in found)

    def test_it_may_be_asked_after_it_was_closed(self, reranker: Reranker) -> None:
        before = reranker.scores(QUESTION, TEXTS)
        reranker.close()
        reranker.close()
        assert reranker.scores(QUESTION, TEXTS) == pytest.approx(before, abs=1e-4)


def alone(reranker: Reranker, text: str) -> float:
    """The score of one text by itself."""
    return float(reranker.scores(QUESTION, [text])[0])
