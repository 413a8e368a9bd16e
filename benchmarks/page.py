"""How soon passages are on the page after Enter: `python -m benchmarks.page FOLDER QUESTION…`.

Ingests a folder, starts the app with it, asks each question in a real browser (Debian's Chromium) in a new
conversation, and times from the key press to the first passage's similarity being visible.
"""

import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.e2e.conftest import CHROMIUM_OPTIONS

RAG = str(Path(sys.executable).with_name("rag"))
ENDED = re.compile(r"^(Answered|Quoted) .* s$")
FOUND = re.compile(r"^Similarity \d")


def main() -> None:
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        variables = {**os.environ, "RAG_DATA_DIR": folder}
        subprocess.run([RAG, "ingest", sys.argv[1]], env=variables, check=True, capture_output=True)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        server = subprocess.Popen([RAG, "serve", "--port", str(port)], env=variables)
        try:
            wait_for(f"http://127.0.0.1:{port}")
            times = [
                _seconds(f"http://127.0.0.1:{port}", question) for question in ["warm up", *sys.argv[2:]]
            ]
        finally:
            server.terminate()
            server.wait()
    shown = sorted(times[1:])
    print(f"{len(shown)} questions: median {statistics.median(shown):.2f} s, worst {shown[-1]:.2f} s")


def _seconds(url: str, question: str) -> float:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_OPTIONS)
        page = browser.new_page(locale="en-US", viewport={"width": 1400, "height": 900})
        page.goto(url)
        field = page.locator("textarea")
        field.fill(question)
        page.wait_for_timeout(500)  # the page is at rest, as it is under a person's hands
        started = time.perf_counter()
        field.press("Enter")
        page.get_by_text(FOUND).first.wait_for()
        seconds = time.perf_counter() - started
        page.get_by_text(ENDED).first.wait_for(timeout=180_000)
        browser.close()
    return seconds


def wait_for(url: str) -> None:
    """Return when the app answers at `url`."""
    while True:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=60):
                return
        except urllib.error.URLError:
            continue


if __name__ == "__main__":
    main()
