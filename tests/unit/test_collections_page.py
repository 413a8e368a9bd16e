"""The page of the collections, run by Streamlit's own harness: what it says where nothing can be done."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from rag.engine import Engine, open_engine
from rag.settings import load_settings
from rag.ui import session
from tests.provider_server import ProviderServer


def _script() -> None:
    from rag.ui import collections

    collections.page()


@pytest.fixture
def engine(
    tmp_path: Path, provider_server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Engine]:
    """An engine whose model is on a local server."""
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:1")
    folders = {"data_dir": tmp_path / "store", "models_dir": tmp_path / "models"}
    address = {"openai_api_key": "sk-test", "openai_base_url": f"{provider_server.url}/v1"}
    settings = load_settings(**folders, **address, embedder="openai:m", chat_model="extractive")
    with open_engine(settings) as opened:
        monkeypatch.setattr(session, "_engine", opened)
        st.cache_data.clear()
        yield opened


def run(page: AppTest | None = None) -> AppTest:
    page = page or AppTest.from_function(_script, default_timeout=60)
    page.run()
    assert not page.exception
    return page


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click()
    return run(page)


def errors(page: AppTest) -> str:
    return " ".join(each.value for each in page.error)


def test_nothing_there_yet(engine: Engine) -> None:
    page = run()
    assert [each.value.startswith("There are no records yet") for each in page.info] == [True, True]
    assert not page.error


def test_what_cannot_be_a_record_is_told(engine: Engine) -> None:
    page = press(run(), "Add the record")
    assert "no text" in errors(page)
    page.text_area(key="add-text").set_value("An apple.")
    page.text_input(key="add-metadata").set_value("year: 1")
    assert "no JSON object" in errors(press(page, "Add the record"))
    page.text_input(key="add-metadata").set_value("")
    page.text_input(key="add-vector").set_value("[1]")
    assert "The vector has 1 numbers" in errors(press(page, "Add the record"))
    assert engine.workbench.browsing.count(engine.collection()) == 0


def test_a_filter_that_is_none_and_a_name_that_is_taken(engine: Engine) -> None:
    engine.workbench.editing.add(engine.collection(), "An apple.")
    page = run()
    prefix = f"browse-{engine.collection().id}"
    page.toggle(key=f"{prefix}-as-json").set_value(True)
    run(page)
    page.text_area(key=f"{prefix}-json").set_value('{"a": {"$near": 1}}')
    run(page)
    assert "The filter is not valid" in errors(page)
    page.text_input(key="create-name").set_value("default")
    assert "already" in errors(press(page, "Create"))


def test_pages_of_many_records_forth_and_back(engine: Engine) -> None:
    for number in range(51):
        engine.workbench.editing.add(engine.collection(), f"Number {number}.")
    page = run()
    assert len(page.dataframe[1].value) == 50
    page.button(key="go-Records after these").click()
    assert run(page).dataframe[1].value.iloc[0, 0] == "Number 50."
    page.button(key="go-First records").click()
    assert run(page).dataframe[1].value.iloc[0, 0] == "Number 0."
    page.number_input(key="go-to-number").set_value(50)
    assert list(run(page).dataframe[1].value.iloc[:, 0]) == ["Number 49.", "Number 50."]
    assert page.number_input(key="go-to-number").value is None
