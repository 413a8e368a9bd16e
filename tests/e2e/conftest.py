"""The app as its users have it: a server of its own and a real browser."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.provider_server import ProviderServer

CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Ends once the page has been drawn and nothing folded away has slid open or shut for a quarter of a second.
STILL = """() => new Promise((done, fail) => {
    const state = () => document.querySelector("[data-testid=stApp]")?.dataset.testScriptState;
    const sizes = () => [...document.querySelectorAll("details")].map(one => one.offsetHeight).join();
    const end = performance.now() + 60_000;
    let before, frames = 0;
    const look = () => {
        const now = sizes();
        frames = state() === "notRunning" && now === before ? frames + 1 : 0;
        before = now;
        if (frames === 15) done();
        else if (performance.now() > end) fail(new Error("the page is never still"));
        else requestAnimationFrame(look);
    };
    look();
})"""


class App:
    """A running server; `url` has no slash at its end."""

    def __init__(self, data_dir: Path, models_dir: Path, settings: dict[str, str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAG_", "OPENAI_"))}
        self._log = (data_dir.parent / "server.log").open("ab")
        self._process = subprocess.Popen(
            [str(Path(sys.executable).with_name("rag")), "serve", "--port", str(port)],
            env=kept
            | {"RAG_DATA_DIR": str(data_dir), "RAG_MODELS_DIR": str(models_dir), "RAG_CONFIG": "/dev/null"}
            | settings,
            cwd=data_dir.parent,  # the app's own settings count wherever it is started
            stdout=subprocess.DEVNULL,
            stderr=self._log,
        )
        self._wait()

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=60)
        self._log.close()

    def _wait(self) -> None:
        while self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=60):
                    return
            except urllib.error.URLError:
                continue
        raise AssertionError("the server ended before it answered")


@pytest.fixture
def start_app(
    tmp_path: Path, models_dir: Path, provider_server: ProviderServer
) -> Iterator[Callable[..., App]]:
    """Starts the app; a second start finds the first one's data."""
    running: list[App] = []

    def start(**settings: str) -> App:
        data_dir = tmp_path / "store"
        data_dir.mkdir(exist_ok=True)
        answering = {
            "RAG_CHAT_MODEL": "openai:test",
            "OPENAI_BASE_URL": f"{provider_server.url}/v1",
            "OPENAI_API_KEY": "sk-test",
        }
        running.append(App(data_dir, models_dir, answering | settings))
        return running[-1]

    yield start
    for app in running:
        if app._process.poll() is None:
            app.stop()


expect.set_options(timeout=60_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page of its own session, in English and wide unless told otherwise."""
    contexts = []

    def open_at(url: str, *, locale: str = "en-US", width: int = 1400) -> Page:
        context = browser.new_context(locale=locale, viewport={"width": width, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(url)
        return page

    yield open_at
    for context in contexts:
        context.close()


@contextmanager
def no_page_errors(page: Page) -> Iterator[None]:
    """Fails where the page's own scripts fail."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield
    assert errors == []


def settled(page: Page) -> None:
    """Wait until the page is still: what is pressed or typed before may be lost, as no person is so fast."""
    page.evaluate(STILL)


def press(target: Locator) -> None:
    """Click on a still page."""
    expect(target).to_be_visible()
    settled(target.page)
    target.click()


def fill(field: Locator, text: str) -> None:
    """Type into a field of a still page."""
    expect(field).to_be_visible()
    settled(field.page)
    field.fill(text)


def choose(page: Page, label: str, text: str) -> None:
    """Choose what a box offers; the page's drawing may close the list that the box has opened."""
    box = page.get_by_role("combobox", name=label).first
    option = page.get_by_role("option", name=text).first
    for _attempt in range(10):
        fill(box, "")
        box.fill(text)
        with suppress(AssertionError, PlaywrightError):
            expect(option).to_be_visible(timeout=3000)
            box.press("Enter")
            expect(option).to_have_count(0, timeout=3000)
            return
    raise AssertionError(f"{text} is not offered")
