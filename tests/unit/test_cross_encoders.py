"""Cross-encoders of sentence-transformers, tiny random ones in the files that real ones come in."""

import math
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sentence_transformers", reason="pip install 'passage[sentence-transformers]'")

from rag.errors import ProviderError
from rag.rerankers.factory import make_reranker
from rag.rerankers.sentence_transformers import SentenceTransformersReranker
from rag.settings import load_settings
from tests.reranker_conformance import QUESTION, RerankerConformance
from tests.tiny_models import POSITIONS, save_bert, save_cross_encoder

SPECIAL_TOKENS = 3  # one before the question, one between, one after


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_cross_encoder(tmp_path_factory.mktemp("tiny") / "cross-encoder")


@pytest.fixture(scope="module")
def cross_encoder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> SentenceTransformersReranker:
    return SentenceTransformersReranker(str(folder), cache=tmp_path_factory.mktemp("hub"))


class TestConformance(RerankerConformance):
    """With a BERT of a few kilobytes."""

    @pytest.fixture
    def reranker(self, cross_encoder: SentenceTransformersReranker) -> SentenceTransformersReranker:
        return cross_encoder


def test_scores_are_those_of_the_model_itself(
    folder: Path, cross_encoder: SentenceTransformersReranker
) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    texts = ["a cat", "the dog is", "猫"]
    with torch.inference_mode():
        logits = [
            float(model(**tokenizer(QUESTION, text, return_tensors="pt")).logits[0, 0]) for text in texts
        ]
    expected = [1 / (1 + math.exp(-logit)) for logit in logits]
    assert cross_encoder.scores(QUESTION, texts) == pytest.approx(expected, abs=1e-4)


def test_the_window_is_that_of_both_together(cross_encoder: SentenceTransformersReranker) -> None:
    assert cross_encoder.max_tokens == POSITIONS - SPECIAL_TOKENS
    assert (cross_encoder.is_local, cross_encoder.host) == (True, "")


def test_question_and_text_are_not_the_same(cross_encoder: SentenceTransformersReranker) -> None:
    there, back = (float(cross_encoder.scores(*pair)[0]) for pair in (("cat", ["dog"]), ("dog", ["cat"])))
    assert abs(there - back) > 1e-3


@pytest.mark.parametrize("make", [save_bert, lambda folder: save_cross_encoder(folder, labels=3)])
def test_an_embedder_or_a_classifier_is_refused(make: object, tmp_path: Path) -> None:
    """sentence-transformers would give an embedder a head of random numbers."""
    folder = make(tmp_path / "model")  # type: ignore[operator]
    with pytest.raises(ProviderError, match="is no reranker of texts"):
        SentenceTransformersReranker(str(folder), cache=tmp_path).scores("cat", ["dog"])


def test_a_damaged_folder_and_a_missing_model_say_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_cross_encoder(tmp_path / "model")
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ProviderError, match=f"cannot be loaded from {folder}"):
        SentenceTransformersReranker(str(folder), cache=tmp_path).scores("cat", ["dog"])
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    settings = load_settings(models_dir=tmp_path, hub_url="http://127.0.0.1:1")
    missing = make_reranker(settings, "sentence-transformers:BAAI/bge-reranker-v2-m3")
    with pytest.raises(ProviderError, match="HF_HUB_OFFLINE is set"):
        missing.scores("cat", ["dog"])


def test_a_model_that_gives_no_number_is_told(tmp_path: Path) -> None:
    from transformers import BertForSequenceClassification

    folder = save_cross_encoder(tmp_path / "model")
    model = BertForSequenceClassification.from_pretrained(folder)
    model.classifier.bias.data.fill_(math.nan)
    model.save_pretrained(folder)
    with pytest.raises(ProviderError, match="a score that is not a number"):
        SentenceTransformersReranker(str(folder), cache=tmp_path).scores("cat", ["dog"])


def test_warming_up_loads_it_once(folder: Path, tmp_path: Path) -> None:
    reranker = SentenceTransformersReranker(str(folder), cache=tmp_path)
    reranker.warm_up()
    loaded = reranker._model()
    assert np.isfinite(reranker.scores("cat", ["dog"])).all()
    assert reranker._model() is loaded
