"""The page of the models in a real browser: measured, changed, changed back, keys typed."""

import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from rag.model_files import install
from rag.settings import load_settings
from tests.e2e.conftest import App, choose, fill, no_page_errors, press
from tests.e2e.test_main_job import add_handbook, ask
from tests.provider_server import ProviderServer

pytestmark = pytest.mark.e2e

KEY = "sk-typed-secret-5"


def test_a_collections_model_is_changed_and_changed_back(
    start_app: Callable[..., App], open_page: Callable[..., Page], models_dir: Path
) -> None:
    install(load_settings(models_dir=models_dir), "all-minilm-l6-v2")
    app = start_app(RAG_CHAT_MODEL="extractive")
    page = open_page(app.url)
    with no_page_errors(page):
        add_handbook(page, app)
        press(page.get_by_role("link", name="Ask"))
        ask(page, "How many books can I borrow at a time?")
        expect(page.get_by_text("Quoted from the documents")).to_be_visible()
        press(page.get_by_role("link", name="Models"))
        expect(page.get_by_text("Texts and questions stay on this computer.")).to_be_visible()
        press(page.get_by_text("Change the model"))
        choose(page, "Model", "builtin:all-minilm-l6-v2")
        press(page.get_by_role("button", name="Build the index"))
        expect(page.get_by_text("Beside it there is an index by builtin:all-minilm-l6-v2.")).to_be_visible()
        press(page.get_by_role("button", name="Compare both on your questions"))
        expect(page.get_by_text("Of the first five passages, both find")).to_be_visible()
        press(page.get_by_role("button", name="Change over to builtin:all-minilm-l6-v2"))
        back = page.get_by_role("button", name="Change over to builtin:multilingual-e5-small")
        press(back)
        expect(page.get_by_role("button", name="Change over to builtin:all-minilm-l6-v2")).to_be_visible()
        press(page.get_by_role("button", name="Remove this index"))
        press(page.get_by_role("button", name="Remove", exact=True))
        expect(page.get_by_text("Change the model")).to_be_visible()


def test_a_provider_is_set_up_and_tested(
    start_app: Callable[..., App],
    open_page: Callable[..., Page],
    provider_server: ProviderServer,
    tmp_path: Path,
) -> None:
    config = tmp_path / "rag.toml"
    config.touch()
    app = start_app(RAG_CHAT_MODEL="", OPENAI_API_KEY="", OPENAI_BASE_URL="", RAG_CONFIG=str(config))
    page = open_page(f"{app.url}/models")
    with no_page_errors(page):
        press(page.get_by_role("tab", name="Providers"))
        press(page.locator(".st-key-test-of-builtin-embedding").get_by_role("button"))
        press(page.get_by_role("button", name="Test now"))
        expect(page.get_by_text(re.compile(r"multilingual-e5-small: 384 dimensions, \d+ ms"))).to_be_visible()
        page.keyboard.press("Escape")
        press(page.locator(".st-key-fields-of-openai").get_by_role("button").first)
        fill(page.get_by_label("Key", exact=True), KEY)
        fill(page.get_by_label("Address (empty: OpenAI itself)"), f"{provider_server.url}/v1")
        press(page.get_by_text("Keep them in rag.toml"))
        press(page.get_by_role("button", name="Use", exact=True))
        expect(page.locator(".st-key-test-of-openai-embedding-chat")).to_be_visible()
        assert KEY not in page.content()
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert KEY in config.read_text()
    log = (tmp_path / "server.log").read_text()
    assert KEY not in log
