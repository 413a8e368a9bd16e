"""Downloads a file from a model hub, going on where an earlier attempt stopped."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import httpx

from rag.errors import ProviderError
from rag.model_files.table import HubFile

_DEFAULT_HUB = "https://huggingface.co"
_CONNECT_SECONDS = 5.0
_BARREN_ATTEMPTS = 3


class _Unusable(Exception):
    """The server's answer is not the file: trying again does not help."""


def offline() -> bool:
    """Whether HF_HUB_OFFLINE asks to leave the hub alone."""
    return os.environ.get("HF_HUB_OFFLINE", "").strip().lower() in {"1", "true", "yes", "on"}


def download(
    source: HubFile,
    target: Path,
    size: int,
    *,
    hub_url: str | None,
    timeout: float,
    on_bytes: Callable[[int], None],
) -> None:
    """Download the file to `target`, resuming what is there; `on_bytes` is told how many bytes are there.

    A broken connection is taken up again as long as each attempt brings something. Raises ProviderError.
    """
    if offline():
        raise ProviderError("HF_HUB_OFFLINE is set")
    url = f"{(hub_url or _DEFAULT_HUB).rstrip('/')}/{source.repository}/resolve/main/{source.path}"
    barren = 0
    with httpx.Client(
        timeout=httpx.Timeout(timeout, connect=_CONNECT_SECONDS), follow_redirects=True
    ) as client:
        while _there(target) < size:
            before = _there(target)
            try:
                _attempt(client, url, target, size, on_bytes)
                reason = "the connection ended early"
            except httpx.TransportError as error:
                reason = str(error) or type(error).__name__
            except (httpx.InvalidURL, httpx.TooManyRedirects, _Unusable) as error:
                raise ProviderError("{url}: {reason}", url=url, reason=error) from error
            barren = 0 if _there(target) > before else barren + 1
            if barren == _BARREN_ATTEMPTS:
                raise ProviderError("{url}: {reason}", url=url, reason=reason)


def _attempt(
    client: httpx.Client, url: str, target: Path, size: int, on_bytes: Callable[[int], None]
) -> None:
    start = _there(target)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with client.stream("GET", url, headers=headers) as response:
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        if resumed and not re.match(rf"bytes {start}-", response.headers.get("Content-Range", "")):
            raise _Unusable("the server resumed at another place")
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            target.unlink()
            raise _Unusable("the server's file is shorter than expected")
        if not resumed and response.status_code != httpx.codes.OK:
            raise _Unusable(f"HTTP {response.status_code} {response.reason_phrase}")
        with target.open("ab" if resumed else "wb") as file:
            _receive(response, file.write, start if resumed else 0, size, on_bytes)


def _receive(
    response: httpx.Response,
    write: Callable[[bytes], int],
    done: int,
    size: int,
    on_bytes: Callable[[int], None],
) -> None:
    for block in response.iter_bytes(1 << 20):
        done += len(block)
        if done > size:
            raise _Unusable("the server's file is longer than expected")
        write(block)
        on_bytes(done)


def _there(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
