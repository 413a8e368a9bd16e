"""The embedders on torch: MiniLM's published weights, and tiny random models."""

import io
import json
import shutil
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("sentence_transformers", reason="pip install 'passage[sentence-transformers]'")

from rag.embedders.base import Embedder
from rag.embedders.builtin import BuiltinEmbedder
from rag.embedders.clip import ClipEmbedder
from rag.embedders.factory import make_embedder
from rag.embedders.hub_models import find_model
from rag.embedders.sentence_transformers import SentenceTransformersEmbedder
from rag.embedders.torch_embedder import TorchEmbedder
from rag.embedders.transformers import TransformersEmbedder
from rag.errors import DocumentError, ProviderError
from rag.model_files import install
from rag.settings import load_settings
from tests.embedder_conformance import TEXTS, EmbedderConformance, cosines
from tests.tiny_models import DIMENSION, save_bert, save_chinese_clip, save_clip, write_json

BOTH = [SentenceTransformersEmbedder, TransformersEmbedder]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def minilm(models_dir: Path) -> Path:
    """The folder of all-MiniLM-L6-v2 as it was published."""
    return install(load_settings(models_dir=models_dir), "all-minilm-l6-v2")


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_bert(tmp_path_factory.mktemp("tiny") / "bert")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hub")


@pytest.fixture(scope="module")
def sentence_transformers(minilm: Path, cache: Path) -> SentenceTransformersEmbedder:
    return SentenceTransformersEmbedder(str(minilm), cache=cache)


@pytest.fixture(scope="module")
def transformers(minilm: Path, cache: Path) -> TransformersEmbedder:
    return TransformersEmbedder(str(minilm), cache=cache)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> ClipEmbedder:
    return ClipEmbedder(str(save_clip(tmp_path_factory.mktemp("clip"))), cache=cache)


class TestSentenceTransformers(EmbedderConformance):
    """With MiniLM."""

    @pytest.fixture
    def embedder(self, sentence_transformers: SentenceTransformersEmbedder) -> Embedder:
        return sentence_transformers


class TestTransformers(EmbedderConformance):
    """With MiniLM."""

    @pytest.fixture
    def embedder(self, transformers: TransformersEmbedder) -> Embedder:
        return transformers


class TestClip(EmbedderConformance):
    """The text side of a tiny CLIP."""

    @pytest.fixture
    def embedder(self, clip: ClipEmbedder) -> Embedder:
        return clip


def test_the_ways_to_run_a_model_agree(
    minilm: Path, sentence_transformers: SentenceTransformersEmbedder, transformers: TransformersEmbedder
) -> None:
    reference = sentence_transformers.embed_documents(TEXTS)
    assert cosines(reference, transformers.embed_documents(TEXTS)).min() > 0.9999
    assert cosines(reference, BuiltinEmbedder(minilm).embed_documents(TEXTS)).min() > 0.999


def test_the_fingerprint_says_what_the_model_is(
    minilm: Path, sentence_transformers: SentenceTransformersEmbedder, transformers: TransformersEmbedder
) -> None:
    ours, other = sentence_transformers.fingerprint, transformers.fingerprint
    assert ours.id == f"sentence-transformers:{minilm}"
    assert (ours.pooling, ours.dimension, ours.normalised) == ("mean", 384, True)
    assert (other.pooling, other.dimension, other.revision) == ("mean", 384, ours.revision)
    assert len(ours.revision) == 64
    assert sentence_transformers.max_tokens == transformers.max_tokens == 254
    assert sentence_transformers.is_local
    assert sentence_transformers.host == ""


def test_an_address_in_a_text_is_text(sentence_transformers: SentenceTransformersEmbedder) -> None:
    texts = ["https://127.0.0.1:1/picture.png", "data:image/png;base64,AAAA", __file__]
    assert sentence_transformers.embed_documents(texts).shape == (3, 384)


def test_several_threads_get_the_same(transformers: TransformersEmbedder) -> None:
    expected = transformers.embed_documents(TEXTS)
    results: list[float] = []

    def work() -> None:
        results.append(float(cosines(transformers.embed_documents(TEXTS), expected).min()))
        results.append(float(cosines(transformers.embed_query(TEXTS[0]), expected[0])))
        assert transformers.count_tokens(TEXTS[5]) == 90

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    assert min(results) > 0.9999


