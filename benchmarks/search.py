"""Search among many chunks: `python -m benchmarks.search CHUNKS`.

Hybrid search as the app does it, with and without filters, against what it cannot do without: embedding the
question and one plain Chroma query over the same vectors. Everything is real but the texts, which are words
drawn by Zipf's law, and the vectors, which are drawn around 2,000 centres. All in one run, in turns.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import psutil

from rag.catalog import Collection, text_hash
from rag.documents import Chunk, Document
from rag.embedders.base import Vectors
from rag.engine import Engine, open_engine
from rag.retrieval import Query
from rag.settings import load_settings

DOCUMENTS = 200
CENTRES = 2000
WORDS = 120  # of a chunk
VOCABULARY = 50_000
ROUNDS = 60
FILTERS: dict[str, dict[str, str | int]] = {
    "half of the chunks": {"half": 0},
    "a tenth": {"tenth": 0},
    "one document": {"document": "7.txt"},
}


def vectors_of(random: np.random.Generator, count: int, dimension: int) -> Vectors:
    """Unit vectors around centres: shape (count, dimension)."""
    centres = random.standard_normal((CENTRES, dimension), np.float32)
    found = centres[random.integers(CENTRES, size=count)]
    found += 0.7 * random.standard_normal((count, dimension), np.float32)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def texts_of(random: np.random.Generator, count: int) -> Iterator[str]:
    """Texts whose words are as unevenly frequent as those of a language."""
    for _ in range(count):
        yield " ".join(f"w{word % VOCABULARY}" for word in random.zipf(1.2, WORDS))


def fill(engine: Engine, collection: Collection, chunks: int) -> tuple[Sequence[str], Vectors]:
    """Write the chunks to the catalogue and both indexes; their ids and vectors."""
    random = np.random.default_rng(0)
    vectors = vectors_of(random, chunks, collection.fingerprint.dimension)
    each = chunks // DOCUMENTS
    ids: list[str] = []
    for number in range(DOCUMENTS):
        rows = vectors[number * each : (number + 1) * each]
        pieces = [Chunk(text, WORDS) for text in texts_of(random, each)]
        engine.catalog.vectors.save(
            collection.fingerprint, [text_hash(piece.embedded_text) for piece in pieces], rows
        )
        document = Document(
            id=f"d{number:03}", collection_id=collection.id, name=f"{number}.txt", sha256=str(number),
            kind="txt", bytes=1, status="indexing", added_at="2026-01-01T00:00:00+00:00",
            metadata={"half": number % 2, "tenth": number % 10},
        )  # fmt: skip
        engine.catalog.documents.add(document, pieces)
        engine._indexing.publish(document)
        ids += [chunk.id for chunk in engine.catalog.documents.chunks(document.id)]
    return ids, vectors


def milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def main() -> None:
    chunks = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder, open_engine(load_settings(data_dir=Path(folder))) as engine:
        collection = engine.collection()
        ids, vectors = fill(engine, collection, chunks)
        print(f"{chunks} chunks in {DOCUMENTS} documents, {collection.fingerprint.id}")
        measure(engine, collection)
        recall(engine, collection, ids, vectors)
        print(f"memory of the process {psutil.Process().memory_info().rss >> 20} MB")


def questions() -> list[str]:
    random = np.random.default_rng(1)
    return [" ".join(f"w{word % VOCABULARY}" for word in random.zipf(1.2, 12)) for _ in range(ROUNDS)]


def measure(engine: Engine, collection: Collection) -> None:
    """Print the median time of each kind of search and of its two indispensable parts."""
    times: dict[str, list[float]] = {}
    for number, question in enumerate(questions()):
        for name, work in kinds(engine, collection, question):
            times.setdefault(name, []).append(milliseconds(work))
        if number == 0:
            print("the first time: " + ", ".join(f"{name} {each[0]:.0f} ms" for name, each in times.items()))
            times.clear()
    for name, each in times.items():
        print(f"{name:32} p50 {np.median(each):7.1f} ms   p95 {np.percentile(each, 95):7.1f} ms")
    floor = np.median(times["embed the question"]) + np.median(times["plain Chroma query"])
    print(f"hybrid / (embedding + Chroma) {np.median(times['hybrid']) / floor:.2f}")


def kinds(
    engine: Engine, collection: Collection, question: str
) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is measured for one question."""
    embedder, index = engine.models.embedder_of(collection), engine._vectors
    vector = embedder.embed_query(question)
    yield "embed the question", partial(embedder.embed_query, question)
    yield "plain Chroma query", partial(index.query, collection.index_name, vector, n=10)
    yield "hybrid", partial(engine.search, collection, Query(question))
    for name, where in FILTERS.items():
        yield f"hybrid, {name}", partial(engine.search, collection, Query(question, where=where))


def recall(engine: Engine, collection: Collection, ids: Sequence[str], vectors: Vectors) -> None:
    """Print how many of the ten nearest are found within each filter, by comparing all vectors."""
    embedder = engine.models.embedder_of(collection)
    for name, where in FILTERS.items():
        allowed = set(engine.catalog.documents.matching(collection.id, where, None))
        rows = np.array([row for row, key in enumerate(ids) if key in allowed])
        shares = []
        for question in questions()[:20]:
            best = rows[np.argsort(-(vectors[rows] @ embedder.embed_query(question)))[:10]]
            found = engine.search(collection, Query(question, k=10, mode="dense", where=where)).passages
            shares.append(len({ids[row] for row in best} & {each.chunk_id for each in found}) / 10)
        print(f"recall@10 within {name}: {np.mean(shares):.3f}")


if __name__ == "__main__":
    main()
