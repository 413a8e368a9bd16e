"""The main job in a real browser: documents in, a cited answer out."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from rag.engine import Engine
from rag.settings import PROJECT_DIR, Settings
from tests.e2e.conftest import App, fill, no_page_errors, press
from tests.faults import hang
from tests.provider_server import OPENAI_CHAT, ProviderServer

pytestmark = pytest.mark.e2e

HANDBOOK = PROJECT_DIR / "data" / "samples" / "Riverside Library Handbook.pdf"
QUESTION = "How many books can I borrow at a time?"


def upload(page: Page, app: App, *paths: Path) -> None:
    page.goto(f"{app.url}/library")
    page.locator("input[type=file]").first.set_input_files([str(path) for path in paths])


def add_handbook(page: Page, app: App) -> None:
    upload(page, app, HANDBOOK)
    expect(page.get_by_text("One document · 3 passages")).to_be_visible()


def ask(page: Page, question: str) -> None:
    field = page.get_by_placeholder("Ask about your documents")
    fill(field, question)
    field.press("Enter")


def test_a_pdf_in_a_cited_answer_out(
    start_app: Callable[..., App], open_page: Callable[..., Page], provider_server: ProviderServer
) -> None:
    provider_server.pieces = ("You can borrow up to ", "20 items at a time [1]. ", "Ask at the desk [9].")
    app = start_app()
    page = open_page(app.url)
    with no_page_errors(page):
        add_handbook(page, app)
        expect(page.get_by_text("Deploy", exact=True)).to_have_count(
            0
        )  # Streamlit's, unless our options count
        press(page.get_by_role("link", name="Ask"))
        ask(page, QUESTION)
        expect(page.get_by_text("You can borrow up to 20 items at a time")).to_be_visible()
        first = page.locator(".st-key-evidence").get_by_text(
            re.compile(r"Similarity 0\.\d{3} · relevance \d+ %")
        )
        expect(first).to_have_count(3)
        expect(page.get_by_text("Removed [9]: there is no such passage.")).to_be_visible()
        expect(page.get_by_text("Answered by openai:test")).to_be_visible()
        press(page.get_by_role("button", name=re.compile(r"\[1\] Riverside Library Handbook\.pdf · page 2")))
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("img", name="Page 2 of Riverside Library Handbook.pdf")).to_be_visible()
        expect(dialog.get_by_text("up to 20 items at a time")).to_be_visible()


def test_stop_ends_the_answer_and_keeps_what_is_there(
    start_app: Callable[..., App], open_page: Callable[..., Page], provider_server: ProviderServer
) -> None:
    provider_server.pieces = ("The beginning of ", "a long answer", " that nobody reads")
    provider_server.script(OPENAI_CHAT, [hang(after=2)])
    app = start_app(RAG_REQUEST_TIMEOUT="15")
    page = open_page(app.url)
    add_handbook(page, app)
    press(page.get_by_role("link", name="Ask"))
    ask(page, QUESTION)
    expect(page.get_by_text("The beginning of a long answer")).to_be_visible()
    page.get_by_test_id("stChatInputStopButton").click()
    expect(page.get_by_text("Stopped. The text so far is kept.")).to_be_visible()
    expect(page.get_by_text("The beginning of a long answer")).to_be_visible()
    expect(page.get_by_text("Reading the passages")).to_have_count(0)
    ask(page, "And what does a late return cost?")
    expect(page.get_by_text("Answered by openai:test")).to_be_visible()
    hung = next(each for each in provider_server.requests if each.path == OPENAI_CHAT)
    assert hung.disconnected.wait(timeout=30)


def test_a_suggested_question_can_be_stopped_too(
    start_app: Callable[..., App], open_page: Callable[..., Page], provider_server: ProviderServer
) -> None:
    provider_server.pieces = ("The beginning of ", "a long answer")
    provider_server.script(OPENAI_CHAT, [hang(after=1)])
    app = start_app(RAG_REQUEST_TIMEOUT="15")
    page = open_page(app.url)
    add_handbook(page, app)
    press(page.get_by_role("link", name="Ask"))
    press(page.get_by_role("button", name="How many books can I borrow at a time, and for how long?"))
    expect(page.get_by_text("The beginning of")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped. The text so far is kept.")).to_be_visible()


def test_conversations_and_documents_survive_a_restart(
    start_app: Callable[..., App], open_page: Callable[..., Page], provider_server: ProviderServer
) -> None:
    provider_server.pieces = ("Up to 20 items [1].",)
    app = start_app()
    page = open_page(app.url)
    add_handbook(page, app)
    press(page.get_by_role("link", name="Ask"))
    ask(page, QUESTION)
    expect(page.get_by_text("Answered by openai:test")).to_be_visible()
    address = page.url.removeprefix(app.url)
    app.stop()
    again = start_app()
    page = open_page(again.url + address)
    expect(page.get_by_text("Up to 20 items [1]")).to_be_visible()
    other = open_page(again.url)
    expect(other.get_by_role("heading", name="Ask your own documents")).to_be_visible()
    press(other.get_by_role("button", name=QUESTION))
    expect(other.get_by_text("Up to 20 items [1]")).to_be_visible()


def test_samples_in_chinese_at_400_pixels(
    start_app: Callable[..., App], open_page: Callable[..., Page], provider_server: ProviderServer
) -> None:
    provider_server.pieces = ("每年享有15天", "带薪年假。[1]")
    app = start_app()
    page = open_page(app.url, locale="zh-CN", width=400)
    press(page.get_by_role("button", name="用示例文档试一试"))
    press(page.get_by_role("button", name="年假有多少天？"))
    expect(page.get_by_text("每年享有15天带薪年假")).to_have_count(2)
    expect(page.get_by_text(re.compile(r"相似度 0\.\d{3}")).first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_reading_survives_a_reload_and_can_be_cancelled(
    start_app: Callable[..., App], open_page: Callable[..., Page], tmp_path: Path
) -> None:
    long_text = tmp_path / "long.txt"
    long_text.write_text(
        "\n\n".join(f"Paragraph {n} tells of the {n * 7919}th thing. " * 8 for n in range(3000))
    )
    app = start_app()
    page = open_page(app.url)
    upload(page, app, long_text)
    progress = page.get_by_text(re.compile(r"long\.txt — analysing"))
    expect(progress).to_be_visible()
    page.reload()
    expect(progress).to_be_visible()
    expect(page.get_by_text(re.compile(r"about \d+ (s|min) left"))).to_be_visible()
    page.get_by_role("button", name="Cancel").or_(page.locator("[class*=st-key-cancel] button")).first.click()
    expect(page.get_by_text("long.txt — cancelled")).to_be_visible()
    expect(page.get_by_text("Nothing here yet")).to_be_visible()


def test_a_document_is_deleted_and_a_bad_file_says_why(
    start_app: Callable[..., App], open_page: Callable[..., Page], tmp_path: Path
) -> None:
    (tmp_path / "empty.txt").write_text("  \n")
    app = start_app()
    page = open_page(app.url)
    upload(page, app, tmp_path / "empty.txt")
    expect(page.get_by_text("empty.txt contains only white space.").first).to_be_visible()
    press(page.locator("[class*=st-key-ask-] button"))
    press(page.get_by_role("button", name="Delete", exact=True).last)
    expect(page.get_by_text("Nothing here yet")).to_be_visible()
    expect(page.get_by_text("“empty.txt” is deleted")).to_be_visible()


def test_nothing_of_a_hostile_document_runs(
    start_app: Callable[..., App],
    open_page: Callable[..., Page],
    provider_server: ProviderServer,
    tmp_path: Path,
) -> None:
    (tmp_path / "bad.md").write_text(
        "# Bad\n\nThe secret plan <script>document.title='owned'</script> "
        "<img src=x onerror=\"document.title='owned'\"> "
        "![x](http://127.0.0.1:9/leak.png) [go](javascript:alert(1))"
    )
    provider_server.pieces = (
        "The secret plan ![x](http://127.0.0.1:9/leak.png) <b>is</b> [go](http://evil.example) [1].",
    )
    app = start_app()
    page = open_page(app.url)
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    upload(page, app, tmp_path / "bad.md")
    expect(page.get_by_text("One document")).to_be_visible()
    press(page.get_by_role("link", name="Ask"))
    ask(page, "What is the secret plan?")
    expect(page.get_by_text("Answered by openai:test")).to_be_visible()
    assert "owned" not in page.title()
    assert not [url for url in fetched if "leak" in url or "evil" in url]
    assert page.locator("a[href^=javascript], .stMarkdown img").count() == 0


def test_search_options_stay_until_they_are_cleared(
    start_app: Callable[..., App], open_page: Callable[..., Page], provider_server: ProviderServer
) -> None:
    provider_server.pieces = ("Up to 20 items [1].",)
    app = start_app()
    page = open_page(app.url)
    expect(page.get_by_text("Search options")).to_have_count(0)
    add_handbook(page, app)
    press(page.get_by_role("link", name="Ask"))
    press(page.get_by_text("Search options"))
    words = page.get_by_label("Must contain")
    fill(words, "no such text")
    words.press("Enter")
    expect(page.get_by_text("Search options · 1 active")).to_be_visible()
    expect(words).to_be_visible()
    press(page.get_by_text("中文", exact=True))
    expect(page.get_by_text("搜索选项 · 已设 1 项")).to_be_visible()
    press(page.get_by_text("English", exact=True))
    press(page.get_by_role("link", name="Library"))
    expect(page.get_by_text("One document · 3 passages")).to_be_visible()
    press(page.get_by_role("link", name="Ask"))
    expect(page.get_by_text("Search options · 1 active")).to_be_visible()
    ask(page, QUESTION)
    expect(page.get_by_text("No passage matches the search options.")).to_be_visible()
    expect(page.get_by_text("This is not in these documents.")).to_have_count(0)
    expect(page.get_by_text("Answered by")).to_have_count(0)
    press(page.get_by_text("Search options · 1 active"))
    press(page.get_by_role("button", name="Clear"))
    expect(page.get_by_text("Search options · 1 active")).to_have_count(0)
    ask(page, QUESTION)
    expect(page.get_by_text("Answered by openai:test")).to_be_visible()


def test_back_leads_to_the_conversation_before(
    start_app: Callable[..., App], open_page: Callable[..., Page], provider_server: ProviderServer
) -> None:
    provider_server.pieces = ("Up to 20 items [1].",)
    app = start_app()
    page = open_page(app.url)
    add_handbook(page, app)
    press(page.get_by_role("link", name="Ask"))
    ask(page, QUESTION)
    expect(page.get_by_text("Answered by openai:test")).to_be_visible()
    press(page.get_by_role("button", name="New conversation"))
    expect(page.get_by_role("heading", name="Ask your own documents")).to_be_visible()
    ask(page, "What does a late return cost?")
    expect(page.get_by_text("Answered by openai:test")).to_be_visible()
    press(page.get_by_role("button", name=QUESTION))
    talk = page.get_by_test_id("stChatMessage")
    expect(talk.get_by_text(QUESTION)).to_be_visible()
    page.go_back()
    expect(talk.get_by_text("What does a late return cost?")).to_be_visible()
    expect(talk.get_by_text(QUESTION)).to_have_count(0)


def test_a_conversation_brings_its_collection_along(
    start_app: Callable[..., App], open_page: Callable[..., Page], tmp_path: Path, models_dir: Path
) -> None:
    with Engine(Settings(data_dir=tmp_path / "store", models_dir=models_dir)) as engine:
        with HANDBOOK.open("rb") as source:
            list(engine.intake.run([engine.intake.add(engine.collection(), HANDBOOK.name, source)]))
        other = engine.create_collection("work")
        conversation = engine.catalog.conversations.start(other.id, "What about work?")
    page = open_page(start_app().url)
    expect(page.get_by_placeholder("Ask about your documents")).to_be_visible()
    press(page.get_by_role("button", name=conversation.title))
    expect(page.get_by_placeholder("Add documents first")).to_be_visible()
    expect(page.get_by_role("combobox", name="Collection")).to_have_value("work")