@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
def test_pooling_and_prompts_of_the_folder_are_used(tmp_path: Path, cache: Path, pooling: str) -> None:
    folder = save_bert(tmp_path / pooling, pooling=pooling, prompts={"query": "ask: ", "passage": "tell: "})
    first, second = (kind(str(folder), cache=cache) for kind in BOTH)
    for embedder in (first, second):
        assert embedder.fingerprint.query_prefix == "ask: "
        assert embedder.fingerprint.document_prefix == "tell: "
        assert embedder.fingerprint.pooling.startswith(pooling)
        assert embedder.max_tokens == 124  # [CLS] ask : … [SEP]
    texts = ["the cat is a dog", "dog", "国际 猫"]
    assert cosines(first.embed_documents(texts), second.embed_documents(texts)).min() > 0.9999
    assert cosines(first.embed_query("cat"), second.embed_query("cat")) > 0.9999
    assert cosines(first.embed_query("cat"), first.embed_documents(["cat"])[0]) < 0.9999


@pytest.mark.parametrize(
    ("name", "query", "document", "pooling"),
    [
        ("multilingual-e5-small", "query: ", "passage: ", "mean"),
        ("bge-small-en-v1.5", "Represent this sentence for searching relevant passages: ", "", "cls"),
        ("bge-large-zh", "为这个句子生成表示以用于检索相关文章：", "", "cls"),
        ("m3e-base", "", "", "mean"),
    ],
)
def test_a_folder_that_does_not_say_is_used_as_its_family(
    tmp_path: Path, cache: Path, name: str, query: str, document: str, pooling: str
) -> None:
    folder = save_bert(tmp_path / name)
    (folder / "modules.json").unlink()
    (folder / "1_Pooling" / "config.json").unlink()
    fingerprint = TransformersEmbedder(str(folder), cache=cache).fingerprint
    assert (fingerprint.query_prefix, fingerprint.document_prefix) == (query, document)
    assert fingerprint.pooling == pooling


def test_a_model_of_more_modules_is_left_to_sentence_transformers(tmp_path: Path, cache: Path) -> None:
    folder = save_bert(tmp_path / "dense")
    write_json(folder / "modules.json", [{"type": "sentence_transformers.models.Dense"}])
    with pytest.raises(ProviderError, match=r"Dense.*sentence-transformers:"):
        TransformersEmbedder(str(folder), cache=cache).embed_query("cat")


def test_weights_that_are_not_there_are_not_made_up(tmp_path: Path, cache: Path) -> None:
    folder = save_bert(tmp_path / "bert")
    config = json.loads((folder / "config.json").read_bytes())
    write_json(folder / "config.json", config | {"num_hidden_layers": 3})
    with pytest.raises(ProviderError, match=r"encoder\.layer\.2"):
        TransformersEmbedder(str(folder), cache=cache).embed_query("cat")


