"""OpenAI, Ollama and DashScope against a real local server, on good days and bad ones."""

import re
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.documents import Fingerprint
from rag.embedders.estimate import estimated_tokens
from rag.embedders.factory import make_embedder
from rag.embedders.prefixes import prefixes_of
from rag.embedders.remote import RemoteEmbedder
from rag.errors import ProviderError, UsageError
from rag.providers import retrying
from tests import faults
from tests import provider_server as server_module
from tests.embedder_conformance import EmbedderConformance, cats, cats_beyond
from tests.faults import Fault, cut, hang, status
from tests.library import Library
from tests.provider_server import DIMENSION, KEY, ProviderServer, settings_at, vector_of

PATHS = {
    "openai": server_module.OPENAI_EMBED,
    "ollama": server_module.OLLAMA_EMBED,
    "dashscope": server_module.DASHSCOPE_EMBED,
    "multimodal": server_module.DASHSCOPE_PICTURES,  # DashScope's too, by an interface of its own
}
MODELS = {
    "openai": "m",
    "ollama": "bge-m3",
    "dashscope": "text-embedding-v4",
    "multimodal": "tongyi-embedding-vision-plus",
}
NAMES = {"ollama": "Ollama", "dashscope": "DashScope", "multimodal": "DashScope"}
KEYS = {"openai": "OPENAI_API_KEY", "ollama": "OLLAMA_API_KEY"}
URLS = {"openai": "RAG_OPENAI_BASE_URL", "ollama": "RAG_OLLAMA_HOST"}


def _embedder(model_id: str, url: str) -> RemoteEmbedder:
    return cast(RemoteEmbedder, make_embedder(settings_at(url), model_id))


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "FIRST_WAIT", 0.0)


@pytest.fixture(params=PATHS)
def provider(request: pytest.FixtureRequest) -> str:
    return cast(str, request.param)


