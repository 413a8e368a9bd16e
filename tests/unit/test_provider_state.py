"""The state of the providers: what is told, what to do next, and how quickly; and Ollama's downloads."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from rag.errors import Cancelled, ProviderError
from rag.provider_state import ProviderModel, ProviderState, provider_states
from rag.providers.ollama_api import LOOK_SECONDS, pull
from rag.settings import Settings, load_settings
from tests.faults import HTML, Fault, cut, hang, status
from tests.provider_server import KEY, ProviderServer, settings_at

NOWHERE = "http://127.0.0.1:1"
VENDOR_VARIABLES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "DASHSCOPE_API_KEY", "OLLAMA_HOST", "OLLAMA_API_KEY")

MakeSettings = Callable[..., Settings]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeSettings:
    """Settings with no key, no model, no Ollama and no program of its name, but for what a test gives."""
    for name in VENDOR_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return lambda **given: load_settings(
        **{"ollama_host": NOWHERE, "models_dir": tmp_path / "models", **given}
    )


@pytest.fixture(autouse=True)
def late_threads() -> Iterator[None]:
    """No thread that was left behind outlives a test."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(5)


def state_of(settings: Settings, provider: str, task: str = "embedding") -> ProviderState:
    [found] = [each for each in provider_states(settings) if each.provider == provider and task in each.tasks]
    return found


def test_with_nothing_set_up_each_says_what_to_do(settings: MakeSettings) -> None:
    told = {(each.provider, each.tasks[0]): each for each in provider_states(settings())}
    assert {key: each.state for key, each in told.items()} == {
        ("builtin", "embedding"): "not installed",
        ("builtin", "chat"): "not installed",
        ("ollama", "embedding"): "not installed",
        ("sentence-transformers", "embedding"): "ready",
        ("transformers", "embedding"): "ready",
        ("clip", "embedding"): "ready",
        ("chroma", "embedding"): "ready",
        ("openai", "embedding"): "no key",
        ("dashscope", "embedding"): "no key",
    }
    for provider, words in {
        ("builtin", "embedding"): "rag models install multilingual-e5-small",
        ("builtin", "chat"): "rag models install qwen2.5-coder-1.5b",
        ("ollama", "embedding"): "RAG_OLLAMA_HOST",
        ("openai", "embedding"): "OPENAI_API_KEY",
        ("dashscope", "embedding"): "DASHSCOPE_API_KEY",
    }.items():
        assert words in str(told[provider].notice)


def test_with_all_set_up_they_are_ready(provider_server: ProviderServer, models_dir: Path) -> None:
    found = provider_states(settings_at(provider_server.url, models_dir=models_dir))
    assert {each.state for each in found} == {"ready"}
    assert all(each.is_local for each in found)


@pytest.mark.usefixtures("unhurried")
def test_what_each_has_is_listed(
    settings: MakeSettings, provider_server: ProviderServer, tmp_path: Path
) -> None:
    own = tmp_path / "models" / "my-model"
    own.mkdir(parents=True)
    for name in ("tokenizer.json", "model.onnx"):
        (own / name).touch()
    given = settings(ollama_host=provider_server.url, openai_base_url=f"{provider_server.url}/v1/")
    assert state_of(given, "builtin").models == (ProviderModel("my-model", ("embedding",)),)
    tasks = {model.name: model.tasks for model in state_of(given, "ollama").models}
    assert (tasks["qwen3:8b"], tasks["bge-m3:latest"]) == (("chat",), ("embedding",))
    assert {model.bytes for model in state_of(given, "ollama").models} == {1}
    assert state_of(given, "openai").models == (ProviderModel("m", ("embedding", "chat")),)


@pytest.mark.usefixtures("unhurried")
def test_an_ollama_without_models_says_how_to_get_one(
    settings: MakeSettings, provider_server: ProviderServer
) -> None:
    provider_server.ollama_models = []
    found = state_of(settings(ollama_host=provider_server.url), "ollama")
    assert found.state == "ready" and "ollama pull bge-m3" in str(found.notice)


def test_an_ollama_that_is_installed_is_to_be_started(settings: MakeSettings, tmp_path: Path) -> None:
    program = tmp_path / "ollama"
    program.touch(0o755)
    found = state_of(settings(), "ollama")
    assert found.state == "no server" and "ollama serve" in str(found.notice)


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize(
    ("fault", "state", "words"),
    [
        (status(401, "wrong key sk-secret-123"), "no key", "OPENAI_API_KEY"),
        (status(403), "no key", "OPENAI_API_KEY"),
        (status(404), "ready", ""),
        (status(429), "ready", "takes no more"),
        (status(500), "no server", "internal error"),
        (HTML, "no server", "RAG_OPENAI_BASE_URL"),
        (cut(), "no server", "cannot be reached"),
        (hang(), "no server", "has not answered"),
    ],
    ids=lambda value: value.kind + str(value.status) if isinstance(value, Fault) else None,
)
def test_a_server_that_misbehaves_is_told(
    fault: Fault, state: str, words: str, provider_server: ProviderServer
) -> None:
    provider_server.script("/v1/models", [fault])
    found = state_of(settings_at(provider_server.url), "openai")
    assert found.state == state
    assert words in str(found.notice or "")
    assert KEY.get_secret_value() not in repr(found)


def test_a_server_that_wants_a_key_says_where_it_goes(
    settings: MakeSettings, provider_server: ProviderServer
) -> None:
    provider_server.script("/v1/models", [status(401)])
    found = state_of(settings(openai_base_url=f"{provider_server.url}/v1"), "openai")
    assert found.state == "no key" and "Set OPENAI_API_KEY" in str(found.notice)


