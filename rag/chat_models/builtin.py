"""The built-in chat model: a GGUF file in a process of its own, which needs no network and no key."""

import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import SecretStr

from rag.chat_models.base import Message
from rag.chat_models.llama_server import KEY_VARIABLE
from rag.chat_models.openai import stream_chat
from rag.documents import Notice
from rag.errors import ProviderError
from rag.providers.failures import Server

START_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class _Running:
    process: subprocess.Popen[bytes]
    address: str
    key: SecretStr


class BuiltinChat:
    """A small language model on this machine, in a server process that starts when needed: keep one.

    `gguf` is the model's file; `timeout` is the longest silence in seconds, and reading a prompt is silent.
    """

    # It reads about fifty tokens a second: this is how long one waits for the first word.
    context_tokens = 300
    follows_citation_rules = False
    is_local = True
    host = ""

    def __init__(self, model: str, *, gguf: Path, timeout: float = 300.0) -> None:
        self.id = f"builtin:{model}"
        self._model = model
        self._gguf = gguf
        self._timeout = timeout
        self._lock = threading.Lock()
        self._running: _Running | None = None

    def stream(self, messages: Sequence[Message]) -> Iterator[str]:
        """Pieces of the answer as they come; closing it stops the generation. Raises ProviderError."""
        running = self._started()
        server = Server("llama.cpp", f"{running.address}/v1", self._model, self._timeout, running.key)
        yield from stream_chat(server, messages)

    def warm_up(self) -> None:
        """Start the server in the background; if that fails, the first question tells why."""
        threading.Thread(target=self._try_start, daemon=True).start()

    def close(self) -> None:
        """Stop the server; the next question starts it again."""
        with self._lock:
            if self._running:
                _stop(self._running.process)
            self._running = None

    def _try_start(self) -> None:
        try:
            self._started()
        except ProviderError:
            return

    def _started(self) -> _Running:
        with self._lock:
            if self._running and self._running.process.poll() is not None:
                _stop(self._running.process)
                self._running = None
            if not self._running:
                self._running = _start(self._gguf)
            return self._running


def _start(gguf: Path) -> _Running:
    key = secrets.token_urlsafe(32)
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "rag.chat_models.llama_server", str(gguf)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, KEY_VARIABLE: key},
            cwd=Path(__file__).parents[2],
        )
        assert process.stdout
        too_late = threading.Timer(START_SECONDS, process.kill)
        too_late.start()
        try:
            address = process.stdout.readline().decode().strip()
        finally:
            too_late.cancel()
        if not address:
            _stop(process)
            raise ProviderError(
                "The built-in model could not start from {path}: {reason}. "
                "Install it again, or choose another model.",
                path=gguf,
                reason=_reason(process.returncode, errors),
            )
    return _Running(process, address, SecretStr(key))


def _reason(status: int, errors: IO[bytes]) -> str | Notice:
    if status == -signal.SIGKILL:
        return Notice("it was killed, probably because memory ran out or it took too long")
    if status < 0:
        return Notice("its process ended with {signal}", {"signal": signal.Signals(-status).name})
    errors.seek(0)
    lines = errors.read().decode(errors="replace").strip().splitlines()
    if not lines:
        return Notice("its process ended with status {status}", {"status": status})
    # llama.cpp puts the time and the level before its words; its first complaint is the cause.
    return re.sub(r"^[\d.]+ [A-Z] +", "", lines[0])


def _stop(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin and process.stdout
    process.stdin.close()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
