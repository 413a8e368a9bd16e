"""A local server that speaks OpenAI, Ollama and DashScope, and misbehaves as it is told.

Everything goes out in slices of a few bytes, so that characters and events are cut wherever they may be.
"""

import base64
import hashlib
import io
import json
import select
import socket
import struct
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import SecretStr

from rag import provider_state
from rag.chat_models import ollama
from rag.providers import ollama_api
from rag.settings import Settings, load_settings
from tests import wire_formats
from tests.faults import Fault

OPENAI_CHAT = "/v1/chat/completions"
OPENAI_EMBED = "/v1/embeddings"
OLLAMA_CHAT = "/api/chat"
OLLAMA_EMBED = "/api/embed"
DASHSCOPE_CHAT = "/api/v1/services/aigc/text-generation/generation"
DASHSCOPE_EMBED = "/api/v1/services/embeddings/text-embedding/text-embedding"
DASHSCOPE_PICTURES = "/api/v1/services/embeddings/multimodal-embedding/multimodal-embedding"

OPENAI_RERANK = "/v1/rerank"
DASHSCOPE_RERANK = "/api/v1/services/rerank/text-rerank/text-rerank"

KEY = SecretStr("sk-secret-123")
TIMEOUT = 0.5
DIMENSION = 8
SLICE = 5
PIECES = ("Rollo ", "led them. ", "答案在资料", "中 🙂", ".")


@dataclass
class Request:
    """What a client sent. `disconnected` is set when it hung up before its reply was complete."""

    path: str
    headers: dict[str, str]
    body: Any
    disconnected: threading.Event = field(default_factory=threading.Event)


class ProviderServer(ThreadingHTTPServer):
    """Start it with `with`; `url` has no slash at its end.

    `pieces` is what every chat model answers; other `weights` give other vectors under the same names.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pieces: Sequence[str] = PIECES
        self.weights = ""
        self.ollama_models = [
            ollama_model("qwen3:8b", "8.2B"),
            ollama_model("bge-m3:latest", "566.70M", "bert", context=8192),
            ollama_model("nomic-embed-text:latest", "137M", "nomic-bert", context=2048),
            ollama_model("all-minilm:latest", "23M", "bert", context=512),
        ]
        self.requests: list[Request] = []
        self.base64 = False  # whether vectors are written in it even where it was not asked for
        self._faults: dict[str, deque[Fault | None]] = defaultdict(deque)
        self._ending, self._end = socket.socketpair()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def script(self, path: str, faults: Iterable[Fault | None]) -> None:
        """The next requests to `path` meet these faults, one each (None: none); then all is well again."""
        self._faults[path].extend(faults)

    def next_fault(self, path: str) -> Fault | None:
        return self._faults[path].popleft() if self._faults[path] else None

    def wait_for_hang_up(self, client: socket.socket) -> bool:
        """Whether the client went away (True) or this server is ending (False)."""
        readable, _, _ = select.select([client, self._ending], [], [])
        return self._ending not in readable

    def __enter__(self) -> "ProviderServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.close()
        self.shutdown()
        self._thread.join()
        self.server_close()
        self._ending.close()


@pytest.fixture
def provider_server() -> Iterator[ProviderServer]:
    with ProviderServer() as server:
        yield server


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at what a server has waits for it, however busy this machine is."""
    for module in (ollama_api, ollama, provider_state):
        monkeypatch.setattr(module, "LOOK_SECONDS", 3.0)


def settings_at(url: str, **given: Any) -> Settings:
    """Settings with every provider at `url`, a key, and a short patience."""
    servers = {"openai_base_url": f"{url}/v1", "ollama_host": url, "dashscope_base_url": f"{url}/api/v1"}
    keys = {"openai_api_key": KEY, "dashscope_api_key": KEY}
    return load_settings(**{**servers, **keys, "request_timeout": TIMEOUT, **given})


