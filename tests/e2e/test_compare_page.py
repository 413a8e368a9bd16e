"""Texts compared in a real browser: two models side by side, in both languages, narrow too."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from rag.model_files import install
from rag.settings import load_settings
from tests.e2e.conftest import App, fill, no_page_errors, press
from tests.e2e.test_models_page import choose

pytestmark = pytest.mark.e2e

E5, MINILM = "builtin:multilingual-e5-small", "builtin:all-minilm-l6-v2"
MAPS = "[data-testid=stVegaLiteChart]"


def sorted_list(page: Page, model: str) -> list[str]:
    """The names of the texts in the list of a model, nearest first."""
    shown = page.locator(f".st-key-sorted-list-{model.replace(':', '-')}")
    expect(shown).to_have_count(1)
    expect(shown).to_be_visible()
    return re.findall(r"^(T\d)\b", shown.inner_text(), re.MULTILINE)


def test_two_models_side_by_side(
    start_app: Callable[..., App], open_page: Callable[..., Page], models_dir: Path
) -> None:
    install(load_settings(models_dir=models_dir), "all-minilm-l6-v2")
    app = start_app(RAG_CHAT_MODEL="extractive")
    page = open_page(app.url)
    with no_page_errors(page):
        press(page.get_by_role("link", name="Compare"))
        choose(page, "Models", MINILM)
        page.keyboard.press("Escape")  # the open list covers the page
        expect(page.get_by_text("Texts and questions stay on this computer.")).to_have_count(2)
        expect(page.locator(MAPS)).to_have_count(0)
        press(page.get_by_role("button", name="Compare", exact=True))
        expect(page.locator(MAPS)).to_have_count(4)
        for model in (E5, MINILM):
            assert set(sorted_list(page, model)[:3]) == {"T1", "T2", "T3"}
        expect(page.locator(MAPS).first.locator("canvas, svg").first).to_be_visible()

        fill(page.get_by_label("Query", exact=True), "stars")
        page.get_by_label("Query", exact=True).press("Enter")
        expect(page.get_by_text("These are the results of before your last change.")).to_be_visible()
        press(page.get_by_role("button", name="Compare", exact=True))
        expect(page.get_by_text("These are the results of before your last change.")).to_have_count(0)
        assert sorted_list(page, E5)[0] == sorted_list(page, MINILM)[0] == "T5"

        press(page.get_by_role("link", name="Library"))
        expect(page.get_by_role("heading", name="Library", exact=True)).to_be_visible()
        press(page.get_by_role("link", name="Compare"))
        expect(page.get_by_label("Query", exact=True)).to_have_value("stars")
        expect(page.locator(MAPS)).to_have_count(4)


def test_the_chinese_example_on_a_narrow_screen(
    start_app: Callable[..., App], open_page: Callable[..., Page]
) -> None:
    app = start_app(RAG_CHAT_MODEL="extractive")
    page = open_page(f"{app.url}/compare", locale="zh-CN", width=400)
    with no_page_errors(page):
        expect(page.get_by_label("查询", exact=True)).to_have_value("国际争端")
        press(page.get_by_role("button", name="比较", exact=True))
        expect(page.locator(MAPS)).to_have_count(2)
        assert set(sorted_list(page, E5)[:3]) == {"T1", "T2", "T3"}
        assert page.evaluate("document.documentElement.scrollWidth") == 400
