"""The page to compare texts on, run by Streamlit's own harness against a real engine and a local server."""

import json
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from rag.ui.heat_map import MOST_NUMBERED
from tests.pages import PageEngine, captions, opened, press, run
from tests.provider_server import OPENAI_EMBED, ProviderServer

HERE, NO_KEY = "openai:m", "dashscope:text-embedding-v4"

OpenPage = Callable[..., AppTest]


def _script() -> None:
    from rag.ui import compare

    compare.page()


@pytest.fixture
def open_page(page_engine: PageEngine) -> OpenPage:
    """Opens the page on an engine with these settings."""

    def open_with(**given: object) -> AppTest:
        page_engine(**given)
        return opened(_script)

    return open_with


def choose(page: AppTest, *models: str) -> AppTest:
    box = page.multiselect(key="compare-models")
    box.options.extend(model for model in models if model not in box.options)
    box.set_value(list(models))
    return run(page)


def embeddings(server: ProviderServer) -> int:
    return sum(request.path == OPENAI_EMBED for request in server.requests)


def test_nothing_is_sent_before_the_button_is_pressed(
    open_page: OpenPage, provider_server: ProviderServer
) -> None:
    page = open_page()
    assert embeddings(provider_server) == 0
    press(page, "Compare")
    assert embeddings(provider_server) > 0
    assert not page.error


def test_who_gets_the_texts_is_told_before(open_page: OpenPage) -> None:
    page = open_page(openai_base_url="https://embeddings.example.com/v1")
    assert "sent to embeddings" in captions(page)


def test_a_model_that_fails_leaves_the_others(open_page: OpenPage) -> None:
    page = press(choose(open_page(), NO_KEY, HERE), "Compare")
    assert [error.value for error in page.error if "key" in error.value]
    assert "dimensions" in captions(page)


def test_examples_of_both_languages(open_page: OpenPage) -> None:
    page = press(open_page(), "中文")
    assert page.text_input(key="compare-query").value == "国际争端"
    assert len(page.text_area(key="compare-texts").value.splitlines()) == 5
    press(page, "English")
    assert page.text_input(key="compare-query").value == "international disputes"


def test_what_cannot_be_compared_is_told(open_page: OpenPage) -> None:
    page = open_page()
    page.text_area(key="compare-texts").set_value(" \n ")
    press(page, "Compare")
    assert [error.value for error in page.error] == ["There is no text to compare\\. Type one text a line\\."]
    page.text_area(key="compare-texts").set_value("one\ntwo")
    choose(page)
    press(page, "Compare")
    assert "No model is chosen" in page.error[0].value


def test_what_is_not_read_is_shown(open_page: OpenPage) -> None:
    page = open_page()
    page.text_area(key="compare-texts").set_value("word " * 9000 + "THE END\nshort")
    press(page, "Compare")
    assert "One text is longer than the window" in page.warning[0].value
    assert any("THE END" in each.value for each in page.markdown)


def test_numbers_stand_in_the_cells_while_there_is_room(open_page: OpenPage) -> None:
    page = open_page()
    for texts, layers in ((MOST_NUMBERED - 1, 2), (MOST_NUMBERED, 1)):
        page.text_area(key="compare-texts").set_value("\n".join(f"text {n}" for n in range(texts)))
        press(page, "Compare")
        charts = [json.loads(each.proto.spec) for each in page.get("vega_lite_chart")]
        assert [len(chart["layer"]) for chart in charts] == [layers, layers]