def ollama_model(
    name: str, parameters: str, family: str = "qwen3", *, context: int | None = None
) -> dict[str, Any]:
    """A model as Ollama's /api/tags lists it, with the part of /api/show that tells its window."""
    details = {"family": family, "families": [family], "parameter_size": parameters, "format": "gguf"}
    told = {"general.architecture": family, f"{family}.context_length": context} if context else {}
    digest = hashlib.sha256(name.encode()).hexdigest()
    return {
        "name": name,
        "model": name,
        "digest": digest,
        "size": 1,
        "details": details,
        "model_info": told,
    }


def vector_of(text: str, text_type: str = "document") -> list[float]:
    """The vector that every embedding model here gives a text; DashScope's tell two types apart."""
    text = text if text_type == "document" else f"{text_type}: {text}"
    return [byte / 255 for byte in hashlib.sha256(text.encode()).digest()[:DIMENSION]]


def score_of(question: str, text: str) -> float:
    """The score that every reranker here gives: the share of their words that both have."""
    ours, theirs = set(question.split()), set(text.split())
    return len(ours & theirs) / max(1, len(ours | theirs))


def _contents(body: Any) -> list[str]:
    """What is embedded, as texts: of a picture its colour, which is the text "red" for a red one."""
    return [each["text"] if "text" in each else _colour(each["image"]) for each in body["input"]["contents"]]


