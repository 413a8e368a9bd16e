"""Rerankers of DashScope and of OpenAI-compatible servers against a real local one, on good days and bad."""

import re
import traceback
from typing import Any, cast

import pytest

from rag.embedders.estimate import estimated_tokens
from rag.errors import ProviderError
from rag.providers import retrying
from rag.rerankers.factory import make_reranker
from rag.rerankers.remote import RemoteReranker
from tests import faults
from tests import provider_server as server_module
from tests.faults import Fault, cut, hang, status
from tests.provider_server import KEY, ProviderServer, score_of, settings_at
from tests.reranker_conformance import RerankerConformance

PATHS = {"openai": server_module.OPENAI_RERANK, "dashscope": server_module.DASHSCOPE_RERANK}
MODELS = {"openai": "BAAI/bge-reranker-v2-m3", "dashscope": "qwen3-rerank"}
KEYS = {"openai": "OPENAI_API_KEY", "dashscope": "DASHSCOPE_API_KEY"}
URLS = {"openai": "RAG_OPENAI_BASE_URL", "dashscope": "RAG_DASHSCOPE_BASE_URL"}


def _reranker(provider: str, url: str) -> RemoteReranker:
    return cast(RemoteReranker, make_reranker(settings_at(url), f"{provider}:{MODELS[provider]}"))


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "FIRST_WAIT", 0.0)


@pytest.fixture(params=PATHS)
def provider(request: pytest.FixtureRequest) -> str:
    return cast(str, request.param)


@pytest.fixture
def reranker(provider: str, provider_server: ProviderServer) -> RemoteReranker:
    return _reranker(provider, provider_server.url)


def _bodies(server: ProviderServer, provider: str) -> list[Any]:
    return [request.body for request in server.requests if request.path == PATHS[provider]]


def _texts(body: Any) -> list[str]:
    return cast(list[str], body.get("input", body)["documents"])


class TestConformance(RerankerConformance):
    """Both wire formats."""

    @pytest.fixture
    def reranker(self, provider: str, provider_server: ProviderServer) -> RemoteReranker:
        return _reranker(provider, provider_server.url)


def test_what_is_sent(provider: str, reranker: RemoteReranker, provider_server: ProviderServer) -> None:
    scores = reranker.scores("a b", ["c", "a", "a b"])
    assert scores.tolist() == pytest.approx([score_of("a b", text) for text in ("c", "a", "a b")])
    (request,) = provider_server.requests
    asked = {"query": "a b", "documents": ["c", "a", "a b"]}
    assert (
        request.body
        == {
            "openai": {"model": MODELS["openai"], **asked, "top_n": 3},
            "dashscope": {
                "model": MODELS["dashscope"],
                "input": asked,
                "parameters": {"return_documents": False, "top_n": 3},
            },
        }[provider]
    )
    assert request.headers["authorization"] == f"Bearer {KEY.get_secret_value()}"


def test_what_servers_refuse_is_replaced(
    provider: str, reranker: RemoteReranker, provider_server: ProviderServer
) -> None:
    reranker.scores("half \ud83d of a pair", ["", " \n", "a\0b"])
    (body,) = _bodies(provider_server, provider)
    assert _texts(body) == [".", ".", "a b"]
    assert body.get("input", body)["query"] == "half � of a pair"


def test_a_request_holds_no_more_than_the_provider_takes(
    provider: str, reranker: RemoteReranker, provider_server: ProviderServer
) -> None:
    question = "what is it? " * 20
    texts = [f"{number} " + "cat " * 300 for number in range(150)]
    scores = reranker.scores(question, texts)
    bodies = _bodies(provider_server, provider)
    most_texts, most_tokens = {"openai": (64, 100_000), "dashscope": (100, 30_000)}[provider]
    assert len(bodies) > 1
    for body in bodies:
        asked = len(_texts(body)) * estimated_tokens(question)
        assert len(_texts(body)) <= most_texts
        assert asked + sum(map(estimated_tokens, _texts(body))) <= most_tokens
    assert [text for body in bodies for text in _texts(body)] == texts
    assert len(scores) == 150


def test_the_candidates_of_a_question_go_out_together(
    provider: str, reranker: RemoteReranker, provider_server: ProviderServer
) -> None:
    reranker.scores("what is it?", ["cat " * 250] * 30)
    assert [len(_texts(body)) for body in _bodies(provider_server, provider)] == [30]


