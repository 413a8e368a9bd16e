"""Clients of a Chroma folder or server, and Chroma's errors turned into ours."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rag.documents import Notice
from rag.errors import RagError, StoreError, UsageError

if TYPE_CHECKING:
    from chromadb.api import ClientAPI

_making = threading.Lock()  # Chroma cannot make two clients at a time


def open_folder(folder: Path) -> ClientAPI:
    """Chroma in a folder, which is made if need be. Raises StoreError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            "The folder {folder} cannot be written: {reason}. Check it, or set RAG_DATA_DIR.",
            folder=folder.parent,
            reason=error.strerror or error,
        ) from error
    import chromadb
    from chromadb.api.shared_system_client import SharedSystemClient

    with _making, mapped(Notice("open the index")):
        try:
            return chromadb.PersistentClient(str(folder), settings=_quiet())
        except BaseException:
            SharedSystemClient.clear_system_cache()  # it would give out what could not be opened for ever
            raise


def open_memory() -> ClientAPI:
    """Chroma in the memory of this process, gone with it. Raises StoreError."""
    import chromadb

    with mapped(Notice("open the index")), _making:
        return chromadb.EphemeralClient(settings=_quiet())


@dataclass(frozen=True, slots=True)
class CloudAccess:
    """What Chroma Cloud asks for: a key, which is never shown, and whose database it opens."""

    key: str = field(repr=False)
    tenant: str
    database: str


def connect_server(address: str, cloud: CloudAccess | None = None) -> ClientAPI:
    """The Chroma server at an address, or Chroma Cloud there.

    Raises UsageError for what is no address, StoreError where none answers.
    """
    import chromadb

    url = urlsplit(address)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise UsageError("RAG_CHROMA_URL is {url}; it should look like http://127.0.0.1:8000.", url=address)
    try:
        with _making:
            return chromadb.HttpClient(
                host=url.hostname,
                port=url.port or (443 if url.scheme == "https" else 80),
                ssl=url.scheme == "https",
                settings=_quiet(),
                **_login(cloud),
            )
    except Exception as error:
        if cloud:
            raise StoreError(
                "Chroma Cloud at {url} does not let Passage in. Check RAG_CHROMA_CLOUD_KEY, "
                "RAG_CHROMA_CLOUD_TENANT and RAG_CHROMA_CLOUD_DATABASE, and the connection.",
                url=address,
            ) from error
        raise StoreError(
            "No Chroma server answers at {url}. Start it, or unset RAG_CHROMA_URL to use a local folder.",
            url=address,
        ) from error


def _login(cloud: CloudAccess | None) -> dict[str, Any]:
    """Chroma Cloud's own client sends the same: its key in this header."""
    if cloud is None:
        return {}
    return {
        "headers": {"x-chroma-token": cloud.key},
        "tenant": cloud.tenant,
        "database": cloud.database,
    }


def close_client(client: ClientAPI) -> None:
    """End a client, with the connections to a server, which Chroma leaves open."""
    opened: Any = client
    opened.close()
    for server in (opened._server, opened._admin_client._server):
        if session := getattr(server, "_session", None):
            session.close()


def _quiet() -> Any:
    from chromadb.config import Settings

    logging.getLogger("chromadb").setLevel(logging.ERROR)
    return Settings(anonymized_telemetry=False)


@contextmanager
def mapped(action: Notice) -> Iterator[None]:
    """Turns Chroma's errors into ours at this one border, its Rust panics too."""
    try:
        yield
    except RagError:
        raise
    except BaseException as error:
        raise StoreError(
            "Chroma could not {action}: {reason}. Run: rag check --repair",
            action=action,
            reason=reason_of(error),
        ) from error


def reason_of(error: BaseException) -> str:
    """What Chroma says went wrong, on one line; what is no error of its own is raised again."""
    if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
        raise error
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
