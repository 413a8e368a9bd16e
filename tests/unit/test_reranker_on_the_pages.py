"""A reranker on the pages, run by Streamlit's own harness against a real engine and a local server."""

import io
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from rag.engine import Engine
from tests.pages import PageEngine, captions, opened, run
from tests.provider_server import OPENAI_RERANK, ProviderServer

TEXTS = {"a.txt": "the cat sat there all day", "b.txt": "what is it", "c.txt": "a dog in the garden"}

OpenPage = Callable[..., tuple[AppTest, Engine]]


def _search() -> None:
    from rag.ui import search

    search.page()


def _models() -> None:
    from rag.ui.reranker import show_reranker

    show_reranker()


def _evaluate() -> None:
    from rag.ui.evaluation_results import _run

    _run(1, is_busy=False, is_open=True)


def _beside_an_answer() -> None:
    from rag.conversing import Turn
    from rag.documents import Passage
    from rag.ui import passages

    near = Passage(1, "c1", "d", "a.txt", "text", 0.5, cosine=0.8, rerank_score=0.25)
    by_words = Passage(2, "c2", "d", "b.txt", "text", 3.0, keyword_score=3.0, rerank_score=-1.5)
    passages.show(Turn("q", passages=(near, by_words)), interactive=False)


@pytest.fixture
def open_page(page_engine: PageEngine) -> OpenPage:
    """Opens a page on three documents, with these settings."""

    def open_with(script: Callable[[], None], **given: object) -> tuple[AppTest, Engine]:
        engine = page_engine(**given)
        for name, text in TEXTS.items():
            job = engine.intake.add(engine.collection(), name, io.BytesIO(text.encode()))
            assert [each.state for each in engine.intake.run([job])] == ["done"]
        return opened(script), engine

    return open_with


def test_the_search_page_shows_its_scores_and_can_go_without(
    open_page: OpenPage, provider_server: ProviderServer
) -> None:
    page, _ = open_page(_search, reranker="openai:reranker")
    page.text_input(key="search-question").set_value("the garden dog")
    shown = captions(run(page))
    assert "rerank score 0.600" in shown and "reranking" in shown
    page.text_area(key="why-not-text").set_value(TEXTS["b.txt"])
    assert "| Reranker | from number" in "\n".join(each.value for each in run(page).markdown)
    page.sidebar.toggle(key="search-rerank").set_value(False)
    sent = len(provider_server.requests)
    shown = captions(run(page))
    assert "rerank" not in shown
    assert OPENAI_RERANK not in [request.path for request in provider_server.requests[sent:]]
    assert "--reranker none" in "\n".join(code.value for code in page.code)
    assert any("1 active" in expander.label for expander in page.sidebar.expander)


def test_without_a_reranker_there_is_nothing_to_choose(open_page: OpenPage) -> None:
    page, _ = open_page(_search)
    page.text_input(key="search-question").set_value("the garden dog")
    run(page)
    assert "search-rerank" not in [toggle.key for toggle in page.sidebar.toggle]
    assert "rerank" not in captions(page)
    page, _ = open_page(_evaluate)
    assert "evaluate-reranker" not in [toggle.key for toggle in page.toggle]


def test_the_models_page_tells_which_it_is_and_tests_it(open_page: OpenPage) -> None:
    page, engine = open_page(_models, reranker="openai:reranker")
    assert "`openai:reranker`" in page.markdown[0].value
    assert "Questions and passages stay on this computer" in captions(page)
    page.button(key="test-reranker").click()
    (told,) = run(page).success
    assert "ms a passage" in told.value
    assert engine.stays_here(engine.collection())


def test_the_models_page_tells_who_gets_the_passages(open_page: OpenPage) -> None:
    page, engine = open_page(_models, reranker="dashscope:qwen3-rerank", dashscope_api_key="k")
    assert "sent to dashscope.aliyuncs.com, where dashscope:qwen3-rerank reranks them" in captions(page)
    assert not engine.stays_here(engine.collection())


def test_what_is_missing_is_told_on_the_models_page(open_page: OpenPage) -> None:
    page, _ = open_page(_models, reranker="dashscope:qwen3-rerank")
    assert "DASHSCOPE_API_KEY" in captions(page)
    page.button(key="test-reranker").click()
    assert "DASHSCOPE_API_KEY" in run(page).error[0].value.replace("\\", "")


def test_the_models_page_tells_how_to_have_one(open_page: OpenPage) -> None:
    page, _ = open_page(_models)
    assert "RAG_RERANKER" in captions(page)
    assert not page.button


def test_a_run_compares_with_and_without(open_page: OpenPage) -> None:
    page, _ = open_page(_evaluate, reranker="openai:reranker")
    assert page.toggle(key="evaluate-reranker").value is True


def test_passages_beside_an_answer_have_it_behind_their_other_scores() -> None:
    page = run(AppTest.from_function(_beside_an_answer, default_timeout=60))
    (bar,) = page.get("progress")
    assert bar.proto.text == "Similarity 0.800 · rerank score 0.250"
    assert "2 passages found, in the order of the reranker" in captions(page)
    assert "Keyword score 3.0 · rerank score -1.500" in captions(page)