@pytest.mark.parametrize(
    "given",
    [
        {"openai_base_url": f"{NOWHERE}/v1"},
        {"openai_base_url": f"{NOWHERE}/v1", "openai_api_key": "schlüssel"},
    ],
)
def test_what_is_set_wrong_is_told(given: dict[str, str], settings: MakeSettings) -> None:
    found = state_of(settings(**given), "openai")
    assert found.state in ("no server", "no key")
    assert "OPENAI" in str(found.notice)


def test_an_address_with_a_password_is_shown_without(settings: MakeSettings) -> None:
    found = state_of(settings(openai_base_url="http://me:secret@127.0.0.1:1/v1"), "openai")
    assert found.host == "127.0.0.1:1"
    assert "secret" not in repr(found)


def test_openai_itself_is_not_asked(settings: MakeSettings) -> None:
    found = state_of(settings(openai_api_key="k"), "openai")
    assert (found.state, found.host, found.is_local) == ("ready", "api.openai.com", False)


def test_a_models_folder_that_cannot_be_read_is_told(settings: MakeSettings) -> None:
    found = state_of(settings(models_dir=Path("/" + "x" * 300)), "builtin")
    assert found.state == "not installed" and "RAG_MODELS_DIR" in str(found.notice)


def test_missing_packages_are_named_with_the_command(
    settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # as if it were not installed
    for provider in ("sentence-transformers", "transformers", "clip"):
        found = state_of(settings(), provider)
        assert found.state == "not installed"
        assert "pip install 'passage[sentence-transformers]'" in str(found.notice)


def test_silent_servers_are_not_waited_for(settings: MakeSettings, provider_server: ProviderServer) -> None:
    provider_states(settings())  # the first imports take longer than a look
    for path in ("/v1/models", "/api/tags", "/api/tags"):
        provider_server.script(path, [hang()])
    start = time.monotonic()
    found = provider_states(settings_at(provider_server.url))
    assert time.monotonic() - start < LOOK_SECONDS + 5  # one after another they would take minutes
    assert [each.state for each in found if each.provider in ("ollama", "openai")] == [
        "not installed",
        "no server",
    ]


def test_nothing_heavy_is_loaded() -> None:
    program = (
        "import sys; from rag.provider_state import provider_states; from rag.settings import load_settings;"
        f"provider_states(load_settings(ollama_host='{NOWHERE}'));"
        "print({'torch', 'transformers', 'openai', 'chromadb', 'dashscope', 'openvino'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


class Registry(ThreadingHTTPServer):
    """An Ollama that pulls: it answers with `lines` and what it was asked is in `asked`."""

    def __init__(self, lines: list[dict[str, Any]]) -> None:
        super().__init__(("127.0.0.1", 0), _Puller)
        self.lines = lines
        self.asked: list[Any] = []


class _Puller(BaseHTTPRequestHandler):
    server: Registry

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        self.server.asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.end_headers()
        for line in self.server.lines:
            self.wfile.write(json.dumps(line).encode() + b"\n")


@pytest.fixture
def registry() -> Iterator[Callable[..., Registry]]:
    servers: list[tuple[Registry, threading.Thread]] = []

    def start(*lines: dict[str, Any]) -> Registry:
        server = Registry(list(lines))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return server

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def at(server: Registry) -> Settings:
    return load_settings(ollama_host=f"http://127.0.0.1:{server.server_address[1]}", request_timeout=0.5)


LAYERS: tuple[dict[str, Any], ...] = (
    {"status": "pulling manifest"},
    {"status": "pulling aaa", "digest": "sha256:aaa", "total": 100},
    {"status": "pulling aaa", "digest": "sha256:aaa", "total": 100, "completed": 60},
    {"status": "pulling aaa", "digest": "sha256:aaa", "total": 100, "completed": 100},
    {"status": "pulling bbb", "digest": "sha256:bbb", "total": 20, "completed": 20},
    {"status": "verifying sha256 digest"},
    {"status": "success"},
)


def test_a_pull_tells_the_bytes_of_all_layers(registry: Callable[..., Registry]) -> None:
    server = registry(*LAYERS)
    told: list[tuple[str, int, int]] = []
    pull(at(server), "bge-m3", lambda *progress: told.append(progress))
    assert [progress[1:] for progress in told] == [
        (0, 0), (0, 100), (60, 100), (100, 100), (120, 120), (120, 120), (120, 120),
    ]  # fmt: skip
    assert told[-1][0] == "success"
    assert server.asked[0]["model"] == "bge-m3"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([{"status": "pulling manifest"}, {"error": "pull model manifest: file does not exist"}],
         "could not download bge-m4 (pull model manifest: file does not exist). Check the model's name"),
        (LAYERS[:3], "closed the connection"),
    ],
)  # fmt: skip
def test_a_pull_that_fails_says_why(
    lines: list[dict[str, Any]], words: str, registry: Callable[..., Registry]
) -> None:
    with pytest.raises(ProviderError) as failed:
        pull(at(registry(*lines)), "bge-m4", lambda *_: None)
    assert words in str(failed.value)


def test_a_pull_from_nobody_says_so() -> None:
    with pytest.raises(ProviderError, match="cannot be reached"):
        pull(load_settings(ollama_host=NOWHERE), "bge-m3", lambda *_: None)


def test_a_pull_can_be_stopped(registry: Callable[..., Registry]) -> None:
    def stop(_status: str, done: int, _total: int) -> None:
        if done:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        pull(at(registry(*LAYERS)), "bge-m3", stop)
