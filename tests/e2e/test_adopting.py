"""Another program's Chroma folder opened, searched and adopted in a real browser."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from rag.embedders.builtin import BuiltinEmbedder
from rag.model_files import install
from rag.settings import load_settings
from tests.e2e.conftest import App, fill, no_page_errors, press
from tests.foreign import ANIMALS, state_of, write_plain

pytestmark = pytest.mark.e2e


@pytest.fixture
def folder(tmp_path: Path, models_dir: Path) -> Path:
    """What plain chromadb code leaves, in two sources."""
    embedder = BuiltinEmbedder(install(load_settings(models_dir=models_dir), "all-minilm-l6-v2"))
    sources = [{"source": f"/home/me/{name}.txt"} for name in ("water", "earth") * 3]
    write_plain(tmp_path / "theirs", embedder, metadatas=sources)
    return tmp_path / "theirs"


def test_open_search_and_adopt(
    start_app: Callable[..., App], open_page: Callable[..., Page], folder: Path
) -> None:
    before = state_of(folder)
    page = open_page(f"{start_app(RAG_CHAT_MODEL='extractive').url}/library")
    with no_page_errors(page):
        press(page.get_by_text("Bring in an existing Chroma folder"))
        place = page.get_by_label("Folder, or address of a Chroma server")
        fill(place, str(folder.parent / "nothing"))
        place.press("Enter")
        expect(page.get_by_text("cannot be opened: No such file")).to_be_visible()
        fill(place, str(folder))
        place.press("Enter")
        expect(page.get_by_text("will be copied.")).to_be_visible()
        press(page.get_by_role("button", name="Open", exact=True))
        expect(
            page.get_by_text("6 records · squared L2 distance · 384 dimensions · keys: source")
        ).to_be_visible()
        expect(page.get_by_text("builtin:all-minilm-l6-v2 / chroma:default")).to_be_visible()

        fill(page.get_by_label("Question", exact=True), "Which animal can open a jar?")
        there = page.get_by_role("tabpanel", name="Search it")
        press(there.get_by_role("button", name="Search", exact=True))
        first = page.locator(".st-key-foreign-hit-1")
        expect(first).to_contain_text(ANIMALS[3])
        expect(first).to_contain_text("squared L2 distance")
        assert state_of(folder) == before

        press(page.get_by_role("tab", name="Adopt it"))
        fill(page.get_by_label("Name", exact=True), "animals")
        press(page.get_by_role("button", name="Adopt", exact=True))
        expect(page.get_by_text("“animals” is adopted: 2 documents, 6 passages")).to_be_visible()
        expect(page.get_by_text("6 passages keep their vectors, 0 were embedded.")).to_be_visible()
        press(page.get_by_role("button", name="Show this collection"))
        expect(page.get_by_text("water.txt", exact=True)).to_be_visible()
        expect(page.get_by_text("2 documents · 6 passages")).to_be_visible()

        press(page.get_by_role("link", name="Search", exact=True))
        question = page.get_by_label("Question", exact=True)
        fill(question, "Which animal can open a jar?")
        question.press("Enter")
        expect(page.locator(".st-key-found-dense-1")).to_contain_text(ANIMALS[3])
    assert state_of(folder) == before


def test_in_chinese_on_a_narrow_screen(
    start_app: Callable[..., App], open_page: Callable[..., Page], folder: Path
) -> None:
    page = open_page(f"{start_app(RAG_CHAT_MODEL='extractive').url}/library", locale="zh-CN", width=400)
    with no_page_errors(page):
        press(page.get_by_text("导入已有的 Chroma 文件夹"))
        place = page.get_by_label("文件夹，或 Chroma 服务器的地址")
        fill(place, str(folder))
        place.press("Enter")
        press(page.get_by_role("button", name="打开", exact=True))
        expect(page.get_by_text("6 条记录")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 400
        press(page.get_by_role("button", name="关闭", exact=True))
        expect(place).to_be_visible()


def test_others_do_not_see_it(start_app: Callable[..., App], open_page: Callable[..., Page]) -> None:
    """Folders of the server are for those who may change its settings."""
    page = open_page(f"{start_app(RAG_EDIT_SETTINGS='false').url}/library")
    expect(page.get_by_role("heading", name="Library", exact=True)).to_be_visible()
    expect(page.get_by_text("Nothing here yet")).to_be_visible()
    expect(page.get_by_text("Bring in an existing Chroma folder")).to_have_count(0)
