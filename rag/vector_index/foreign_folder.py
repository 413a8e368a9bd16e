"""Somebody else's Chroma folder opened as a copy, and a server opened to be read.

`python -m rag.vector_index.foreign_folder COPY NAME…` reads every vector of a copied folder, but for those of
the collections that are named, and writes JSON lines: damaged files may crash the process that reads them.
"""

import json
import shutil
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from rag.errors import RagError, StoreError, UsageError
from rag.vector_index.apart import lines_of
from rag.vector_index.connecting import connect_server, open_folder
from rag.vector_index.foreign import ForeignChroma, cannot_be_read, reading
from rag.vector_index.foreign_copy import chroma_folder, copy_folder, remove_vectors

TIMEOUT = 900  # seconds


def is_address(place: str) -> bool:
    """Whether this is meant for a server's address, not for a path."""
    return place.lower().startswith(("http://", "https://"))


def open_foreign_server(address: str) -> ForeignChroma:
    """A Chroma server, to be read. Raises UsageError, StoreError."""
    url = urlsplit(address)
    origin = f"{url.scheme}://{url.netloc.rpartition('@')[2]}"
    try:
        return ForeignChroma(connect_server(address), origin)
    except UsageError as error:
        raise UsageError(
            "{url} is no address of a Chroma server. Write it like http://127.0.0.1:8000.", url=origin
        ) from error
    except StoreError as error:
        raise StoreError(
            "No Chroma server answers at {url}. Check the address, and that the server is running.",
            url=origin,
        ) from error


def open_foreign_folder(path: Path, copies: Path) -> ForeignChroma:
    """A Chroma folder, as a copy below `copies` that is removed when this is closed.

    Collections whose vector files are damaged are left their texts. Raises UsageError, StoreError.
    """
    folder = chroma_folder(path)
    copies.mkdir(parents=True, exist_ok=True)
    target = Path(tempfile.mkdtemp(dir=copies))
    try:
        copy_folder(folder, target)
        unreadable = _readable(target, str(folder))
        with reading(str(folder)):
            client = open_folder(target)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise

    def remove() -> None:
        shutil.rmtree(target, ignore_errors=True)

    return ForeignChroma(client, str(folder), unreadable=unreadable, on_close=remove)


def _readable(target: Path, origin: str) -> frozenset[str]:
    """Take damaged vector files out of a copy until the rest can be read; the collections that had them."""
    damaged: frozenset[str] = frozenset()
    while True:
        done, found, reason = _read_apart(target, damaged)
        if done and not found:
            return damaged
        if not found - damaged:
            raise cannot_be_read(origin, reason or "Chroma broke down")
        damaged |= found
        remove_vectors(target, damaged)


def _read_apart(target: Path, without: frozenset[str]) -> tuple[bool, frozenset[str], str]:
    """Read a copy in a process of its own: whether it came to its end, what is damaged, what went wrong."""
    module = "rag.vector_index.foreign_folder"
    lines = lines_of(module, str(target), *sorted(without), timeout=TIMEOUT)
    damaged = {name for event, name in lines if event == "damaged"}
    begun = [name for event, name in lines if event == "begun"]
    is_done = any(event == "done" for event, _ in lines)
    if begun and not is_done:
        damaged.add(begun[-1])
    return is_done, frozenset(damaged), next((text for event, text in lines if event == "failed"), "")


def _read(target: Path, without: frozenset[str]) -> None:
    """Read everything in a copy, and tell of it."""
    with closing(ForeignChroma(open_folder(target), "")) as foreign:
        for name in foreign.names():
            _tell("begun", name)
            try:
                if name in without:
                    foreign.collection(name)
                else:
                    foreign.read_vectors(name)
            except RagError:
                _tell("damaged", name)


def _tell(event: str, text: str) -> None:
    print(json.dumps([event, text]), flush=True)  # noqa: T201 - its parent reads it


def main() -> None:
    """Read the copy that is named."""
    try:
        _read(Path(sys.argv[1]), frozenset(sys.argv[2:]))
        _tell("done", "")
    except RagError as error:
        _tell("failed", str(error.values.get("reason", error)))


if __name__ == "__main__":
    main()
