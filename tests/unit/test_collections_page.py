"""The page of the collections, run by Streamlit's own harness: what it says where nothing can be done."""

import pytest

from rag.engine import Engine
from tests.pages import PageEngine, errors, opened, press, run


def _script() -> None:
    from rag.ui import collections

    collections.page()


@pytest.fixture
def engine(page_engine: PageEngine) -> Engine:
    return page_engine()


def test_nothing_there_yet(engine: Engine) -> None:
    page = opened(_script)
    assert [each.value.startswith("There are no records yet") for each in page.info] == [True, True]
    assert not page.error


def test_what_cannot_be_a_record_is_told(engine: Engine) -> None:
    page = press(opened(_script), "Add the record")
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
    page = opened(_script)
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
    page = opened(_script)
    assert len(page.dataframe[1].value) == 50
    page.button(key="go-Records after these").click()
    assert run(page).dataframe[1].value.iloc[0, 0] == "Number 50."
    page.button(key="go-First records").click()
    assert run(page).dataframe[1].value.iloc[0, 0] == "Number 0."
    page.number_input(key="go-to-number").set_value(50)
    assert list(run(page).dataframe[1].value.iloc[:, 0]) == ["Number 49.", "Number 50."]
    assert page.number_input(key="go-to-number").value is None
