"""Chroma folders as other programs write them, and a look at whether one has changed."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import chromadb
import numpy as np
from chromadb.api import ClientAPI
from chromadb.config import Settings

from rag.embedders.base import Embedder

ANIMALS = (
    "The heron stands in shallow water and waits for fish.",
    "A badger digs its sett under the roots of old trees.",
    "Swifts sleep on the wing, high above the town.",
    "The octopus opens jars and remembers how.",
    "Bees tell one another with a dance where flowers are.",
    "A tortoise may live for a hundred and fifty years.",
)


@contextmanager
def foreign_client(folder: Path) -> Iterator[ClientAPI]:
    """A client as another program has it, closed at the end."""
    client = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
    try:
        yield client
    finally:
        client.close()


def write_plain(
    folder: Path,
    embedder: Embedder,
    texts: Sequence[str] = ANIMALS,
    metadatas: Sequence[Mapping[str, Any]] | None = None,
    name: str = "notes",
) -> None:
    """A collection by plain chromadb code with its defaults, its vectors by a model of ours."""
    with foreign_client(folder) as client:
        collection = client.get_or_create_collection(name)
        collection.add(
            ids=[f"n{number}" for number in range(len(texts))],
            documents=list(texts),
            embeddings=embedder.embed_documents(texts),
            metadatas=[dict(each) for each in metadatas] if metadatas else None,
        )


def write_numbers(folder: Path, name: str, count: int, dimension: int = 3, **options: Any) -> None:
    """A collection with random vectors, texts "text 0", "text 1" … and an index that is on disk."""
    vectors = np.random.default_rng(7).normal(size=(count, dimension)).astype(np.float32)
    with foreign_client(folder) as client:
        collection = client.create_collection(
            name, configuration={"hnsw": {"sync_threshold": 10, "batch_size": 10, **options}}
        )
        collection.add(
            ids=[f"r{number}" for number in range(count)],
            documents=[f"text {number}" for number in range(count)],
            embeddings=vectors,
        )


def state_of(folder: Path) -> dict[str, tuple[str, int, int]]:
    """Everything in a folder: each file's digest, size and time of change, the folders' times too."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
            path.stat().st_size,
            path.stat().st_mtime_ns,
        )
        for path in [folder, *sorted(folder.rglob("*"))]
    }
