"""The page of the collections in a real browser: an index with options, a record changed, a vector found."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import App, choose, fill, no_page_errors, press

pytestmark = pytest.mark.e2e

StartApp = Callable[..., App]
OpenPage = Callable[..., Page]


def tab(page: Page, name: str) -> None:
    press(page.get_by_role("tab", name=name, exact=True))


def cells(page: Page, key: str) -> Locator:
    """The cells of a table, which it draws, as it tells them to screen readers."""
    return page.locator(f".st-key-{key} canvas td")


def write(page: Page, text: str) -> str:
    """Write a record by hand; its id."""
    tab(page, "Records")
    form = page.locator(".st-key-write-record")
    if not form.get_by_label("The text", exact=True).is_visible():
        press(form.locator("summary"))
    fill(form.get_by_label("The text", exact=True), text)
    press(form.get_by_role("button", name="Add the record"))
    told = page.get_by_text(re.compile(r"The record \S+ is added"))
    expect(told).to_be_visible()
    found = re.search(r"record (\S+) is", told.inner_text())
    assert found
    return found[1]


def test_an_index_with_options_of_its_own(start_app: StartApp, open_page: OpenPage) -> None:
    page = open_page(f"{start_app().url}/collections")
    with no_page_errors(page):
        form = page.locator(".st-key-create-collection")
        press(form.locator("summary"))
        fill(form.get_by_label("Name"), "lab")
        choose(page, "Space", "Squared Euclidean distance (l2)")
        fill(form.get_by_label("ef_search", exact=True), "200")
        form.get_by_label("ef_search", exact=True).press("Enter")
        press(form.get_by_role("button", name="Create", exact=True))
        expect(page.get_by_text("“lab” is created")).to_be_visible()
        expect(page.get_by_text("squared Euclidean distance = 2").first).to_be_visible()
        press(page.locator("summary", has_text="Configure the index"))
        configured = page.locator("[class*=st-key-configure-passage]").get_by_label("ef_search", exact=True)
        expect(configured).to_have_value("200")
        write(page, "The lighthouse is red.")
        tab(page, "Query")
        fill(page.locator(".st-key-query-text input"), "a red lighthouse")
        page.locator(".st-key-query-text input").press("Enter")
        expect(page.get_by_text("Found by Chroma's index").first).to_be_visible()
        distance, cosine = (float(cells(page, "query-hits").nth(place).inner_text()) for place in (1, 2))
        assert distance == pytest.approx(2 - 2 * cosine, abs=1e-3)


def test_a_record_is_changed_and_found_by_its_new_text_and_by_its_vector(
    start_app: StartApp, open_page: OpenPage
) -> None:
    page = open_page(f"{start_app().url}/collections")
    with no_page_errors(page):
        record_id = write(page, "The lighthouse is red.")
        write(page, "Bread rises in the oven.")
        asked = page.get_by_label("Open a record by its id")
        fill(asked, record_id)
        asked.press("Enter")
        record = page.locator(".st-key-record")
        expect(record.get_by_label("The text", exact=True)).to_have_value("The lighthouse is red.")
        fill(record.get_by_label("The text", exact=True), "The harbour freezes in winter.")
        press(record.get_by_role("button", name="Save the record"))
        expect(page.get_by_text("The record is saved")).to_be_visible()
        tab(page, "Query")
        fill(page.locator(".st-key-query-text input"), "a frozen harbour")
        page.locator(".st-key-query-text input").press("Enter")
        expect(cells(page, "query-hits").nth(3)).to_have_text("The harbour freezes in winter.")
        tab(page, "Records")
        press(record.locator("summary", has_text="The whole vector"))
        vector = record.locator("[data-testid=stCode] code").inner_text()
        assert len(json.loads(vector)) == 384
        tab(page, "Query")
        press(page.get_by_text("By a vector", exact=True))
        fill(page.locator(".st-key-query-vector textarea"), vector)
        page.locator(".st-key-query-vector textarea").press("Control+Enter")
        expect(cells(page, "query-hits").nth(3)).to_have_text("The harbour freezes in winter.")
        expect(cells(page, "query-hits").nth(2)).to_have_text(re.compile(r"^(1|1\.0+|0\.9999\d*)$"))
        fill(page.locator(".st-key-query-vector textarea"), "[1, 2]")
        page.locator(".st-key-query-vector textarea").press("Control+Enter")
        expect(page.get_by_text("The vector has 2 numbers")).to_be_visible()


def test_a_deleted_record_is_brought_back(start_app: StartApp, open_page: OpenPage) -> None:
    page = open_page(f"{start_app().url}/collections?lang=zh", locale="zh-CN")
    with no_page_errors(page):
        press(page.get_by_role("tab", name="记录", exact=True))
        press(page.locator(".st-key-write-record summary"))
        fill(page.locator(".st-key-write-record").get_by_label("文本", exact=True), "灯塔是红色的。")
        press(page.locator(".st-key-write-record").get_by_role("button", name="添加记录"))
        told = page.get_by_text(re.compile(r"记录 \S+ 已添加"))
        found = re.search(r"记录 (\S+) 已添加", told.inner_text())
        assert found
        fill(page.get_by_label("按编号打开记录"), found[1])
        page.get_by_label("按编号打开记录").press("Enter")
        press(page.get_by_role("button", name="删除记录"))
        expect(page.get_by_text("还没有记录")).to_have_count(2)
        press(page.locator("summary", has_text="已删除的记录 · 1"))
        press(page.get_by_role("button", name="恢复"))
        expect(page.get_by_text("记录已恢复")).to_be_visible()
        expect(page.get_by_text("1 条记录").first).to_be_visible()