@pytest.mark.parametrize("kind", [*BOTH, ClipEmbedder])
def test_a_damaged_folder_is_named(tmp_path: Path, cache: Path, kind: type[TorchEmbedder]) -> None:
    folder = save_bert(tmp_path / "bert")
    (folder / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(ProviderError, match=f"cannot be loaded from {folder}"):
        kind(str(folder), cache=cache).embed_query("cat")


@pytest.mark.parametrize("id", ["sentence-transformers:x/y", "transformers:x/y", "clip:x/y"])
def test_without_the_package_the_command_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, id: str
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    embedder = make_embedder(load_settings(models_dir=tmp_path), id)
    with pytest.raises(ProviderError, match=r"torch.*pip install 'passage\[sentence-transformers\]'"):
        embedder.embed_query("cat")


def test_nothing_imports_torch_before_it_is_needed() -> None:
    code = (
        "import sys, rag.cli, rag.embedders.factory as factory; from rag.settings import load_settings\n"
        "for name in ('sentence-transformers', 'transformers', 'clip'):\n"
        "    factory.make_embedder(load_settings(), name + ':someone/model')\n"
        "print([name for name in ('torch', 'transformers', 'sentence_transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout == "[]\n"


class Hub(ThreadingHTTPServer):
    """A model hub with one model, "someone/tiny", whose files are in `folder`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _HubHandler)
        self.folder = folder
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _HubHandler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        folder, path = self.server.folder, urlsplit(self.path).path
        files = {each.relative_to(folder).as_posix(): each for each in folder.rglob("*") if each.is_file()}
        self.server.requests.append(path)
        if path.startswith("/someone/tiny/resolve/"):
            self._send(files[path.removeprefix(f"/someone/tiny/resolve/{COMMIT}/")].read_bytes())
        elif path.startswith("/api/models/someone/tiny/tree/"):
            self._send_json(
                [
                    {"type": "file", "path": name, "size": file.stat().st_size, "oid": "1"}
                    for name, file in files.items()
                ]
            )
        elif path.startswith("/api/models/someone/tiny"):
            siblings = [{"rfilename": name} for name in files]
            self._send_json({"id": "someone/tiny", "sha": COMMIT, "siblings": siblings})
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def do_HEAD(self) -> None:
        self.do_GET()

    def _send_json(self, value: object) -> None:
        self._send(json.dumps(value).encode())

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{zlib.crc32(body):08x}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub(bert: Path, tmp_path: Path) -> Iterator[Hub]:
    with Hub(bert) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_model_comes_from_the_hub_once(
    hub: Hub, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    embedder = TransformersEmbedder("someone/tiny", cache=tmp_path)
    assert embedder.fingerprint.revision == COMMIT
    assert embedder.fingerprint.id == "transformers:someone/tiny"
    expected = TransformersEmbedder(str(bert), cache=tmp_path).embed_query("cat")
    assert cosines(embedder.embed_query("cat"), expected) > 0.9999
    asked = len(hub.requests)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    again = SentenceTransformersEmbedder("someone/tiny", cache=tmp_path)
    assert cosines(again.embed_query("cat"), expected) > 0.9999
    assert again.fingerprint.revision == COMMIT
    assert len(hub.requests) == asked


def test_only_what_torch_needs_is_fetched(hub: Hub, tmp_path: Path) -> None:
    hub.folder = save_bert(tmp_path / "bert")
    for name in ("pytorch_model.bin", "onnx/model.onnx", "onnx/config.json", "README.md", "training.py"):
        (hub.folder / name).parent.mkdir(exist_ok=True)
        (hub.folder / name).write_bytes(b"not needed")
    for _ in range(2):
        embedder = TransformersEmbedder("someone/tiny", cache=tmp_path / "hub", hub_url=hub.url)
        assert embedder.embed_query("cat").shape == (32,)
        next((tmp_path / "hub").rglob("tokenizer.json")).unlink()  # as if the download had been stopped
    fetched = {path.partition(f"/resolve/{COMMIT}/")[2] for path in hub.requests} - {""}
    assert {"config.json", "1_Pooling/config.json", "model.safetensors", "tokenizer.json"} <= fetched
    assert not [path for path in fetched if path.endswith((".bin", ".onnx", ".md", ".py")) or "onnx/" in path]


@pytest.mark.parametrize("kept", ["trees", "nothing"])  # the hub client's own list of a model's files
@pytest.mark.parametrize("weights", ["model.safetensors", "pytorch_model.bin"])
def test_weights_in_several_files_are_there_only_together(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights: str, kept: str
) -> None:
    stem, suffix = weights.split(".")
    parts = [f"{stem}-0000{number}-of-00002.{suffix}" for number in (1, 2)]
    hub.folder = save_parts(tmp_path / "bert", weights, parts)
    find_model("someone/tiny", cache=tmp_path / "whole", hub_url=hub.url)
    for lost in parts:  # as if the download had been stopped
        cache = tmp_path / lost
        left_out = shutil.ignore_patterns(lost, *{"trees"} - {kept})
        shutil.copytree(tmp_path / "whole", cache, symlinks=True, ignore=left_out)
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        with pytest.raises(ProviderError, match="HF_HUB_OFFLINE is set"):
            find_model("someone/tiny", cache=cache)
        monkeypatch.delenv("HF_HUB_OFFLINE")
        snapshot = find_model("someone/tiny", cache=cache, hub_url=hub.url).folder
        assert {file.name for file in snapshot.glob(f"*.{suffix}")} == set(parts)
        asked = len(hub.requests)
        assert find_model("someone/tiny", cache=cache, hub_url=hub.url).folder == snapshot
        assert len(hub.requests) == asked


def test_weights_of_a_later_module_alone_are_not_enough(hub: Hub, tmp_path: Path) -> None:
    hub.folder = save_bert(tmp_path / "bert")
    (hub.folder / "2_Dense").mkdir()
    (hub.folder / "2_Dense" / "model.safetensors").write_bytes(b"dense")
    snapshot = find_model("someone/tiny", cache=tmp_path / "hub", hub_url=hub.url).folder
    (snapshot / "model.safetensors").unlink()
    assert find_model("someone/tiny", cache=tmp_path / "hub", hub_url=hub.url).folder == snapshot
    assert (snapshot / "model.safetensors").is_file()


def test_an_index_of_weights_that_are_not_fetched_is_no_gap(hub: Hub, tmp_path: Path) -> None:
    hub.folder = save_bert(tmp_path / "bert")
    for unused in ("pytorch_model.bin", "tf_model.h5"):
        save_index(hub.folder / f"{unused}.index.json", ["elsewhere-00001-of-00001.bin"])
    find_model("someone/tiny", cache=tmp_path / "hub", hub_url=hub.url)
    asked = len(hub.requests)
    find_model("someone/tiny", cache=tmp_path / "hub", hub_url=hub.url)
    assert len(hub.requests) == asked


def test_a_damaged_index_is_told_by_the_model(hub: Hub, tmp_path: Path) -> None:
    hub.folder = save_bert(tmp_path / "bert")
    (hub.folder / "model.safetensors").rename(hub.folder / "model-00001-of-00001.safetensors")
    write_json(hub.folder / "model.safetensors.index.json", {"metadata": {}})
    for _ in range(2):
        with pytest.raises(ProviderError, match="cannot be loaded from"):
            TransformersEmbedder("someone/tiny", cache=tmp_path / "hub", hub_url=hub.url).embed_query("cat")


def save_parts(folder: Path, weights: str, parts: list[str]) -> Path:
    """A BERT whose weights are said to be in `parts`, files that nothing can load."""
    save_bert(folder)
    (folder / "model.safetensors").unlink()
    for part in parts:
        (folder / part).write_bytes(part.encode())
    save_index(folder / f"{weights}.index.json", parts)
    return folder


def save_index(path: Path, parts: list[str]) -> None:
    write_json(path, {"metadata": {}, "weight_map": {f"layer.{part}": part for part in parts}})


@pytest.mark.parametrize(
    ("name", "offline", "words"),
    [
        ("someone/else", "", "HF_ENDPOINT"),
        ("someone/else", "1", "HF_HUB_OFFLINE is set"),
        ("/no/such/folder", "", "neither a folder nor a name"),
    ],
)
def test_a_model_that_cannot_be_had_names_the_way_out(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, offline: str, words: str
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", offline)
    with pytest.raises(ProviderError, match=words) as caught:
        TransformersEmbedder(name, cache=tmp_path, hub_url=hub.url).embed_query("cat")
    assert name in str(caught.value)


def test_an_unreachable_hub_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with pytest.raises(ProviderError, match="could not be downloaded"):
        ClipEmbedder("someone/tiny", cache=tmp_path, hub_url="http://127.0.0.1:1").embed_query("cat")


def picture(colour: str | tuple[int, ...] = "red", *, mode: str = "RGB", format: str = "PNG") -> bytes:
    """A picture file of 40 × 30 pixels, its left half blue."""
    image = Image.new(mode, (40, 30), colour)
    image.paste(Image.new(mode, (20, 30), "blue"))
    return saved(image, format)


def saved(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def test_pictures_have_vectors_in_the_space_of_texts(clip: ClipEmbedder) -> None:
    pictures = [picture(colour) for colour in ("red", "green", "white")] * 6
    vectors = clip.embed_pictures(pictures)
    assert vectors.shape == (18, DIMENSION)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert cosines(vectors[:3], vectors[-3:]).min() > 0.99999
    alone = np.stack([clip.embed_pictures([data])[0] for data in pictures[:3]])
    assert cosines(vectors[:3], alone).min() > 0.99999
    assert cosines(vectors[0], vectors[1]) < 0.99999
    assert clip.embed_pictures([]).shape == (0, DIMENSION)


def test_the_same_picture_in_another_form_has_the_same_vector(clip: ClipEmbedder) -> None:
    plain = Image.open(io.BytesIO(picture("white")))
    turned = plain.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned right by 90 degrees
    clear = Image.new("RGBA", plain.size, (0, 0, 0, 0))
    clear.paste(plain.crop((0, 0, 20, 30)))
    forms = [
        picture("white"),
        saved(turned, exif=exif),
        saved(clear),
        saved(plain, "BMP"),
        saved(plain, "TIFF"),
    ]
    vectors = clip.embed_pictures(forms)
    assert cosines(vectors, np.tile(vectors[0], (len(forms), 1))).min() > 0.99999


def huge_picture() -> bytes:
    """A PNG that says it has ten thousand by ten thousand pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 10_000, 10_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


@pytest.mark.parametrize(
    "data", [b"", b"no picture", picture()[:60], b"%!PS-Adobe-3.0 EPSF-3.0\n", huge_picture()]
)
def test_what_is_no_picture_is_refused_and_numbered(clip: ClipEmbedder, data: bytes) -> None:
    with pytest.raises(DocumentError, match="Picture 2 "):
        clip.embed_pictures([picture(), data])


def test_chinese_clip_works_the_same(tmp_path: Path, cache: Path) -> None:
    embedder = ClipEmbedder(str(save_chinese_clip(tmp_path)), cache=cache)
    assert embedder.embed_documents(["猫", "国 际"]).shape == (2, DIMENSION)
    assert embedder.embed_pictures([picture()]).shape == (1, DIMENSION)


def test_a_model_without_pictures_is_no_clip(bert: Path, cache: Path) -> None:
    with pytest.raises(ProviderError, match="no CLIP model but bert"):
        ClipEmbedder(str(bert), cache=cache).embed_query("cat")
