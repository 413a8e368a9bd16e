"""The page to evaluate on: questions in, passages judged, ways of searching compared, with plots."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from rag.settings import PROJECT_DIR
from tests.e2e.conftest import App, choose, fill, no_page_errors, press
from tests.e2e.test_main_job import HANDBOOK, QUESTION, upload

pytestmark = pytest.mark.e2e

GARDEN = PROJECT_DIR / "data" / "samples" / "Garden Calendar.md"
ACROSS = "番茄什么时候种到室外？"


def test_questions_are_typed_judged_and_compared(
    start_app: Callable[..., App], open_page: Callable[..., Page], tmp_path: Path
) -> None:
    questions = tmp_path / "questions.csv"
    questions.write_text(f"question,document\n{ACROSS},Garden Calendar.md\n", "utf-8")
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("question,document\nWhich?,gone.pdf\n", "utf-8")
    app = start_app(RAG_CHAT_MODEL="extractive")
    page = open_page(f"{app.url}/evaluate")
    with no_page_errors(page):
        press(page.get_by_role("button", name="To the library"))
        page.locator("input[type=file]").first.set_input_files([str(HANDBOOK), str(GARDEN)])
        expect(page.get_by_text(re.compile(r"2 documents · \d+ passages"))).to_be_visible()
        press(page.get_by_role("link", name="Evaluate"))
        expect(page.get_by_text("There are no questions yet.")).to_be_visible()
        fill(page.get_by_label("One question a line, as you would ask it"), QUESTION)
        press(page.get_by_role("button", name="Add questions"))
        expect(page.get_by_text("One question · of 0 the answer is known")).to_be_visible()

        press(page.get_by_text("Import questions"))
        page.locator("input[type=file]").set_input_files(str(questions))
        press(page.locator(".st-key-import-questions button"))
        expect(page.get_by_text("2 questions · of one the answer is known")).to_be_visible()
        expect(page.locator(".st-key-import-questions")).to_have_count(0)
        page.locator("input[type=file]").set_input_files(str(wrong))
        press(page.locator(".st-key-import-questions button"))
        expect(
            page.get_by_text("wrong.csv, line 2: the collection “default” has no document")
        ).to_be_visible()

        press(page.get_by_role("tab", name="2 · Judge"))
        answers = page.locator("[class*=st-key-judge-]").filter(has_text="up to 20 items at a time")
        press(answers.get_by_text("Relevant", exact=True))
        expect(page.get_by_text(re.compile("one text is relevant"))).to_be_visible()

        press(page.get_by_role("tab", name="3 · Compare"))
        press(page.get_by_role("button", name="Ask 2 questions"))
        expect(page.get_by_role("row", name=re.compile(r"^By meaning – 1\.000"))).to_be_visible()
        expect(page.get_by_role("row", name=re.compile(r"^By keywords .* 0\.500"))).to_be_visible()
        expect(page.get_by_text("how near the top the relevant passages stand")).to_be_visible()
        expect(page.get_by_test_id("stVegaLiteChart").first.locator("canvas, svg").first).to_be_visible()
        expect(page.get_by_text("0 questions won · one question lost")).to_be_visible()
        expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(5)
        press(page.get_by_text("-1.00 · " + ACROSS))
        expect(page.get_by_text("By meaning · nDCG@10 1.00")).to_be_visible()
        expect(page.get_by_text("By keywords · nDCG@10 0.00")).to_be_visible()

        page.reload()
        press(page.get_by_role("tab", name="3 · Compare"))
        expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(5)
        press(page.get_by_text("New run"))
        choose(page, "Other sizes of passages as well, in tokens", "64")
        expect(page.get_by_text("an index is built, which is removed after the run")).to_be_visible()
        page.keyboard.press("Tab")  # the open list hides the rest from those who cannot see
        press(page.get_by_role("button", name="Ask 2 questions"))
        expect(page.get_by_role("row", name=re.compile(r"^By meaning · 64 tokens .* 1\.000"))).to_be_visible()
        expect(page.get_by_text("Over time")).to_be_visible()


def test_a_narrow_page_in_chinese_makes_questions(
    start_app: Callable[..., App], open_page: Callable[..., Page]
) -> None:
    app = start_app(RAG_CHAT_MODEL="extractive")
    page = open_page(app.url, locale="zh-CN", width=400)
    upload(page, app, HANDBOOK)
    expect(page.get_by_text("1 个文档 · 3 个段落")).to_be_visible()
    page.goto(f"{app.url}/evaluate")
    press(page.get_by_text("由文档生成问题"))
    expect(page.get_by_text("没有语言模型，因此问题由标题和段落中少见的词组成。")).to_be_visible()
    press(page.get_by_role("button", name="生成问题"))
    expect(page.get_by_text("3 个问题 · 其中 3 个已知答案")).to_be_visible()
    press(page.get_by_role("tab", name="3 · 比较"))
    press(page.get_by_role("button", name="用 3 个问题评测"))
    expect(page.get_by_role("row", name=re.compile("^按关键词 "))).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart").first.locator("canvas, svg").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    for plot in page.get_by_test_id("stVegaLiteChart").locator("canvas, svg").all():
        drawn = plot.bounding_box()
        assert drawn and drawn["x"] + drawn["width"] <= 400
