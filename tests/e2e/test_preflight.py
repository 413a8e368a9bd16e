"""A look before adding, in a real browser: what is in the files, cut to a chosen size, then added or not."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from rag.settings import PROJECT_DIR
from tests.e2e.conftest import App, no_page_errors, press, settled

pytestmark = pytest.mark.e2e

HANDBOOK = PROJECT_DIR / "data" / "samples" / "Riverside Library Handbook.pdf"


def test_files_are_looked_at_and_then_added(
    start_app: Callable[..., App], open_page: Callable[..., Page], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7 nothing")
    app = start_app(RAG_CHAT_MODEL="extractive")
    page = open_page(f"{app.url}/library")
    with no_page_errors(page):
        press(page.get_by_text("Look before adding"))
        settled(page)
        page.locator("input[type=file]").first.set_input_files([str(HANDBOOK), str(broken)])
        card = page.locator(".st-key-preflight")
        expect(card.get_by_text(re.compile(r"^PDF · 3 pages · 3 sections · 3 passages"))).to_be_visible()
        expect(card.get_by_text("broken.pdf is damaged")).to_be_visible()
        expect(card.get_by_text(re.compile(r"about .* on the disk, of .* free"))).to_be_visible()
        press(card.get_by_text("Preview"))
        expect(card.get_by_text("up to 20 items at a time").first).to_be_visible()

        press(card.get_by_text("Size of the passages"))
        slider = card.get_by_role("slider", name="Tokens of a passage, at most")
        settled(page)
        slider.focus()
        slider.press("Home")
        expect(card.get_by_text(re.compile(r"^PDF · 3 pages · 3 sections · \d\d passages"))).to_be_visible()
        press(card.get_by_role("button", name="Add one file"))
        expect(page.get_by_text(re.compile(r"passages of at most 32 tokens"))).to_be_visible()
        expect(card).to_have_count(0)
        expect(page.get_by_text("Nothing to mend")).to_be_visible()

        page.locator("input[type=file]").first.set_input_files(str(HANDBOOK))
        press(page.get_by_role("button", name="Discard"))
        expect(card).to_have_count(0)
        expect(page.get_by_text("already in the library")).to_have_count(0)
