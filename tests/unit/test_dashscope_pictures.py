"""DashScope's models of texts and pictures against a local server that sees a picture's colour."""

import base64
import io
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rag.embedders.base import PictureEmbedder
from rag.embedders.dashscope_multimodal import DashScopeMultimodalEmbedder
from rag.embedders.factory import make_embedder
from rag.embedders.pictures import picture_embedder, takes_pictures
from rag.engine import Engine
from rag.errors import DocumentError, ProviderError
from rag.model_catalogue import models_for
from rag.providers import retrying
from rag.retrieval import Query
from tests import faults
from tests.faults import Fault, hang, status
from tests.pictures import picture
from tests.provider_server import DASHSCOPE_PICTURES, DIMENSION, KEY, ProviderServer, settings_at

MODEL = "dashscope:tongyi-embedding-vision-plus"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "FIRST_WAIT", 0.0)


@pytest.fixture
def embedder(provider_server: ProviderServer) -> PictureEmbedder:
    return picture_embedder(make_embedder(settings_at(provider_server.url), MODEL))


def sent(server: ProviderServer) -> list[list[dict[str, str]]]:
    """The contents of each request."""
    return [each.body["input"]["contents"] for each in server.requests if each.path == DASHSCOPE_PICTURES]


def image_in(content: dict[str, str]) -> Image.Image:
    data = content["image"].removeprefix("data:image/jpeg;base64,")
    return Image.open(io.BytesIO(base64.b64decode(data, validate=True)), formats=("JPEG",))


@pytest.mark.parametrize("model", [each for each in models_for(provider="dashscope") if each.task != "chat"])
def test_the_catalogue_says_which_models_take_pictures(model: Any, provider_server: ProviderServer) -> None:
    made = make_embedder(settings_at(provider_server.url), model.ids[0])
    assert takes_pictures(made) is (model.task == "multimodal")
    assert made.max_tokens is not None and made.max_tokens < model.max_tokens <= made.max_tokens + 10


def test_a_text_and_a_picture_of_what_it_says_lie_together(
    embedder: PictureEmbedder, provider_server: ProviderServer
) -> None:
    colours = ("red", "green", "blue")
    vectors = embedder.embed_pictures([picture(colours[0]), picture(colours[1], "WEBP"), picture("blue")])
    assert vectors.shape == (3, DIMENSION) and vectors.dtype == np.float32
    assert np.allclose(vectors, embedder.embed_documents(colours), atol=1e-6)
    assert [len(contents) for contents in sent(provider_server)] == [1, 1, 1, 3]
    assert embedder.embed_pictures([]).shape == (0, DIMENSION)


def test_pictures_go_out_upright_small_and_as_jpeg(
    embedder: PictureEmbedder, provider_server: ProviderServer
) -> None:
    stream = io.BytesIO()
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned by a quarter
    Image.new("RGB", (3000, 1500), "red").save(stream, "JPEG", exif=turned)
    layer = io.BytesIO()
    Image.new("RGBA", (80, 80), (255, 0, 0, 0)).save(layer, "PNG")
    embedder.embed_pictures([stream.getvalue(), layer.getvalue()])
    (first,), (second,) = sent(provider_server)
    assert image_in(first).size == (512, 1024)
    assert image_in(second).getpixel((40, 40)) == (255, 255, 255)


def test_noise_stays_below_the_size_that_is_taken(
    embedder: PictureEmbedder, provider_server: ProviderServer
) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (1400, 1400, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, "PNG")
    embedder.embed_pictures([stream.getvalue()])
    assert len(sent(provider_server)[0][0]["image"]) < 3_000_000


def test_what_is_no_picture_is_named_and_not_sent(
    embedder: PictureEmbedder, provider_server: ProviderServer
) -> None:
    with pytest.raises(DocumentError, match="Picture 1 cannot be read"):
        embedder.embed_pictures([b"words"])
    assert sent(provider_server) == []


