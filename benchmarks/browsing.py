"""How soon pages of many records are there: `python -m benchmarks.browsing FOLDER [RUNS]`.

FOLDER is a data folder by `python -m benchmarks.many_records`. Each action is done in a real browser
(Chromium), several times in sessions of their own, and timed from the click or the key until what was
asked for is on the page, which is then left to come to rest.
"""

import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from playwright.sync_api import Locator, Page, expect, sync_playwright

from benchmarks.page import wait_for
from tests.e2e.conftest import CHROMIUM_OPTIONS

RAG = str(Path(sys.executable).with_name("rag"))
# What tells that a page is there.
PAGES = {
    "Ask": "text=Type a question below",
    "Search": "[placeholder='What are you looking for?']",
    "Library": "text=To keep a copy of everything",
    "Collections": "text=Chroma 1.",
}
FIRST_ROW = (
    "[...document.querySelectorAll('[class*=st-key-records-passage] canvas tr')]"
    ".map(row => [...row.querySelectorAll('td')].map(cell => cell.innerText).join(' ').trim())"
    ".find(Boolean) ?? null"
)
ID = re.compile("[0-9a-f]{16}-[0-9]{5}")
RUNS = 7

Times = Mapping[str, list[float]]


def main() -> None:
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else RUNS
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [RAG, "serve", "--port", str(port)], env={**os.environ, "RAG_DATA_DIR": sys.argv[1]}
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url)
        times = _measure(url, runs)
    finally:
        server.terminate()
        server.wait()
    print(f"load {os.getloadavg()[0]:.1f}, {runs} runs each: median and worst")
    for action, seconds in times.items():
        print(f"{action:28} {statistics.median(seconds):6.2f} {max(seconds):6.2f} s")


def _measure(url: str, runs: int) -> Times:
    times: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_OPTIONS)
        for number in range(runs + 1):
            page = browser.new_context(locale="en-US", viewport={"width": 2600, "height": 900}).new_page()
            page.set_default_timeout(60_000)
            for action, seconds in _one_round(page, url).items():
                if number:  # the first one warms up
                    times.setdefault(action, []).append(seconds)
            page.context.close()
        browser.close()
    return times


def _one_round(page: Page, url: str) -> dict[str, float]:
    """Every action once, in a session of its own."""
    page.goto(f"{url}/models")
    page.get_by_role("heading", name="Models").first.wait_for()
    _rest(page)
    found = {}
    for name, seen in PAGES.items():
        link = page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True)
        found[f"open {name}"] = _timed(
            page, link.click, lambda seen=seen: page.locator(seen).first.wait_for()
        )
    page.get_by_role("tab", name="Records", exact=True).click()
    page.wait_for_function(f"{FIRST_ROW} !== null")
    for name, locator in _turns(page).items():
        found[name] = _turned(page, locator.click)
    if (number := page.get_by_placeholder("Go to record number")).count():
        number.fill("77777")
        found["jump to a number"] = _turned(page, lambda: number.press("Enter"))
    found |= _filters(page)
    asked = page.get_by_label("Open a record by its id")
    asked.fill(ID.findall(page.evaluate(FIRST_ROW))[0])
    found["open a record"] = _timed(
        page, lambda: asked.press("Enter"), lambda: _cells(page, "nearest").first.wait_for(state="attached")
    )
    return found


def _turns(page: Page) -> dict[str, Locator]:
    names = {
        "next page": "Records-after-these",
        "last page": "Last-records",
        "page before": "Records-before-these",
    }
    return {action: page.locator(f".st-key-go-{key} button:visible").first for action, key in names.items()}


def _filters(page: Page) -> dict[str, float]:
    """By metadata, then by a text, each alone."""
    box = page.locator("[class*=st-key-browse-][class*=-filter]").first
    box.locator("summary").click()
    box.get_by_text("Write the filter as JSON").click()
    where = box.locator("textarea")
    where.fill('{"topic": "garden"}')
    found = {"filter by metadata": _turned(page, lambda: where.press("Control+Enter"))}
    found["next page of those"] = _turned(page, _turns(page)["next page"].click)
    where.fill("")
    _turned(page, lambda: where.press("Control+Enter"))
    text = box.get_by_label("Must contain")
    text.fill("lighthouse")
    found["filter by a text"] = _turned(page, lambda: text.press("Enter"))
    return found


def _cells(page: Page, key: str) -> Locator:
    """The cells of a table, which it draws, as it tells them to screen readers."""
    return page.locator(f"[class*=st-key-{key}] canvas td")


def _turned(page: Page, act: Callable[[], object]) -> float:
    """The seconds until another record stands first in the table."""
    before = page.evaluate(FIRST_ROW)
    return _timed(
        page,
        act,
        lambda: page.wait_for_function(f"before => ![null, before].includes({FIRST_ROW})", arg=before),
    )


def _timed(page: Page, act: Callable[[], object], ready: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    ready()
    seconds = time.perf_counter() - started
    _rest(page)
    return seconds


def _rest(page: Page) -> None:
    expect(page.get_by_test_id("stApp")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=120_000
    )


if __name__ == "__main__":
    main()
