"""The page to look behind a search: three ways side by side, why not, neighbours, filters."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import App, fill, no_page_errors, press
from tests.e2e.test_main_job import HANDBOOK, QUESTION, upload

pytestmark = pytest.mark.e2e

MEMO = "The caretaker waters the plants in the hall on Mondays."


def search(page: Page, question: str, label: str = "Question") -> None:
    field = page.get_by_label(label, exact=True)
    fill(field, question)
    field.press("Enter")


def explain(page: Page, text: str) -> None:
    fill(page.get_by_label("Text that should have been found"), text)
    press(page.get_by_role("button", name="Explain"))


def test_a_search_is_compared_explained_and_filtered(
    start_app: Callable[..., App], open_page: Callable[..., Page], tmp_path: Path
) -> None:
    (tmp_path / "memo.txt").write_text(MEMO)
    page = open_page(start_app(RAG_TOP_K="2").url)
    with no_page_errors(page):
        press(page.get_by_role("link", name="Search"))
        expect(page.get_by_text("Add documents in the library first.")).to_be_visible()
        page.goto(page.url.replace("/search", "/library"))
        page.locator("input[type=file]").first.set_input_files([str(HANDBOOK), str(tmp_path / "memo.txt")])
        expect(page.get_by_text("2 documents · 4 passages")).to_be_visible()
        press(page.get_by_role("link", name="Search"))
        search(page, QUESTION)
        for mode in ("dense", "keyword", "hybrid"):
            cards = page.locator(f"[class*=st-key-found-{mode}-]")
            expect(cards.first).to_be_visible()
            expect(cards.first).to_contain_text("1 · Riverside Library Handbook.pdf")
        first = page.locator(".st-key-found-hybrid-1")
        expect(first).to_contain_text(
            re.compile(r"Similarity 0\.\d{3} · relevance \d+ % · BM25 \d+\.\d\d · score \d\.\d{3}")
        )
        expect(first).to_contain_text("By meaning #1")
        expect(page.get_by_text(re.compile(r"embedding \d+ ms, searching \d+ ms"))).to_have_count(3)

        press(page.get_by_text("Why not this passage?"))
        explain(page, "the plants in the hall on mondays")
        expect(page.get_by_text("It is number 4, and 2 are asked for")).to_be_visible()
        expect(page.get_by_role("row", name="By keywords no word in common")).to_be_visible()

        press(first.get_by_role("button", name="Neighbours"))
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text("Nearest by meaning")).to_be_visible()
        expect(dialog.get_by_text(MEMO)).to_be_visible()
        press(dialog.locator(".st-key-go-to-before button"))
        expect(dialog.get_by_text("It is the first passage.")).to_be_visible()
        page.keyboard.press("Escape")

        press(page.get_by_text("Search options"))
        press(page.get_by_text("Write the filter as JSON"))
        written = page.get_by_label("Filter as JSON", exact=True)
        fill(written, "{'type': 'txt'}")
        written.blur()
        expect(page.get_by_text("The filter is not JSON: look at line 1, character 2.")).to_be_visible()
        fill(written, '{"type": "txt"}')
        written.blur()
        expect(page.get_by_text("One passage passes the filter.")).to_be_visible()
        expect(page.locator(".st-key-found-hybrid-1")).to_contain_text("memo.txt")
        expect(page.get_by_text("Nothing was found this way.")).to_be_visible()
        press(page.get_by_text("Why not this passage?"))
        explain(page, "You can borrow up to 20 items at a time")
        expect(page.get_by_text("The filter on type leaves it out")).to_be_visible()
        press(page.get_by_text("The same search as a command and in Python"))
        expect(page.get_by_text("""--where '{"type": "txt"}'""")).to_be_visible()


def test_a_narrow_page_shows_one_way_at_a_time(
    start_app: Callable[..., App], open_page: Callable[..., Page]
) -> None:
    app = start_app()
    page = open_page(app.url, locale="zh-CN", width=400)
    upload(page, app, HANDBOOK)
    expect(page.get_by_text("1 个文档 · 3 个段落")).to_be_visible()
    page.goto(f"{app.url}/search")
    search(page, QUESTION, "问题")
    expect(page.locator(".st-key-found-hybrid-1")).to_be_visible()
    expect(page.locator(".st-key-found-keyword-1")).to_be_hidden()
    press(page.get_by_text("按关键词", exact=True).first)
    expect(page.locator(".st-key-found-keyword-1")).to_be_visible()
    expect(page.locator(".st-key-found-hybrid-1")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