@pytest.mark.parametrize("address", ["{path}", "file://{path}", "oss://bucket/{path}"])
def test_a_text_that_names_a_file_is_a_text(
    address: str, embedder: PictureEmbedder, provider_server: ProviderServer, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("not for others")
    text = address.format(path=secret)
    embedder.embed_documents([text])
    (request,) = provider_server.requests
    assert request.body["input"]["contents"] == [{"text": text}]
    assert "x-dashscope-ossresourceresolve" not in request.headers


UNUSABLE = (
    "DashScope returned no usable vectors with tongyi-embedding-vision-plus ({}). "
    "Check the model there, or choose another embedder."
)
CELLS: dict[str, tuple[list[Fault], int, str]] = {
    "wrong key": (
        [status(401, "bad key sk-secret-123")],
        1,
        "DashScope refused the key (401: bad key ***). Check DASHSCOPE_API_KEY.",
    ),
    "busy for ever": (
        [status(429, "slow down", retry_after="0")] * 3,
        3,
        "DashScope takes no more requests now (429: slow down, Retry-After 0). Try again later.",
    ),
    "broken": (
        [status(500, "oops")] * 3,
        3,
        "DashScope reported an internal error (500: oops). Try again later.",
    ),
    "silent": (
        [hang()],
        1,
        "DashScope at {url}/api/v1 sent nothing for 0.5 seconds. Try again, or raise RAG_REQUEST_TIMEOUT.",
    ),
    "a web page": (
        [faults.HTML],
        1,
        "{url}/api/v1 does not answer as DashScope does (Expecting value: line 1 column 1 (char 0)). "
        "Check the address in RAG_DASHSCOPE_BASE_URL.",
    ),
    "odd request": (
        [status(400, "no such option")],
        1,
        "DashScope refused the request (400: no such option).",
    ),
    "too long": (
        [status(400, "input length is 9999")],
        1,
        "A picture is too large for tongyi-embedding-vision-plus at DashScope (400: input length is 9999). "
        "Make it smaller, or choose another embedder.",
    ),
    "refused": (
        [status(400, "unsafe", error="DataInspectionFailed")],
        1,
        "DashScope refused a picture by its content rules (400: unsafe). "
        "Leave it out, or choose another embedder.",
    ),
    "no vectors": ([faults.NO_VECTORS], 1, UNUSABLE.format("vectors asked for: 1, received: 0")),
    "wrong dimension": ([faults.WRONG_DIMENSION], 1, UNUSABLE.format("dimension 7 instead of 8")),
    "not a number": (
        [faults.NAN],
        1,
        UNUSABLE.format("a vector has only zeros, or something that is not a number"),
    ),
    "zero": (
        [faults.ZERO],
        1,
        UNUSABLE.format("a vector has only zeros, or something that is not a number"),
    ),
}


@pytest.mark.parametrize("case", CELLS)
def test_says_what_went_wrong_with_a_picture(
    case: str, embedder: PictureEmbedder, provider_server: ProviderServer
) -> None:
    scripted, requests, message = CELLS[case]
    embedder.embed_query("what the dimension is learnt from")
    provider_server.script(DASHSCOPE_PICTURES, scripted)
    with pytest.raises(ProviderError) as caught:
        embedder.embed_pictures([picture("red")])
    assert str(caught.value) == message.format(url=provider_server.url)
    assert len(sent(provider_server)) - 1 == requests
    assert KEY.get_secret_value() not in "".join(traceback.format_exception(caught.value))
    assert embedder.embed_pictures([picture("red")]).shape == (1, DIMENSION)


@pytest.fixture
def engine(tmp_path: Path, provider_server: ProviderServer) -> Iterator[Engine]:
    settings = settings_at(provider_server.url, data_dir=tmp_path, embedder=MODEL, chat_model="extractive")
    with Engine(settings) as opened:
        yield opened


def test_a_collection_of_pictures_works_with_it(engine: Engine) -> None:
    collection = engine.create_collection("pictures")
    assert engine.takes_pictures(collection)
    files = (
        ("1.png", picture("red")),
        ("2.webp", picture("green", "WEBP")),
        ("3.jpg", picture("blue", "JPEG")),
    )
    jobs = [engine.intake.add(collection, name, io.BytesIO(data)) for name, data in files]
    assert [job.state for job in engine.intake.run(jobs)] == ["done"] * 3
    first, *_ = engine.search(collection, Query("green", mode="dense")).passages
    assert (first.name, first.cosine) == ("2.webp", pytest.approx(1, abs=1e-5))
    similar = engine.search(collection, Query("", picture=picture("blue"))).passages
    assert similar[0].name == "3.jpg"


def test_a_picture_that_is_refused_leaves_its_document_out(
    engine: Engine, provider_server: ProviderServer
) -> None:
    collection = engine.create_collection("pictures")
    provider_server.script(DASHSCOPE_PICTURES, [status(400, "unsafe", error="DataInspectionFailed")])
    [job] = engine.intake.run([engine.intake.add(collection, "1.png", io.BytesIO(picture("red")))])
    assert job.state == "failed" and "refused a picture by its content rules" in str(job.error)
    assert engine.check().clean
    assert engine.search(collection, Query("red", mode="dense")).passages == ()


def test_it_is_an_embedder_of_pictures(provider_server: ProviderServer) -> None:
    made = make_embedder(settings_at(provider_server.url), "dashscope:multimodal-embedding-v1")
    assert isinstance(made, DashScopeMultimodalEmbedder)
