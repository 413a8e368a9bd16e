"""Pictures in a real browser: added, found by a question, by one of them, and by one from the disk."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import App, no_page_errors, press
from tests.e2e.test_main_job import ask
from tests.pictures import pdf, picture

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("transformers", reason="pip install 'passage[sentence-transformers]'")
    from tests.tiny_models import save_clip

    return save_clip(tmp_path_factory.mktemp("tiny") / "clip")


def test_pictures_are_found_and_find_others(
    start_app: Callable[..., App], open_page: Callable[..., Page], clip: Path, tmp_path: Path
) -> None:
    red, book = tmp_path / "Red mat.jpg", tmp_path / "Book.pdf"
    red.write_bytes(picture("red", "JPEG"))
    book.write_bytes(pdf(("", [picture("blue", "JPEG")])))
    app = start_app(RAG_EMBEDDER=f"clip:{clip}", RAG_CHAT_MODEL="extractive")
    page = open_page(f"{app.url}/library")
    with no_page_errors(page):
        page.locator("input[type=file]").first.set_input_files([str(red), str(book)])
        expect(page.get_by_text("2 documents · 2 passages")).to_be_visible()
        press(page.get_by_role("link", name="Ask"))
        ask(page, "What is red?")
        evidence = page.locator(".st-key-evidence")
        shown = evidence.get_by_role("img", name="Picture Red mat.jpg")
        expect(shown).to_be_visible()
        expect(evidence.get_by_role("img", name="Picture on page 1 of Book.pdf")).to_be_visible()
        expect(evidence.get_by_text(re.compile(r"^Similarity -?\d\.\d{3}$"))).to_have_count(2)
        expect(page.get_by_text("Pictures were found.")).to_be_visible()
        expect(page.get_by_text("This is not in these documents.")).to_have_count(0)
        expect(page.get_by_text("Quoted from the documents")).to_have_count(0)

        press(evidence.get_by_role("button", name="Find similar").first)
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("img")).to_have_count(2)
        expect(dialog.get_by_text("Similarity 1.000")).to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)

        chooser = page.get_by_test_id("stSidebar").locator("input[type=file]")
        chooser.set_input_files(str(red))
        expect(dialog.get_by_text("Similarity 1.000")).to_be_visible()
        expect(dialog.get_by_role("img").first).to_have_attribute("alt", "Picture Red mat.jpg")
