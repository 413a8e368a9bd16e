"""Pages run by Streamlit's own harness against a real engine and a local server.

Streamlit is imported where it is needed: every test's process reads this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

from rag.engine import Engine, open_engine
from rag.settings import load_settings

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

    from tests.provider_server import ProviderServer

KEY = "sk-typed-secret-7"
VARIABLES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "DASHSCOPE_API_KEY")

PageEngine: TypeAlias = Callable[..., Engine]


@pytest.fixture
def page_engine(
    tmp_path: Path, provider_server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PageEngine]:
    """Opens what the pages show, with these settings; the server's own model "m" embeds unless told."""
    import streamlit as st

    from rag.ui import session

    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:1")
    usual = {
        "models_dir": tmp_path / "models",
        "openai_api_key": KEY,
        "openai_base_url": f"{provider_server.url}/v1",
        "embedder": "openai:m",
        "chat_model": "extractive",
    }
    opened: list[Engine] = []

    def open_with(**given: object) -> Engine:
        folder = {"data_dir": tmp_path / f"store-{len(opened)}"}
        opened.append(open_engine(load_settings(**{**folder, **usual, **given})))
        monkeypatch.setattr(session, "_engine", opened[-1])
        st.cache_data.clear()
        return opened[-1]

    yield open_with
    for engine in opened:
        engine.close()


def opened(script: Callable[[], None]) -> AppTest:
    """The page that a script draws."""
    from streamlit.testing.v1 import AppTest

    return run(AppTest.from_function(script, default_timeout=60))


def run(page: AppTest) -> AppTest:
    """The page drawn anew."""
    page.run()
    assert not page.exception
    return page


def press(page: AppTest, label: str) -> AppTest:
    """The page after a press of the first button whose label begins so."""
    next(button for button in page.button if button.label.startswith(label)).click()
    return run(page)


def errors(page: AppTest) -> str:
    """What went wrong, as the page tells it."""
    return " ".join(each.value for each in page.error)


def captions(page: AppTest) -> str:
    """What the captions say, without the marks that keep Markdown away."""
    return "\n".join(each.value for each in page.caption).replace("\\", "")
