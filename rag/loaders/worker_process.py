"""The worker process as its parent sees it: started, asked, watched and ended."""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

from rag.errors import Cancelled, DocumentError
from rag.loaders.source import OnProgress

FILES_PER_WORKER = 200
GROWTH_MB = 400
POLL_SECONDS = 0.05
# Keys and passwords of the app are no business of a process that reads strangers' files.
PASSED_ON = (
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SYSTEMROOT",
    "LD_LIBRARY_PATH",
)


class WorkerProcess:
    """One worker process and the pipes to it."""

    def __init__(self, memory_mb: int, niceness: int) -> None:
        import psutil

        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by kill()
        # Decrypted files pass through it: it goes with the process, however that ends.
        self._folder = tempfile.TemporaryDirectory(prefix="passage-")
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "rag.loaders.worker", str(memory_mb), str(niceness)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=_environment(self._folder.name),
            start_new_session=True,
        )
        self._memory_mb = memory_mb
        self._usage = psutil.Process(self._process.pid)
        self._base: int | None = None
        self._highest = 0
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._asked = 0
        self._reader = threading.Thread(target=self._read, name="rag-parser", daemon=True)
        self._reader.start()

    def answer(
        self,
        request: dict[str, Any],
        name: str,
        seconds: float,
        cancelled: Callable[[], bool],
        on_progress: OnProgress,
    ) -> dict[str, Any]:
        """Send a request and wait for its answer; whenever the worker tells its progress, time begins anew.

        Raises DocumentError at a limit or crash, and Cancelled.
        """
        too_long = _out_of_time(name, seconds)
        deadline = time.monotonic() + seconds
        self._asked += 1
        self._check(name, too_long, deadline, cancelled)
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps({**request, "seconds": seconds + 5}).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self._crashed(name) from error
        while True:
            try:
                line = self._answers.get(timeout=POLL_SECONDS)
            except queue.Empty:
                self._check(name, too_long, deadline, cancelled)
                continue
            if not line:
                raise self._crashed(name)
            answer: dict[str, Any] = json.loads(line)
            if "progress" not in answer:
                return answer
            on_progress(*answer["progress"])
            too_long = _page_out_of_time(name, seconds)
            deadline = time.monotonic() + seconds
            self._check(name, too_long, deadline, cancelled)

    def is_spent(self) -> bool:
        """Whether the process ended, has read its share of files, or did not give memory back."""
        if self._process.poll() is not None or self._asked >= FILES_PER_WORKER:
            return True
        return self._rss() - (self._base or 0) > GROWTH_MB << 20

    def kill(self) -> None:
        """End the process and wait for it."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._folder.cleanup()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:
                continue

    def _read(self) -> None:
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            self._answers.put(line)
        self._answers.put(b"")

    def _check(
        self, name: str, too_long: DocumentError, deadline: float, cancelled: Callable[[], bool]
    ) -> None:
        if cancelled():
            raise Cancelled("Stopped.")
        if time.monotonic() > deadline:
            raise too_long
        rss = self._rss()
        self._base = rss if self._base is None else min(self._base, rss)
        self._highest = max(self._highest, rss)
        if rss > self._base + (self._memory_mb << 20):
            raise out_of_memory(name, self._memory_mb)

    def _rss(self) -> int:
        import psutil

        try:
            return int(self._usage.memory_info().rss)
        except psutil.Error:
            return 0

    def _crashed(self, name: str) -> DocumentError:
        status = self._process.wait()
        if status == -getattr(signal, "SIGXCPU", 0):
            return DocumentError(
                "{name} took too much processor time to read and was stopped. Split it and add the parts.",
                name=name,
            )
        grown = self._highest - (self._base or 0)
        # Libraries abort where they are given no memory, mostly while they double what they have.
        if status == -getattr(signal, "SIGKILL", 9) or grown > self._memory_mb << 20 >> 2:
            return out_of_memory(name, self._memory_mb)
        return DocumentError(
            "{name} made the reader crash (status {status}): it is damaged, or needs more than {limit} MB "
            "of memory. Save it again, or raise RAG_PARSE_MEMORY_MB, and add it again.",
            name=name,
            status=status,
            limit=self._memory_mb,
        )


def _environment(folder: str) -> dict[str, str]:
    """The worker's environment: where to find our code, a folder for its temporary files, and no secrets."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), folder)
    return {**kept, **temporary, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUTF8": "1"}


def out_of_memory(name: str, limit: int) -> DocumentError:
    return DocumentError(
        "{name} needs more than {limit} MB of memory to read and was stopped. "
        "Split it, or raise RAG_PARSE_MEMORY_MB.",
        name=name,
        limit=limit,
    )


def _out_of_time(name: str, seconds: float) -> DocumentError:
    return DocumentError(
        "{name} took longer than {seconds} seconds to read and was stopped. "
        "Split it, or raise RAG_PARSE_TIMEOUT.",
        name=name,
        seconds=round(seconds) if seconds >= 1 else seconds,
    )


def _page_out_of_time(name: str, seconds: float) -> DocumentError:
    return DocumentError(
        "A page of {name} took longer than {seconds} seconds to recognise and was stopped. "
        "Scan it in a lower resolution, or raise RAG_PARSE_TIMEOUT.",
        name=name,
        seconds=round(seconds) if seconds >= 1 else seconds,
    )