@pytest.fixture
def embedder(
    provider: str, provider_server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> RemoteEmbedder:
    monkeypatch.setenv("OLLAMA_API_KEY", KEY.get_secret_value())
    monkeypatch.setenv("OLLAMA_HOST", provider_server.url)
    return _embedder(_model_id(provider), provider_server.url)


def _model_id(provider: str) -> str:
    return f"{provider.replace('multimodal', 'dashscope')}:{MODELS[provider]}"


def _bodies(server: ProviderServer, provider: str) -> list[Any]:
    """What was sent to be embedded, request by request."""
    return [request.body for request in server.requests if request.path == PATHS[provider]]


def _texts(body: Any) -> list[str]:
    if "contents" in body["input"]:
        return [each["text"] for each in body["input"]["contents"]]
    return cast(list[str], body["input"]["texts"] if "texts" in body["input"] else body["input"])


class TestConformance(EmbedderConformance):
    """Models with prefixes, without them, and with DashScope's text_type."""

    @pytest.fixture(
        params=[
            "openai:m",
            "openai:text-embedding-3-small",
            "openai:intfloat/multilingual-e5-large",
            "ollama:bge-m3",
            "ollama:nomic-embed-text",
            "dashscope:text-embedding-v4",
            "dashscope:multimodal-embedding-v1",
        ]
    )
    def embedder(self, request: pytest.FixtureRequest, provider_server: ProviderServer) -> RemoteEmbedder:
        return _embedder(request.param, provider_server.url)


FINGERPRINTS = {
    "openai:m": ("", "", ""),
    "openai:BAAI/bge-large-zh-v1.5": ("", "为这个句子生成表示以用于检索相关文章：", ""),
    "ollama:nomic-embed-text": (
        "its digest",
        "search_query: ",
        "search_document: ",
    ),
    "dashscope:text-embedding-v3": ("", "text_type=query", "text_type=document"),
}


@pytest.mark.parametrize("model_id", FINGERPRINTS)
def test_the_fingerprint_tells_what_was_asked_once(model_id: str, provider_server: ProviderServer) -> None:
    provider, _, model = model_id.partition(":")
    revision, query, document = FINGERPRINTS[model_id]
    if provider == "ollama":
        revision = provider_server.ollama_models[2]["digest"]
    embedder = _embedder(model_id, provider_server.url)
    assert provider_server.requests == []
    threads = [threading.Thread(target=lambda: embedder.fingerprint) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert embedder.fingerprint == Fingerprint(
        provider, model, revision, "", query, document, True, DIMENSION
    )
    assert len(_bodies(provider_server, provider)) == 1


WINDOWS = {
    "openai:text-embedding-3-large": 8191,
    "openai:unknown": 510,
    "ollama:bge-m3": 2046,
    "ollama:all-minilm": 510,
    "ollama:qwen3:8b": 510,
    "dashscope:text-embedding-v4": 8186,
    "dashscope:text-embedding-v1": 2042,
    "dashscope:multimodal-embedding-v1": 510,
    "dashscope:tongyi-embedding-vision-flash": 1022,
    "dashscope:qwen3-vl-embedding": 31_998,
}


@pytest.mark.parametrize("model_id", WINDOWS)
def test_windows(model_id: str, provider_server: ProviderServer) -> None:
    assert _embedder(model_id, provider_server.url).max_tokens == WINDOWS[model_id]


def test_a_text_beyond_the_window_is_not_sent(
    provider: str, embedder: RemoteEmbedder, provider_server: ProviderServer
) -> None:
    too_long = cats(cats_beyond(embedder))
    with pytest.raises(ProviderError):
        embedder.embed_documents(["short", too_long])
    with pytest.raises(ProviderError):
        embedder.embed_query(too_long)
    assert _bodies(provider_server, provider) == []


def test_where_texts_are_sent(embedder: RemoteEmbedder, provider_server: ProviderServer) -> None:
    assert embedder.is_local
    assert embedder.host == provider_server.url.removeprefix("http://")


def test_a_model_in_ollamas_cloud_is_not_local(provider_server: ProviderServer) -> None:
    embedder = _embedder("ollama:big-embedder:cloud", provider_server.url)
    assert (embedder.is_local, embedder.host) == (False, "ollama.com")


BATCHES = {
    "openai": [64, 64, 2],
    "ollama": [16] * 8 + [2],
    "dashscope": [10] * 13,
    "multimodal": [20] * 6 + [10],
}


def test_batches_hold_no_more_texts_than_the_provider_takes(
    provider: str, embedder: RemoteEmbedder, provider_server: ProviderServer
) -> None:
    texts = [f"text {number}" for number in range(130)]
    vectors = embedder.embed_documents(texts)
    bodies = _bodies(provider_server, provider)
    assert [len(_texts(body)) for body in bodies] == BATCHES[provider]
    assert [text for body in bodies for text in _texts(body)] == texts
    expected = np.array([vector_of(text) for text in texts])
    assert np.abs(vectors - expected / np.linalg.norm(expected, axis=1, keepdims=True)).max() < 1e-6


def test_old_dashscope_models_take_25_texts(provider_server: ProviderServer) -> None:
    _embedder("dashscope:text-embedding-v2", provider_server.url).embed_documents(["x"] * 30)
    assert [len(_texts(body)) for body in _bodies(provider_server, "dashscope")] == [25, 5]


def test_a_model_that_makes_one_vector_of_a_request_gets_one_text(provider_server: ProviderServer) -> None:
    _embedder("dashscope:qwen2.5-vl-embedding", provider_server.url).embed_documents(["x"] * 3)
    assert [_texts(body) for body in _bodies(provider_server, "multimodal")] == [["x"]] * 3


@pytest.mark.parametrize(
    ("model_id", "most"),
    [
        ("openai:text-embedding-3-small", 100_000),
        ("ollama:bge-m3", 8192),
        ("dashscope:text-embedding-v4", 30_000),
        ("dashscope:tongyi-embedding-vision-plus", 1024),
    ],
)
def test_batches_hold_no_more_tokens_than_the_provider_takes(
    model_id: str, most: int, provider_server: ProviderServer
) -> None:
    embedder = _embedder(model_id, provider_server.url)
    embedder.embed_documents([cats(embedder.max_tokens)] * 20)
    provider = "multimodal" if "vision" in model_id else model_id.partition(":")[0]
    sizes = [sum(map(estimated_tokens, _texts(body))) for body in _bodies(provider_server, provider)]
    assert len(sizes) > 1
    assert max(sizes) <= most
    assert sum(sizes) == 20 * embedder.max_tokens


def test_what_servers_refuse_is_replaced(
    provider: str, embedder: RemoteEmbedder, provider_server: ProviderServer
) -> None:
    embedder.embed_documents(["", " \n", "a\0b", "half \ud83d of a pair"])
    assert _texts(_bodies(provider_server, provider)[0]) == [".", ".", "a b", "half � of a pair"]


def test_a_batch_that_is_too_large_for_the_server_is_halved(
    provider: str, embedder: RemoteEmbedder, provider_server: ProviderServer
) -> None:
    texts = [f"text {number}" for number in range(8)]
    provider_server.script(PATHS[provider], [status(413, "too large"), status(400, "too many")])
    vectors = embedder.embed_documents(texts)
    assert [len(_texts(body)) for body in _bodies(provider_server, provider)] == [8, 4, 2, 2, 4]
    assert np.array_equal(vectors, embedder.embed_documents(texts))


@pytest.mark.parametrize(("kept", "sent"), [(None, None), ("10m", "10m"), ("-1", -1), ("0", 0)])
def test_ollama_is_told_how_long_to_keep_the_model(
    kept: str | None, sent: str | int | None, provider_server: ProviderServer
) -> None:
    settings = settings_at(provider_server.url, ollama_keep_alive=kept)
    make_embedder(settings, "ollama:bge-m3").embed_query("q")
    (body,) = _bodies(provider_server, "ollama")
    assert body.get("keep_alive") == sent


def test_ollama_must_not_cut_and_opens_its_window(provider_server: ProviderServer) -> None:
    _embedder("ollama:bge-m3", provider_server.url).embed_query("q")
    (body,) = _bodies(provider_server, "ollama")
    assert (body["truncate"], body["options"]) == (False, {"num_ctx": 2048})


def test_dashscope_is_told_what_a_text_is(provider_server: ProviderServer) -> None:
    embedder = _embedder("dashscope:text-embedding-v4", provider_server.url)
    embedder.embed_documents(["x"])
    embedder.embed_query("x")
    bodies = _bodies(provider_server, "dashscope")
    assert [body["parameters"]["text_type"] for body in bodies] == ["document", "query"]
    assert [_texts(body) for body in bodies] == [["x"], ["x"]]


def test_prefixes_are_put_in_front(provider_server: ProviderServer) -> None:
    embedder = _embedder("openai:multilingual-e5-small", provider_server.url)
    embedder.embed_documents(["x"])
    embedder.embed_query("x")
    assert [_texts(body) for body in _bodies(provider_server, "openai")] == [["passage: x"], ["query: x"]]


@pytest.mark.parametrize(
    ("model", "query", "document"),
    [
        ("bge-m3", "", ""),
        ("text-embedding-3-small", "", ""),
        ("bge-large:latest", "Represent this sentence for searching relevant passages: ", ""),
        ("BAAI/bge-small-en-v1.5", "Represent this sentence for searching relevant passages: ", ""),
        ("mxbai-embed-large", "Represent this sentence for searching relevant passages: ", ""),
        ("snowflake-arctic-embed2:568m", "query: ", ""),
        ("multilingual-e5-large-instruct", "Instruct: ", ""),
        ("Alibaba-NLP/gte-Qwen2-1.5B-instruct", "Instruct: ", ""),
        ("qwen3-embedding:0.6b", "Instruct: ", ""),
        ("nomic-embed-text:v1.5", "search_query: ", "search_document: "),
    ],
)
def test_well_known_prefixes(model: str, query: str, document: str) -> None:
    found = prefixes_of(model)
    assert found.query.startswith(query) and bool(found.query) == bool(query)
    assert found.document == document


def test_vectors_in_base64_are_read_too(provider_server: ProviderServer) -> None:
    embedder = _embedder("openai:m", provider_server.url)
    plain = embedder.embed_documents(["x", "y"])
    provider_server.base64 = True
    assert np.allclose(embedder.embed_documents(["x", "y"]), plain, atol=1e-6)
    assert {body["encoding_format"] for body in _bodies(provider_server, "openai")} >= {"float"}


@pytest.mark.parametrize("provider", ["openai", "dashscope", "multimodal"])
def test_an_answer_in_another_order_is_sorted(
    provider: str, embedder: RemoteEmbedder, provider_server: ProviderServer
) -> None:
    expected = embedder.embed_documents(["x", "y", "z"])
    provider_server.script(PATHS[provider], [faults.SHUFFLED])
    assert np.array_equal(embedder.embed_documents(["x", "y", "z"]), expected)


def test_no_proxy_comes_between_this_machine_and_itself(
    embedder: RemoteEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert embedder.embed_query("q").shape == (DIMENSION,)


UNUSABLE = (
    "{name} returned no usable vectors with {model} (%s). Check the model there, or choose another embedder."
)
NO_NUMBERS = UNUSABLE % "a vector has only zeros, or something that is not a number"
NOT_THE_API = "{url} does not answer as {name} does (%s). Check the address in {url_setting}."
NO_JSON = NOT_THE_API % "Expecting value: line 1 column 1 (char 0)"

# What happens, how often it is asked, and what the user reads; "…" stands for the words of an SDK.
CELLS: dict[str, tuple[list[Fault], int, str]] = {
    "wrong key": (
        [status(401, "bad key sk-secret-123")],
        1,
        "{name} refused the key (401: bad key ***). Check {key_setting}.",
    ),
    "missing model": (
        [status(404, "model not found", error="model_not_found")],
        1,
        "{model} is not available to you at {name} (404: model not found). Check the model's name.",
    ),
    "busy for ever": (
        [status(429, "slow down", retry_after="0")] * 3,
        3,
        "{name} takes no more requests now (429: slow down, Retry-After 0). Try again later.",
    ),
    "busy for an hour": (
        [status(429, "slow down", retry_after="3600")],
        1,
        "{name} takes no more requests now (429: slow down, Retry-After 3600). Try again later.",
    ),
    "quota": (
        [status(429, "pay", error="insufficient_quota")],
        1,
        "Your {name} quota is used up (429: pay). Check your account there.",
    ),
    "broken": (
        [status(500, "oops")] * 3,
        3,
        "{name} reported an internal error (500: oops). Try again later.",
    ),
    "silent": (
        [hang()],
        1,
        "{name} at {url} sent nothing for 0.5 seconds. Try again, or raise RAG_REQUEST_TIMEOUT.",
    ),
    "cut": ([cut()] * 3, 3, "{name} at {url} closed the connection (…). Try again."),
    "a web page": ([faults.HTML], 1, NO_JSON),
    "no body": ([faults.NO_BODY], 1, NO_JSON),
    "odd request": (
        [status(400, "no such option")] * 2,
        2,  # the second with half the texts
        "{name} refused the request (400: no such option).",
    ),
    "too long": (
        [status(400, "maximum context length is 8")] * 2,
        2,
        "A text is too long for {model} at {name} (400: maximum context length is 8). "
        "Lower RAG_CHUNK_TOKENS, or ask a shorter question.",
    ),
    "too long for llama.cpp": (
        [status(500, "input (608 tokens) is too large to process")] * 2,
        2,
        "A text is too long for {model} at {name} (500: input (608 tokens) is too large to process). "
        "Lower RAG_CHUNK_TOKENS, or ask a shorter question.",
    ),
    "refused": (
        [status(400, "unsafe", error="data_inspection_failed")],
        1,
        "{name} refused a text by its content rules (400: unsafe). Choose another embedder for it.",
    ),
    "wrong count": ([faults.WRONG_COUNT], 1, UNUSABLE % "vectors asked for: 2, received: 1"),
    "no vectors": ([faults.NO_VECTORS], 1, UNUSABLE % "vectors asked for: 2, received: 0"),
    "wrong dimension": ([faults.WRONG_DIMENSION], 1, UNUSABLE % "dimension 7 instead of 8"),
    "uneven": ([faults.UNEVEN], 1, UNUSABLE % "a vector is not a list of numbers, all of one length"),
    "null": ([faults.NULL], 1, UNUSABLE % "a vector is not a list of numbers, all of one length"),
    "not a number": ([faults.NAN], 1, NO_NUMBERS),
    "zero": ([faults.ZERO], 1, NO_NUMBERS),
    "misnumbered": ([faults.MISNUMBERED], 1, UNUSABLE % "the vectors are numbered wrongly"),
}
# Where a provider's cell differs: Ollama sends no codes and no numbers, DashScope's SDK sends twice.
OWN: dict[tuple[str, str], tuple[list[Fault], int, str]] = {
    ("missing model", "ollama"): (
        CELLS["missing model"][0],
        1,
        "Ollama at {url} has no model bge-m3. Run: ollama pull bge-m3",
    ),
    ("quota", "ollama"): (
        [status(429, "pay", retry_after="0")] * 3,
        3,
        "Ollama takes no more requests now (429: pay, Retry-After 0). Try again later.",
    ),
    ("refused", "ollama"): (
        [status(400, "unsafe")] * 2,
        2,
        "Ollama refused the request (400: unsafe).",
    ),
    ("cut", "dashscope"): ([cut()] * 6, 6, CELLS["cut"][2]),
    ("cut", "multimodal"): ([cut()] * 6, 6, CELLS["cut"][2]),
    ("a web page", "openai"): ([faults.HTML], 1, NOT_THE_API % "'str' object has no attribute 'data'"),
}


@pytest.mark.parametrize("case", CELLS)
def test_says_what_went_wrong(
    case: str, provider: str, embedder: RemoteEmbedder, provider_server: ProviderServer
) -> None:
    if (case, provider) == ("misnumbered", "ollama"):
        pytest.skip("Ollama does not number its vectors")
    scripted, requests, message = OWN.get((case, provider), CELLS[case])
    embedder.embed_query("what the dimension is learnt from")
    provider_server.script(PATHS[provider], scripted)
    with pytest.raises(ProviderError) as caught:
        embedder.embed_documents(["one", "two"])
    assert _is(message, str(caught.value), provider, provider_server.url)
    assert len(_bodies(provider_server, provider)) - 1 == requests
    assert KEY.get_secret_value() not in "".join(traceback.format_exception(caught.value))
    assert embedder.embed_query("and all is well again").shape == (DIMENSION,)


def _is(message: str, said: str, provider: str, url: str) -> bool:
    host = url.removeprefix("http://")
    expected = message.format(
        name=NAMES.get(provider, f"{host} (OpenAI API)"),
        url=url + {"openai": "/v1", "ollama": ""}.get(provider, "/api/v1"),
        model=MODELS[provider],
        key_setting=KEYS.get(provider, "DASHSCOPE_API_KEY"),
        url_setting=URLS.get(provider, "RAG_DASHSCOPE_BASE_URL"),
    )
    assert re.fullmatch(re.escape(expected).replace("…", ".+"), said), said
    return True


def test_nobody_there(provider: str) -> None:
    with ProviderServer() as server:
        url = server.url
    with pytest.raises(ProviderError) as caught:
        _embedder(_model_id(provider), url).embed_query("q")
    message = (
        "{name} cannot be reached at {url} (…). Check that it is running, and that {url_setting} is right."
    )
    assert _is(message, str(caught.value), provider, url)


@pytest.mark.parametrize("fault", [status(429, retry_after="0"), status(500), status(503), cut()])
def test_tries_again(
    fault: Fault, provider: str, embedder: RemoteEmbedder, provider_server: ProviderServer
) -> None:
    provider_server.script(PATHS[provider], [fault])
    assert embedder.embed_documents(["x"]).shape == (1, DIMENSION)
    assert len(_bodies(provider_server, provider)) == 2


def test_a_failure_in_the_middle_gives_nothing(
    provider: str, embedder: RemoteEmbedder, provider_server: ProviderServer
) -> None:
    provider_server.script(PATHS[provider], [None, None, faults.NAN])
    with pytest.raises(ProviderError, match="no usable vectors"):
        embedder.embed_documents(["x"] * 200)
    assert len(_bodies(provider_server, provider)) == 3


@pytest.fixture
def library(tmp_path: Path, provider_server: ProviderServer) -> Iterator[Library]:
    opened = Library(tmp_path, _embedder("openai:m", provider_server.url))  # type: ignore[arg-type]
    yield opened
    opened.close()


def test_a_document_is_indexed_whole_or_not_at_all(library: Library, provider_server: ProviderServer) -> None:
    text = "\n\n".join(f"Paragraph {number} tells of " + "rivers and towns " * 5 for number in range(200))
    broken = status(500, "oops", retry_after="0")
    provider_server.script(server_module.OPENAI_EMBED, [None, None, broken, broken, broken])
    before = len(provider_server.requests)
    job = library.add("long.txt", text)
    assert len(provider_server.requests) - before == 5
    assert job.state == "failed" and "reported an internal error (500: oops)" in str(job.error)
    assert [document.status for document in library.documents()] == ["failed"]
    assert library.found("paragraph", mode="hybrid") == []
    assert library.is_clean()

    assert library.add("long.txt", text).state == "done"
    (document,) = library.documents()
    assert (document.status, document.chunks >= 150) == ("ready", True)
    assert len(library.found("rivers", mode="dense")) == 5


@given(st.text(), st.text())
def test_an_estimate_never_falls(text: str, more: str) -> None:
    assert estimated_tokens(text) <= estimated_tokens(text + more)


ORDINARY = [
    "The Parties shall settle their international disputes by peaceful means, in accordance with Article 33.",
    "Immunofluorescence microscopy of 1,024 cells showed 37.5% fewer mitochondria (p < 0.001; n = 12).",
    "国际争端应当和平解决。缔约各方应于2026年11月1日前向联合国秘书长提交报告，说明其执行情况。",
    "Das Bundesverfassungsgericht entschied über die Verfassungsbeschwerde der Beschwerdeführerin.",
    "UNITED NATIONS GENERAL ASSEMBLY RESOLUTION ON HLADR, STAT5 AND NCMC MEASUREMENTS",
    "def estimated_tokens(text: str) -> int:\n    return sum(len(word) for word in text.split())\n",
    "Name;Amount;Date\nMüller;1.234,56 €;2026-11-22\nL’Assemblée générale;12;2026-01-01\n",
]


@pytest.mark.parametrize("model", ["multilingual-e5-small", "all-minilm-l6-v2"])
@pytest.mark.parametrize("text", ORDINARY)
def test_an_estimate_is_not_below_what_real_tokenisers_count(model: str, text: str, models_dir: Path) -> None:
    from rag.embedders.builtin.tokenizer import load_tokenizer

    folder = models_dir / model
    if not folder.is_dir():
        pytest.skip(f"{model} is not installed")
    counted = len(load_tokenizer(folder).pieces(text))
    assert counted <= estimated_tokens(text) <= 2.5 * counted


@pytest.mark.parametrize(
    "model", ["openai:m", "ollama:bge-m3", "dashscope:text-embedding-v4", "dashscope:qwen3-vl-embedding"]
)
def test_shorter_vectors_are_asked_for_by_name(model: str, provider_server: ProviderServer) -> None:
    short = _embedder(f"{model}?dimensions=4", provider_server.url)
    assert short.embed_documents(["a", "b"]).shape == (2, 4)
    assert short.embed_query("a").shape == (4,)
    assert short.fingerprint.dimension == 4
    assert short.fingerprint.id == f"{model}?dimensions=4"
    assert _embedder(model, provider_server.url).embed_query("a").shape == (DIMENSION,)


@pytest.mark.parametrize("number", ["", "0", "many", "-4", "99999999", "４"])
def test_a_length_that_is_none_is_the_users_error(number: str) -> None:
    with pytest.raises(UsageError, match="should be a number between"):
        _embedder(f"openai:m?dimensions={number}", "http://127.0.0.1:1")


def test_a_server_that_ignores_the_length_is_refused(provider_server: ProviderServer) -> None:
    long = _embedder(f"openai:m?dimensions={DIMENSION + 1}", provider_server.url)
    with pytest.raises(ProviderError, match=f"dimension {DIMENSION} instead of {DIMENSION + 1}"):
        long.embed_query("a")
