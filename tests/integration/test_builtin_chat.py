"""The built-in chat model with a real GGUF file: SmolLM2 135M, real, fast, and wrong about most things."""

import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import cast

import httpx
import psutil
import pytest

from rag.chat_models.base import Message
from rag.chat_models.builtin import BuiltinChat
from rag.errors import ProviderError
from rag.model_files import installed, model_path
from rag.settings import load_settings
from tests.chat_model_conformance import QUESTION, ChatModelConformance

MODEL = "smollm2-135m"
LONG = [Message("user", "Tell me a very long story about a river and every town on it.")]


@pytest.fixture(scope="module")
def gguf() -> Path:
    """The file of a real small model; without it the test is skipped, or fails where CI must have it."""
    settings = load_settings()
    if not installed(settings, MODEL):
        message = f"{MODEL} is not in {settings.models_dir}: rag models install {MODEL}"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    return model_path(settings, MODEL)


@pytest.fixture(scope="module")
def shared(gguf: Path) -> Iterator[BuiltinChat]:
    chat = BuiltinChat(MODEL, gguf=gguf)
    yield chat
    chat.close()


@pytest.fixture
def chat(shared: BuiltinChat) -> BuiltinChat:
    return shared


@pytest.fixture
def server(chat: BuiltinChat) -> psutil.Process:
    """The process of `chat`, running."""
    list(chat.stream(QUESTION))
    (process,) = _servers()
    return process


def _servers() -> list[psutil.Process]:
    children = psutil.Process().children()
    return [child for child in children if "rag.chat_models.llama_server" in child.cmdline()]


class TestConformance(ChatModelConformance):
    pass


def test_only_this_machine_may_ask_and_only_with_the_key(server: psutil.Process) -> None:
    listening = [c.laddr for c in server.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    assert [address.ip for address in listening] == ["127.0.0.1"]
    url = f"http://127.0.0.1:{listening[0].port}"
    headers = {"Origin": "http://evil.example"}
    reply = httpx.post(f"{url}/v1/chat/completions", json={}, headers=headers, trust_env=False)
    assert reply.status_code == 401
    assert reply.headers.get("access-control-allow-origin") not in ("*", "http://evil.example")
    assert httpx.get(url, trust_env=False).status_code in (401, 404)


def test_the_key_is_no_argument(server: psutil.Process, gguf: Path) -> None:
    assert server.cmdline()[1:] == ["-m", "rag.chat_models.llama_server", str(gguf)]


def test_closing_the_stream_stops_the_generation(server: psutil.Process, chat: BuiltinChat) -> None:
    streams = [cast(Generator[str], chat.stream(LONG)) for _ in range(2)]
    for stream in streams:
        next(stream)
    for stream in streams:
        stream.close()
    # An idle server uses no processor time; a generating one as much as it gets.
    assert any(server.cpu_percent(interval=0.3) < 1 for _ in range(10))


class TestProcess:
    """With a server of its own for each test."""

    @pytest.fixture
    def chat(self, gguf: Path, shared: BuiltinChat) -> Iterator[BuiltinChat]:
        shared.close()
        chat = BuiltinChat(MODEL, gguf=gguf)
        yield chat
        chat.close()
        assert _servers() == []

    def test_starts_with_the_first_question(self, chat: BuiltinChat) -> None:
        stream = chat.stream(QUESTION)
        assert _servers() == []
        assert list(stream)
        assert len(_servers()) == 1

    def test_warming_up_starts_it_once(self, chat: BuiltinChat) -> None:
        chat.warm_up()
        assert list(chat.stream(QUESTION))
        assert len(_servers()) == 1

    def test_is_started_again_when_it_died(self, chat: BuiltinChat, server: psutil.Process) -> None:
        server.kill()
        server.wait(10)
        assert list(chat.stream(QUESTION))
        assert _servers() != [server]

    def test_is_started_again_after_closing(self, chat: BuiltinChat, server: psutil.Process) -> None:
        chat.close()
        assert not server.is_running()
        assert list(chat.stream(QUESTION))

    def test_says_that_it_died_in_the_middle(self, chat: BuiltinChat, server: psutil.Process) -> None:
        stream = chat.stream(LONG)
        next(stream)
        server.kill()
        with pytest.raises(ProviderError, match="The answer broke off: llama"):
            list(stream)


def test_says_why_it_cannot_start(tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"this is no model")
    with pytest.raises(ProviderError, match=r"could not start from .*broken\.gguf: .*expected 'GGUF'"):
        list(BuiltinChat("m", gguf=path).stream(QUESTION))


PARENT = """
import sys
from pathlib import Path
from rag.chat_models.base import Message
from rag.chat_models.builtin import BuiltinChat

chat = BuiltinChat("m", gguf=Path(sys.argv[1]))
stream = chat.stream([Message("user", "Tell me a very long story.")])
print(len(next(stream)), flush=True)
sys.stdin.read()
"""


def test_ends_when_its_parent_is_killed(gguf: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(gguf)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout
        assert parent.stdout.readline()
        (server,) = psutil.Process(parent.pid).children()
        parent.kill()
    server.wait(10)
    assert not server.is_running()
