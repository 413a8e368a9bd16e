"""The library in a real browser: a locked file is opened, failures are tried again, a deletion is proved."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfWriter

from rag.settings import PROJECT_DIR
from tests.e2e.conftest import App, fill, no_page_errors, press

pytestmark = pytest.mark.e2e

HANDBOOK = PROJECT_DIR / "data" / "samples" / "Riverside Library Handbook.pdf"


def test_a_locked_file_is_opened_by_its_password(
    start_app: Callable[..., App], open_page: Callable[..., Page], tmp_path: Path
) -> None:
    locked, broken = tmp_path / "locked.pdf", tmp_path / "broken.docx"
    writer = PdfWriter(clone_from=HANDBOOK)
    writer.encrypt("open sesame", algorithm="AES-256")
    writer.write(locked)
    broken.write_bytes(b"PK\x03\x04 and nothing else")
    app = start_app()
    page = open_page(f"{app.url}/library")
    with no_page_errors(page):
        page.locator("input[type=file]").first.set_input_files([str(locked), str(broken)])
        retry = page.get_by_role("button", name="Try all 2 that failed again")
        press(retry)
        for reason in ("locked.pdf needs a password", "broken.docx is damaged"):
            expect(page.get_by_text(reason)).to_have_count(3)  # of two jobs and of the document
        expect(retry).to_be_visible()
        fill(page.get_by_role("textbox", name="Password"), "wrong")
        press(page.get_by_role("button", name="Open with this password"))
        expect(page.get_by_text("The password of locked.pdf is wrong")).to_have_count(2)  # job and document
        fill(page.get_by_role("textbox", name="Password"), "open sesame")
        press(page.get_by_role("button", name="Open with this password"))
        expect(page.get_by_text("One document ·")).to_be_visible()
        expect(page.get_by_text("could not be added")).to_have_count(1)

        press(page.get_by_role("button", name="Delete").first)
        press(page.get_by_role("button", name="Delete").last)
        expect(page.get_by_text("were looked for and are gone").first).to_be_visible()
    app.stop()
    secret = b"open sesame"
    assert not any(secret in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
