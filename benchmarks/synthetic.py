"""Chunks made by chance, as many as wanted, a document at a time: the same for the same numbers.

The texts are words drawn by Zipf's law, as unevenly frequent as those of a language; the vectors are drawn
around 2,000 centres.
"""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.apart import Memory, memory
from rag.catalog import Collection, text_hash
from rag.documents import Chunk, Document
from rag.embedders.base import Vectors
from rag.engine import Engine, open_engine
from rag.settings import load_settings

DOCUMENTS = 200
CENTRES = 2000
WORDS = 120  # of a chunk
VOCABULARY = 50_000


def words(random: np.random.Generator, count: int) -> str:
    """A text of `count` words."""
    return " ".join(f"w{word % VOCABULARY}" for word in random.zipf(1.2, count))


def centres(dimension: int) -> Vectors:
    """What vectors lie around: shape (CENTRES, dimension)."""
    return np.random.default_rng(0).standard_normal((CENTRES, dimension), np.float32)


def around(middles: Vectors, random: np.random.Generator, count: int) -> Vectors:
    """Unit vectors: shape (count, dimension)."""
    found = middles[random.integers(len(middles), size=count)]
    found += 0.7 * random.standard_normal(found.shape, np.float32)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def vectors_of(middles: Vectors, number: int, each: int) -> Vectors:
    """The vectors of a document's chunks: shape (each, dimension)."""
    return around(middles, np.random.default_rng([1, number]), each)


def chunk_id(number: int, row: int) -> str:
    """The id that a document's chunk has in the catalogue."""
    return f"d{number:03}-{row:05}"


def build(folder: Path, each: int) -> tuple[float, Memory]:
    """Write DOCUMENTS documents of `each` chunks to the catalogue and both indexes in `folder`.

    Gives the seconds that writing took, and the memory. Progress goes to stderr.
    """
    writing = 0.0
    with open_engine(load_settings(data_dir=folder)) as engine:
        collection = engine.collection()
        middles = centres(collection.fingerprint.dimension)
        for number in range(DOCUMENTS):
            random = np.random.default_rng([2, number])
            pieces = [Chunk(words(random, WORDS), WORDS) for _ in range(each)]
            vectors = vectors_of(middles, number, each)
            started = time.perf_counter()
            _add(engine, collection, number, pieces, vectors)
            writing += time.perf_counter() - started
            if (number + 1) % (DOCUMENTS // 10) == 0:
                done = (number + 1) * each
                print(f"{done} chunks, {writing:.0f} s, {memory().now} MB", file=sys.stderr, flush=True)
    return writing, memory()


def _add(
    engine: Engine, collection: Collection, number: int, pieces: Sequence[Chunk], vectors: Vectors
) -> None:
    hashes = [text_hash(piece.embedded_text) for piece in pieces]
    engine.catalog.vectors.save(collection.fingerprint, hashes, vectors)
    document = Document(
        id=f"d{number:03}", collection_id=collection.id, name=f"{number}.txt", sha256=str(number),
        kind="txt", bytes=1, status="indexing", added_at="2026-01-01T00:00:00+00:00",
        metadata={"half": number % 2, "tenth": number % 10},
    )  # fmt: skip
    engine.catalog.documents.add(document, pieces)
    engine._indexing.publish(document)


def nearest(
    middles: Vectors, each: int, questions: Vectors, admits: Callable[[int], bool], *, n: int
) -> list[set[str]]:
    """The ids of the n chunks nearest to each question in the documents admitted, by comparing all."""
    best: list[list[tuple[float, str]]] = [[] for _ in questions]
    for number in filter(admits, range(DOCUMENTS)):
        for place, cosines in enumerate(questions @ vectors_of(middles, number, each).T):
            rows = np.argsort(-cosines)[:n]
            found = [(float(cosines[row]), chunk_id(number, int(row))) for row in rows]
            best[place] = sorted(best[place] + found, reverse=True)[:n]
    return [{key for _, key in found} for found in best]