def test_a_request_that_is_too_large_for_the_server_is_halved(
    provider: str, reranker: RemoteReranker, provider_server: ProviderServer
) -> None:
    texts = ["a b c", "a", "b", "c"]
    provider_server.script(PATHS[provider], [status(413, "too large"), status(400, "too many")])
    halved = reranker.scores("a b", texts)
    assert [len(_texts(body)) for body in _bodies(provider_server, provider)] == [4, 2, 1, 1, 2]
    assert halved.tolist() == reranker.scores("a b", texts).tolist()


def test_where_texts_are_sent(reranker: RemoteReranker, provider_server: ProviderServer) -> None:
    assert reranker.is_local
    assert reranker.host == provider_server.url.removeprefix("http://")
    assert provider_server.requests == []


UNUSABLE = (
    "{name} returned no usable scores with {model} (%s). Check the model there, or choose another reranker."
)
NOT_THE_API = "{url} does not answer as {name} does (%s). Check the address in {url_setting}."

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
    "no such path": ([status(404, "Not Found")], 1, NOT_THE_API % "404: Not Found"),
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
    "broken": (
        [status(500, "oops")] * 3,
        3,
        "{name} reported an internal error (500: oops). Try again later.",
    ),
    "no reranker": (
        [status(501, "Start it with --reranking")] * 3,
        3,
        "{name} reported an internal error (501: Start it with --reranking). Try again later.",
    ),
    "silent": (
        [hang()],
        1,
        "{name} at {url} sent nothing for 0.5 seconds. Try again, or raise RAG_REQUEST_TIMEOUT.",
    ),
    "cut": ([cut()] * 3, 3, "{name} at {url} closed the connection (…). Try again."),
    "a web page": ([faults.HTML], 1, NOT_THE_API % "…"),
    "no body": ([faults.NO_BODY], 1, NOT_THE_API % "…"),
    "too long": (
        [status(400, "maximum context length is 8")] * 2,
        2,
        "Question and passage are too long for {model} at {name} (400: maximum context length is 8). "
        "Lower RAG_CHUNK_TOKENS, or ask a shorter question.",
    ),
    "refused": (
        [status(400, "unsafe", error="data_inspection_failed")],
        1,
        "{name} refused a text by its content rules (400: unsafe). Choose another reranker for it.",
    ),
    "wrong count": ([faults.WRONG_COUNT], 1, UNUSABLE % "scores asked for: 2, received: 1"),
    "a number twice": ([faults.MISNUMBERED], 1, UNUSABLE % "the scores are numbered wrongly"),
    "null": ([faults.NULL], 1, UNUSABLE % "a score is not a number"),
    "not a number": ([faults.NAN], 1, UNUSABLE % "a score is not a number"),
    "no list": ([faults.NO_LIST], 1, NOT_THE_API % "there is no list of results"),
}
# DashScope's SDK sends twice.
OWN = {("cut", "dashscope"): ([cut()] * 6, 6, CELLS["cut"][2])}


@pytest.mark.parametrize("case", CELLS)
def test_says_what_went_wrong(
    case: str, provider: str, reranker: RemoteReranker, provider_server: ProviderServer
) -> None:
    scripted, requests, message = OWN.get((case, provider), CELLS[case])
    provider_server.script(PATHS[provider], scripted)
    with pytest.raises(ProviderError) as caught:
        reranker.scores("one", ["one", "two"])
    host = provider_server.url.removeprefix("http://")
    expected = message.format(
        name={"openai": f"{host} (OpenAI API)", "dashscope": "DashScope"}[provider],
        url=provider_server.url + {"openai": "/v1", "dashscope": "/api/v1"}[provider],
        model=MODELS[provider],
        key_setting=KEYS[provider],
        url_setting=URLS[provider],
    )
    said = str(caught.value)
    assert re.fullmatch(re.escape(expected).replace("…", ".+"), said), said
    assert len(_bodies(provider_server, provider)) == requests
    assert KEY.get_secret_value() not in "".join(traceback.format_exception(caught.value))
    assert reranker.scores("and all is well again", ["one"]).shape == (1,)


@pytest.mark.parametrize("fault", [status(429, retry_after="0"), status(500), cut()])
def test_tries_again(
    fault: Fault, provider: str, reranker: RemoteReranker, provider_server: ProviderServer
) -> None:
    provider_server.script(PATHS[provider], [fault])
    assert reranker.scores("one", ["one"]).tolist() == [1.0]
    assert len(_bodies(provider_server, provider)) == 2


@pytest.mark.parametrize("index", [True, "0", 0.5, -1, None])
def test_a_number_of_a_text_is_a_whole_number(index: object) -> None:
    from rag.providers.failures import Failure
    from rag.rerankers.remote import _in_order

    with pytest.raises(Failure):
        _in_order([(index, 0.5)], 1)
