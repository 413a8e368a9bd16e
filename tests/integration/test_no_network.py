"""Watched from outside: no connection but to this machine, and no file outside the folders that are ours."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rag.settings import PROJECT_DIR
from tests.commands import RAG, environment

LOCAL = re.compile(
    r'sa_family=AF_UNIX|sa_family=AF_UNSPEC|127\.0\.0\.\d+|inet_pton\(AF_INET6, "::1"|AF_NETLINK'
)
WRITES = re.compile(r'(?:openat|creat|mkdir|mkdirat|rename\w*)\((?:AT_FDCWD, )?"([^"]+)".*')
CALLS = "connect,sendto,openat,creat,mkdir,mkdirat,rename,renameat,renameat2"
HARMLESS = ("/dev/", "/proc/", "/sys/")


def _traced(command: list[str], trace: Path, variables: dict[str, str], cwd: Path) -> list[str]:
    strace = ["strace", "-f", "-qq", "--seccomp-bpf", "-s", "300", "-o", str(trace), "-e", f"trace={CALLS}"]
    subprocess.run(
        [*strace, *command],
        env=variables, cwd=cwd, check=True, capture_output=True,
    )  # fmt: skip
    return trace.read_text(errors="replace").splitlines()


def test_nothing_is_sent_and_nothing_is_left_behind(tmp_path: Path, models_dir: Path) -> None:
    if not shutil.which("strace"):
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("strace is not installed")
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    variables = environment(tmp_path / "store", models_dir) | {"HOME": str(home), "TMPDIR": str(work)}
    variables.pop("CI", None)  # some packages call home only where they do not see it
    samples = str(PROJECT_DIR / "data" / "samples")
    model = "builtin:smollm2-135m"
    lines: list[str] = []
    for number, command in enumerate(
        (
            [RAG, "ingest", samples],
            [RAG, "search", "年假有多少天？"],
            [RAG, "ask", "How many books can I borrow?", "--model", model],
            [sys.executable, "-c", "import rag.ui.server"],
        )
    ):
        lines += _traced(command, tmp_path / f"trace-{number}", variables, work)
    assert len(lines) > 1000, "strace saw nothing"
    sent = [line for line in lines if re.search(r"\b(connect|sendto)\(.*sa_family", line)]
    assert sent, "even the language model's own server was not seen"
    assert [line for line in sent if not LOCAL.search(line)] == []
    written = {
        match[1]
        for line in lines
        if re.search(r"O_CREAT|O_WRONLY|O_RDWR|creat\(|mkdir|rename", line) and " = -1" not in line
        for match in [WRITES.search(line)]
        if match
    }
    ours = (str(tmp_path), str(models_dir), *HARMLESS)
    caches = re.compile(r"__pycache__")
    assert {
        path
        for path in written
        if path.startswith("/") and not path.startswith(ours) and not caches.search(path)
    } == set()
    assert [path for path in home.rglob("*") if path.is_file()] == []