def _colour(data_uri: str) -> str:
    data = base64.b64decode(data_uri.removeprefix("data:image/jpeg;base64,"), validate=True)
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as picture:
        mean = np.asarray(picture).mean((0, 1))
    return ("red", "green", "blue")[int(mean.argmax())]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ProviderServer

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

    def _answer(self, body: Any) -> None:
        self.close_connection = True
        request = Request(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        self.server.requests.append(request)
        fault = self.server.next_fault(self.path)
        try:
            if not self._failed_at_once(fault, request):
                self._routes()[self.path](body, fault, request)
        except ConnectionError:
            request.disconnected.set()

    def _routes(self) -> dict[str, Callable[..., None]]:
        return {
            OPENAI_CHAT: self._chat(wire_formats.openai_line, wire_formats.openai_whole, b"data: [DONE]\n\n"),
            OLLAMA_CHAT: self._chat(wire_formats.ollama_line, wire_formats.ollama_whole),
            DASHSCOPE_CHAT: self._chat(wire_formats.dashscope_line, wire_formats.dashscope_whole),
            OPENAI_EMBED: self._embed(lambda body: body["input"], wire_formats.openai_vectors),
            OLLAMA_EMBED: self._embed(lambda body: body["input"], wire_formats.ollama_vectors),
            DASHSCOPE_PICTURES: self._embed(_contents, wire_formats.dashscope_multimodal_vectors),
            DASHSCOPE_EMBED: self._embed(lambda body: body["input"]["texts"], wire_formats.dashscope_vectors),
            OPENAI_RERANK: self._rerank(lambda body: body, wire_formats.openai_scores),
            DASHSCOPE_RERANK: self._rerank(lambda body: body["input"], wire_formats.dashscope_scores),
            "/v1/models": lambda *_: self._json({"object": "list", "data": [{"id": "m", "object": "model"}]}),
            "/api/tags": lambda *_: self._json({"models": self.server.ollama_models}),
            "/api/show": lambda body, *_: self._show(body["model"]),
            "/api/pull": lambda body, *_: self._pull(body["model"]),
            "/api/version": lambda *_: self._json({"version": "0.30.0"}),
        }

    def _failed_at_once(self, fault: Fault | None, request: Request) -> bool:
        if fault is None or fault.after:
            return False
        if fault.kind == "status":
            body = wire_formats.error(self.path, fault.code, fault.message, fault.param)
            self._json(body, fault.status, fault.headers)
        elif fault.kind == "html":
            self._send("text/html", b"<!doctype html><h1>Welcome to the hotel's network</h1>")
        elif fault.kind == "no body":
            self._send("application/json", b"")
        elif fault.kind == "hang":
            self._hang(request)
        elif fault.kind == "cut":
            self._break_off()
        else:
            return False
        return True

    def _chat(
        self, line: Callable[..., bytes], whole: Callable[..., Any], last: bytes = b""
    ) -> Callable[..., None]:
        ndjson = line is wire_formats.ollama_line

        def answer(body: Any, fault: Fault | None, request: Request) -> None:
            if not (body.get("stream", ndjson) or self.headers.get("x-dashscope-sse")):
                self._json(whole("".join(self.server.pieces)))
                return
            self._start("application/x-ndjson" if ndjson else "text/event-stream")
            for piece in self.server.pieces if fault is None else self.server.pieces[: fault.after]:
                self._chunk(line(piece, None))
            if fault is None or fault.kind == "stop":
                self._chunk(line("", fault.finish if fault else "stop") + last)
            self._end_stream(fault, request)

        return answer

    def _embed(self, texts_of: Callable[[Any], Any], reply: Callable[..., Any]) -> Callable[..., None]:
        def answer(body: Any, fault: Fault | None, _: Request) -> None:
            texts = texts_of(body)
            texts = [texts] if isinstance(texts, str) else texts
            if any(not text.strip() or "\0" in text for text in texts):
                self._json(wire_formats.error(self.path, "bad_input", "input cannot be empty"), 400)
                return
            text_type = body.get("parameters", {}).get("text_type", "document")
            asked = body.get("dimensions") or body.get("parameters", {}).get("dimension")
            vectors = [vector_of(self.server.weights + text, text_type)[:asked] for text in texts]
            if self.server.base64:
                body["encoding_format"] = "base64"
            if fault is None:
                self._json(reply(vectors, body))
            elif fault.kind in ("shuffled", "misnumbered"):
                self._json(wire_formats.renumbered(fault.kind, reply(vectors, body)))
            else:
                self._json(reply(wire_formats.spoiled(fault.kind, vectors), body))

        return answer

    def _rerank(self, asked_of: Callable[[Any], Any], reply: Callable[[Any], Any]) -> Callable[..., None]:
        def answer(body: Any, fault: Fault | None, _: Request) -> None:
            asked = asked_of(body)
            texts = asked["documents"]
            if not texts or any(not text.strip() or "\0" in text for text in texts):
                self._json(wire_formats.error(self.path, "bad_input", "a document is empty"), 400)
                return
            scores = [score_of(asked["query"], text) for text in texts]
            self._json(reply(wire_formats.rerank_results(scores, fault.kind if fault else "")))

        return answer

    def _end_stream(self, fault: Fault | None, request: Request) -> None:
        if fault and fault.kind == "hang":
            self._hang(request)
        elif fault and fault.kind == "cut":
            self._break_off()
        else:
            self.wfile.write(b"0\r\n\r\n")

    def _pull(self, name: str) -> None:
        self._start("application/x-ndjson")
        for done in (0, 50, 100):
            line = {"status": "pulling", "digest": "sha256:a", "total": 100, "completed": done}
            self._chunk(json.dumps(line).encode() + b"\n")
        self.server.ollama_models.append(ollama_model(name, "1B"))
        self._chunk(b'{"status": "success"}\n')
        self.wfile.write(b"0\r\n\r\n")

    def _show(self, name: str) -> None:
        for model in self.server.ollama_models:
            if model["model"] in (name, f"{name}:latest"):
                return self._json({"details": model["details"], "model_info": model["model_info"]})
        return self._json({"error": f"model '{name}' not found"}, 404)

    def _hang(self, request: Request) -> None:
        if self.server.wait_for_hang_up(self.connection):
            request.disconnected.set()

    def _break_off(self) -> None:
        # Lingering for no time sends a reset rather than an orderly end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _start(self, content_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, data: bytes) -> None:
        for start in range(0, len(data), SLICE):
            part = data[start : start + SLICE]
            self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")

    def _json(self, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send("application/json", json.dumps(body, ensure_ascii=False).encode(), status, headers)

    def _send(
        self, content_type: str, data: bytes, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        sent = {
            "Content-Type": content_type,
            "Content-Length": str(len(data)),
            "Connection": "close",
            **(headers or {}),
        }
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
