"""Finds the files of a model that lies in a folder, in the hub's cache, or on the hub."""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rag.documents import Notice
from rag.errors import ProviderError
from rag.model_files.hub import offline

_SMALL_FILES = ("*.json", "*.txt", "*.model")
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")  # transformers reads the latter without running its pickle
_ANSWER_SECONDS = 10.0
_UNUSED_FOLDERS = ("onnx", "openvino")
_UNUSED = [f"{before}{folder}/*" for folder in _UNUSED_FOLDERS for before in ("", "*/")]


@dataclass(frozen=True, slots=True)
class HubModel:
    """A model's files. `revision` is the hub's commit, or a SHA-256 over the weights in a folder."""

    folder: Path
    revision: str


def find_model(name: str, *, cache: Path, hub_url: str | None = None) -> HubModel:
    """The folder `name`, or the model of that name on the hub, downloaded to `cache` if it is not there.

    What is in the cache is used as it is: a new revision on the hub would not fit the vectors made so far.
    `hub_url` is None for HF_ENDPOINT or the library's own hub. Raises ProviderError.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return HubModel(folder.absolute(), _digest(folder))
    snapshot = _cached(name, cache) or _download(name, cache, hub_url or os.environ.get("HF_ENDPOINT"))
    return HubModel(snapshot, snapshot.name)


def _cached(name: str, cache: Path) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = snapshot_download(
            name,
            cache_dir=cache,
            local_files_only=True,
            allow_patterns=[*_SMALL_FILES, _WEIGHTS[0]],
            ignore_patterns=_UNUSED,
        )
    except HFValidationError:
        raise ProviderError(
            "{model} is neither a folder nor a name such as BAAI/bge-m3. Correct the model's name.",
            model=name,
        ) from None
    except (LocalEntryNotFoundError, OSError):
        return None
    snapshot = Path(folder)
    return snapshot if _complete(snapshot) else None


def _download(name: str, cache: Path, hub_url: str | None) -> Path:
    if offline():
        raise _unobtainable(name, cache, Notice("HF_HUB_OFFLINE is set"))
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import HfApi, snapshot_download

    try:
        # Unlike the listing of a tree, this fails at once where the hub cannot be reached.
        siblings = HfApi(endpoint=hub_url).model_info(name, timeout=_ANSWER_SECONDS).siblings
        files = [file.rfilename for file in siblings or ()]
        folder = snapshot_download(
            name, cache_dir=cache, endpoint=hub_url, allow_patterns=sorted(_needed(files))
        )
    except Exception as error:  # the hub's client lets through those of its HTTP library and the disk's
        raise _unobtainable(name, cache, " ".join(str(error).split())[:300]) from error
    return Path(folder)


def _unobtainable(name: str, cache: Path, reason: str | Notice) -> ProviderError:
    return ProviderError(
        "The model {model} is not in {cache} and could not be downloaded: {reason}. Check its name and the "
        "network, or set HF_ENDPOINT to a mirror. Without a network, copy the model's folder to this machine "
        "and name the model by the folder's path.",
        model=name,
        cache=cache,
        reason=reason,
    )


def _needed(files: Iterable[str]) -> set[str]:
    """The files that torch needs of a repository: small ones, and the weights in one form only."""
    paths = [PurePosixPath(file) for file in files]
    paths = [path for path in paths if not set(_UNUSED_FOLDERS).intersection(path.parts)]
    safe = {path.parent for path in paths if path.match(_WEIGHTS[0])}
    return {
        str(path)
        for path in paths
        if any(map(path.match, (*_SMALL_FILES, _WEIGHTS[0])))
        or (path.match(_WEIGHTS[1]) and path.parent not in safe)
    }


def _complete(snapshot: Path) -> bool:
    """Whether there are weights, and every file of those that an index says are in several."""
    weights = _weights(snapshot)
    try:
        parts = {
            index.parent / part
            for pattern in _WEIGHTS
            for index in snapshot.rglob(f"{pattern}.index.json")
            for part in json.loads(index.read_bytes())["weight_map"].values()
        }
        needed = _needed(path.relative_to(snapshot).as_posix() for path in (*weights, *parts))
    except (ValueError, LookupError, TypeError, AttributeError):  # an index is damaged
        return False
    return bool(weights) and all((snapshot / file).is_file() for file in needed)


def _weights(folder: Path) -> list[Path]:
    return sorted(path for pattern in _WEIGHTS for path in folder.rglob(pattern))


def _digest(folder: Path) -> str:
    """SHA-256 over the weights' files, the same wherever the folder lies."""
    digest = hashlib.sha256()
    for path in _weights(folder):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
