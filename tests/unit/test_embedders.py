"""The built-in embedder, with real models."""

import importlib
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from rag.embedders.base import Embedder
from rag.embedders.builtin import BuiltinEmbedder
from rag.embedders.factory import make_embedder
from rag.embedders.turns import Turns
from rag.errors import ProviderError, UsageError
from rag.ingestion.embedding import _next_size
from rag.model_files import install
from rag.settings import load_settings
from tests.embedder_conformance import EmbedderConformance, cosines

MODELS = ["multilingual-e5-small", "all-minilm-l6-v2"]
ENGINES = ["auto", "onnxruntime"] + (["openvino"] if importlib.util.find_spec("openvino") else [])

NEWS = [
    "联合国就苏丹达尔富尔地区大规模暴力事件发出警告",
    "土耳其、芬兰、瑞典与北约代表将继续就瑞典“入约”问题进行谈判",
    "日本岐阜市陆上自卫队射击场内发生枪击事件 3人受伤",
    "国家游泳中心（水立方）：恢复游泳、嬉水乐园等水上项目运营",
    "我国首次在空间站开展舱外辐射生物学暴露实验",
]


@pytest.fixture(scope="module", params=[(model, engine) for model in MODELS for engine in ENGINES], ids=str)
def embedder(request: pytest.FixtureRequest, models_dir: Path) -> Embedder:
    model, engine = request.param
    settings = load_settings(models_dir=models_dir, embedder_engine=engine)
    install(settings, model)
    return make_embedder(settings, f"builtin:{model}")


@pytest.fixture(scope="module")
def e5(models_dir: Path) -> BuiltinEmbedder:
    return BuiltinEmbedder(models_dir / "multilingual-e5-small")


class TestBuiltin(EmbedderConformance):
    """Every model on every engine."""

    def test_it_names_its_engine(self, embedder: BuiltinEmbedder) -> None:
        assert embedder.engine in {"OpenVINO bf16", "OpenVINO fp32", "onnxruntime"}


def test_the_question_of_the_mission(e5: BuiltinEmbedder) -> None:
    order = np.argsort(-(e5.embed_documents(NEWS) @ e5.embed_query("国际争端")))
    assert set(order[:3].tolist()) == {0, 1, 2}


def test_the_engines_agree(models_dir: Path, e5: BuiltinEmbedder) -> None:
    other = BuiltinEmbedder(models_dir / "multilingual-e5-small", engine="onnxruntime")
    assert cosines(e5.embed_documents(NEWS), other.embed_documents(NEWS)).min() > 0.9999


def test_several_threads_get_the_same(e5: BuiltinEmbedder) -> None:
    expected = e5.embed_documents(NEWS)
    results: list[float] = []

    def work() -> None:
        results.append(float(cosines(e5.embed_documents(NEWS), expected).min()))
        results.append(float(e5.embed_query(NEWS[0]) @ e5.embed_query(NEWS[0])))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert min(results) > 0.9999


def test_a_question_goes_before_the_next_batch() -> None:
    turns, events, asked = Turns(), [], threading.Event()

    def ask() -> None:
        asked.set()
        with turns.question():
            events.append("question")

    thread = threading.Thread(target=ask)
    with turns.batch():
        thread.start()
        asked.wait()
        while not turns._next.locked():
            pass
        events.append("batch")
    with turns.batch():
        events.append("batch")
    thread.join()
    assert events == ["batch", "question", "batch"]


def test_nothing_is_loaded_before_it_is_needed(models_dir: Path) -> None:
    embedder = make_embedder(load_settings(models_dir=models_dir), "builtin:multilingual-e5-small")
    assert embedder.fingerprint.dimension == 384
    assert embedder.fingerprint.id == "builtin:multilingual-e5-small"
    assert embedder._loaded.run is None  # type: ignore[attr-defined]
    assert embedder._loaded.tokenizer is None  # type: ignore[attr-defined]


@pytest.mark.skipif("openvino" not in ENGINES, reason="OpenVINO is not installed")
def test_openvino_writes_nothing_home(tmp_path: Path) -> None:
    code = "from rag.embedders.builtin.engines import choose_engine; print(choose_engine('openvino').label)"
    environment = {key: value for key, value in os.environ.items() if key != "CI"} | {"HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert done.stdout.startswith(b"OpenVINO")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def export(models_dir: Path, tmp_path: Path) -> Path:
    """MiniLM as sentence-transformers exports it: no passage.json, the model in onnx/."""
    install(load_settings(models_dir=models_dir), "all-minilm-l6-v2")
    folder = tmp_path / "minilm-export"
    shutil.copytree(models_dir / "all-minilm-l6-v2", folder, ignore=shutil.ignore_patterns("*.safetensors"))
    (folder / "passage.json").unlink()
    (folder / "onnx").mkdir()
    for path in folder.glob("model.onnx*"):
        path.rename(folder / "onnx" / path.name)
    return folder


def test_an_ordinary_export_is_served_the_same(export: Path, models_dir: Path) -> None:
    embedder = make_embedder(load_settings(models_dir=export.parent), "builtin:minilm-export")
    ours = BuiltinEmbedder(models_dir / "all-minilm-l6-v2")
    texts = ["an international dispute", "a swimming pool"]
    assert cosines(embedder.embed_documents(texts), ours.embed_documents(texts)).min() > 0.99999
    assert embedder.max_tokens == 254
    assert embedder.fingerprint.pooling == "mean"
    assert len(embedder.fingerprint.revision) == 64


def test_prompts_and_pooling_of_an_export_are_used(export: Path) -> None:
    prompts = {"prompts": {"query": "ask: ", "document": "tell: "}}
    (export / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    (export / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    fingerprint = BuiltinEmbedder(export).fingerprint
    assert fingerprint.query_prefix == "ask: "
    assert fingerprint.document_prefix == "tell: "
    assert fingerprint.pooling == "cls"


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("modules.json", [{"type": "sentence_transformers.models.Dense"}]),
        ("1_Pooling/config.json", {"pooling_mode_weightedmean_tokens": True}),
        ("config.json", {}),
    ],
)
def test_an_export_that_cannot_be_served_is_refused(export: Path, file: str, content: object) -> None:
    (export / file).write_text(json.dumps(content))
    with pytest.raises(ProviderError, match="cannot be used"):
        BuiltinEmbedder(export)


def test_a_broken_model_names_the_way_out(export: Path) -> None:
    (export / "onnx" / "model.onnx").write_bytes(b"broken")
    with pytest.raises(ProviderError, match="install the model again"):
        BuiltinEmbedder(export, engine="onnxruntime").embed_query("x")


@pytest.mark.parametrize("name", ["e5", "nobody:e5", "builtin:", "builtin:nothing", "builtin:smollm2-135m"])
def test_a_wrong_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        make_embedder(load_settings(models_dir=tmp_path), name)


def test_an_absent_model_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match="rag models install multilingual-e5-small"):
        make_embedder(load_settings(models_dir=tmp_path), "builtin:multilingual-e5-small")


@pytest.mark.parametrize(
    ("size", "seconds", "expected"),
    [(16, 0.1, 32), (128, 0.1, 128), (32, 1.0, 32), (32, 3.0, 16), (16, 60.0, 16)],
)
def test_batches_take_about_a_second(size: int, seconds: float, expected: int) -> None:
    assert _next_size(size, seconds) == expected
