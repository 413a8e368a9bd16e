"""The worker process: what it may cost, and what becomes of those it cannot finish."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, NameObject

from rag.documents import Notice, ParsedFile
from rag.engine import open_engine
from rag.errors import Cancelled, DocumentError
from rag.loaders import Parser
from rag.loaders.parser import NICENESS
from rag.settings import load_settings


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "note.txt"
    path.write_text("A lamp.", encoding="utf-8")
    return path


def worker_of_this_process() -> psutil.Process:
    (worker,) = [child for child in psutil.Process().children() if "rag.loaders.worker" in child.cmdline()]
    return worker


def test_one_worker_reads_file_after_file(note: Path) -> None:
    with Parser(load_settings()) as parser:
        parser.parse(note, "a.txt")
        first = worker_of_this_process().pid
        assert parser.parse(note, "b.txt").sections[0].text == "A lamp."
        assert worker_of_this_process().pid == first
    assert not psutil.pid_exists(first)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no niceness")
def test_in_the_background_it_leaves_the_processor_to_others(note: Path) -> None:
    ours = psutil.Process().nice()
    for in_background, niceness in ((False, ours), (True, min(19, ours + NICENESS))):
        with Parser(load_settings(), in_background=in_background) as parser:
            parser.parse(note, "a.txt")
            assert worker_of_this_process().nice() == niceness


def test_what_is_added_is_read_in_the_background(tmp_path: Path) -> None:
    with open_engine(load_settings(data_dir=tmp_path)) as engine:
        list(engine.intake.run([]))
        assert worker_of_this_process().cmdline()[-1] == str(NICENESS)


def test_errors_keep_template_and_values(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"%!PS-Adobe-3.0")
    with Parser(load_settings()) as parser, pytest.raises(DocumentError) as refused:
        parser.parse(path, "letter.ps")
    assert refused.value.values == {"name": "letter.ps", "kind": Notice("PostScript")}
    assert "{kind}" in refused.value.message


def test_time_is_limited(note: Path) -> None:
    with (
        Parser(load_settings(parse_timeout=0.001)) as parser,
        pytest.raises(DocumentError, match="RAG_PARSE_TIMEOUT"),
    ):
        parser.parse(note, "a.txt")


def test_memory_is_limited_and_the_next_file_is_read(tmp_path: Path, note: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(b"lamps and ropes\n" * (10 << 20))
    with Parser(load_settings(parse_memory_mb=256)) as parser:
        with pytest.raises(DocumentError, match="more than 256 MB"):
            parser.parse(path, "big.txt")
        assert parser.parse(note, "a.txt").kind == "txt"


def test_size_is_limited(tmp_path: Path) -> None:
    path = tmp_path / "big"
    with path.open("wb") as file:
        file.truncate(3 << 20)
    with (
        Parser(load_settings(max_file_mb=2)) as parser,
        pytest.raises(DocumentError, match="RAG_MAX_FILE_MB"),
    ):
        parser.parse(path, "big.txt")


def test_it_can_be_cancelled(note: Path) -> None:
    with Parser(load_settings()) as parser:
        with pytest.raises(Cancelled):
            parser.parse(note, "a.txt", cancelled=lambda: True)
        assert parser.parse(note, "a.txt").kind == "txt"


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_a_crash_is_told_and_survived(note: Path) -> None:
    def crash() -> bool:
        worker_of_this_process().send_signal(signal.SIGSEGV)
        return False

    with Parser(load_settings()) as parser:
        with pytest.raises(DocumentError, match="crash"):
            parser.parse(note, "a.txt", cancelled=crash)
        assert parser.parse(note, "a.txt").kind == "txt"


def test_a_library_that_aborts_for_want_of_memory_is_no_damage(tmp_path: Path) -> None:
    writer = PdfWriter()
    content = DecodedStreamObject()
    content.set_data(b"BT (lamp) Tj ET\n" * (20 << 20))
    writer.add_blank_page(595, 842)[NameObject("/Contents")] = writer._add_object(content.flate_encode())
    path = tmp_path / "big"
    writer.write(path)
    with (
        Parser(load_settings(parse_memory_mb=512)) as parser,
        pytest.raises(DocumentError, match="more than 512 MB"),
    ):
        parser.parse(path, "big.pdf")


def test_threads_share_one_worker(note: Path) -> None:
    read: list[ParsedFile] = []
    with Parser(load_settings()) as parser:
        threads = [
            threading.Thread(target=lambda: read.append(parser.parse(note, "a.txt"))) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(read) == 8
    assert len(set(read[0].sections)) == 1


def test_keys_do_not_reach_the_worker(note: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with Parser(load_settings()) as parser:
        parser.parse(note, "a.txt")
        assert "OPENAI_API_KEY" not in worker_of_this_process().environ()


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
        "import os; os.execv('/bin/true', ['true'])",
    ],
)
def test_nothing_is_fetched_or_run(attempt: str) -> None:
    program = f"from rag.loaders.limits import deny_reaching_out; deny_reaching_out(); {attempt}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "PermissionError: a file being read may not cause" in done.stderr


def test_the_worker_loads_no_heavy_package() -> None:
    heavy = "{'chromadb', 'streamlit', 'openvino', 'pydantic'}"
    program = f"import sys, rag.loaders.worker; print(*{heavy} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout.strip() == ""
