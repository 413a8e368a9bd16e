"""Relevance: rises with the cosine, whatever the model's scale, and is read in the passage's own script."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rag.calibration import COHORT, Background, Backgrounds, Sampled, background, is_chinese

DIMENSION = 8


def backgrounds(seed: int, *, chunks: int = 0, scale: float = 1.0) -> Backgrounds:
    """Random texts whose cosines to the question are spread by `scale` around 0.5."""
    random = np.random.default_rng(seed)

    def texts(count: int) -> np.ndarray:
        vectors = np.zeros((count, DIMENSION), np.float32)
        vectors[:, 0] = 0.5 + scale * 0.1 * random.standard_normal(count)
        return vectors

    question = np.eye(DIMENSION, dtype=np.float32)[0]
    sample = [Sampled(False, f"document {number % 3}") for number in range(chunks)]
    return Backgrounds("question", question, texts(len(COHORT)), texts(chunks), sample)


@given(st.integers(0, 50), st.floats(-1, 1), st.floats(-1, 1))
def test_relevance_rises_with_the_cosine(seed: int, one: float, other: float) -> None:
    base = backgrounds(seed, chunks=20).of("text", "document 0")
    low, high = sorted((base.relevance(one), base.relevance(other)))
    assert 0 <= low <= high <= 1
    assert (one <= other) == (base.relevance(one) <= base.relevance(other)) or low == high


def test_a_models_scale_does_not_matter() -> None:
    wide, narrow = backgrounds(1), backgrounds(1, scale=0.1)
    assert np.isclose(
        wide.of("text", "").relevance(0.5 + 0.5), narrow.of("text", "").relevance(0.5 + 0.05), atol=0.01
    )


def test_a_documents_own_chunks_are_not_its_background() -> None:
    question = np.eye(DIMENSION, dtype=np.float32)[0]
    cohort = np.zeros((len(COHORT), DIMENSION), np.float32)
    cohort[:, 0] = np.linspace(0.4, 0.6, len(COHORT))
    near = np.zeros((300, DIMENSION), np.float32)
    near[:, 0] = 0.9
    found = Backgrounds("question", question, cohort, near, [Sampled(False, "own")] * 300)
    assert found.of("text", "own").median < 0.7
    assert found.of("text", "another").median > 0.8


def test_across_languages_an_answer_stands_less_high() -> None:
    question, texts = np.eye(DIMENSION, dtype=np.float32)[0], np.zeros((len(COHORT), DIMENSION), np.float32)
    texts[:, 0] = np.tile(np.linspace(0.4, 0.6, len(COHORT) // 2), 2)
    none = np.empty((0, DIMENSION), np.float32)
    english, chinese = (Backgrounds(asked, question, texts, none, []) for asked in ("When?", "什么时候？"))
    relevance = [
        base.of(text, "").relevance(0.9) for base in (english, chinese) for text in ("At noon.", "中午。")
    ]
    assert relevance[0] == relevance[3] < relevance[1] == relevance[2]


def test_the_cohort_is_half_english_half_chinese() -> None:
    half = len(COHORT) // 2
    assert [is_chinese(text) for text in COHORT] == [False] * half + [True] * half


def test_a_table_is_in_the_script_of_its_words() -> None:
    rules = f"|{' --- |' * 12}\n|{'       |' * 12}"
    assert is_chinese(f"| 主申请人 |{'   |' * 11}\n{rules}")
    assert not is_chinese(f"| Applicant |{'   |' * 11}\n{rules}")


def test_numbers_alone_are_in_no_script() -> None:
    assert not is_chinese("| 2021 | 34.5 % |\n| --- | --- |")


def test_a_flat_background_divides_by_nothing() -> None:
    assert 0 <= Background(0.5, 1e-6, 1e-6).relevance(0.5) <= Background(0.5, 1e-6, 1e-6).relevance(0.6) <= 1


def test_what_comes_up_beside_the_answer_lowers_it() -> None:
    even = background(np.linspace(0.4, 0.6, 101, dtype=np.float32))
    skewed = background(np.append(np.linspace(0.4, 0.6, 81), np.linspace(0.7, 0.8, 20)).astype(np.float32))
    assert skewed.reach > even.reach
    assert skewed.relevance(0.9) < even.relevance(0.9)


def test_weights_count_as_so_many_cosines() -> None:
    cosines = np.array([0.1, 0.2, 0.6], np.float32)
    many = np.repeat(cosines, [3, 5, 2])
    assert background(cosines, np.array([3.0, 5.0, 2.0])) == background(many)
