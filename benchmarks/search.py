"""Search among many chunks: `python -m benchmarks.search CHUNKS…`.

Hybrid search as the app does it, with and without filters, against what it cannot do without: embedding the
question and one plain Chroma query over the same vectors. Everything is real but the texts and the vectors
(`benchmarks/synthetic.py`). One process builds, another searches, so that the memory told is that of the
searching one. All times in one run, in turns.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import synthetic
from benchmarks.apart import Memory, apart, memory
from rag.catalog import Collection
from rag.engine import Engine, open_engine
from rag.retrieval import Query
from rag.settings import load_settings

JUDGED = 20  # questions of which the recall is told
NEAREST = 10
POOL = 100  # what the app asks of the index

# Each filter, and the documents that it admits.
FILTERS: dict[str, tuple[dict[str, Any], Callable[[int], bool]]] = {
    "half of the chunks": ({"half": 0}, lambda number: number % 2 == 0),
    "a tenth": ({"tenth": 0}, lambda number: number % 10 == 0),
    "one document": ({"document": "7.txt"}, lambda number: number == 7),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chunks", nargs="+", type=int, metavar="CHUNKS", help="such as 1000 10000 100000")
    parser.add_argument("--rounds", type=int, default=60, metavar="N", help="questions (default: 60)")
    chosen = parser.parse_args()
    if min(chosen.chunks) < synthetic.DOCUMENTS:
        parser.error(f"at least {synthetic.DOCUMENTS} chunks, one for each document")
    for chunks in chosen.chunks:
        each = chunks // synthetic.DOCUMENTS
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            seconds, used = apart(synthetic.build, folder, each)
            disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            print(f"\n{each * synthetic.DOCUMENTS} chunks in {synthetic.DOCUMENTS} documents")
            print(f"built in {seconds:.1f} s, memory {_told(used)}, {disk >> 20} MB on disk", flush=True)
            apart(search, folder, each, chosen.rounds)


def search(folder: Path, each: int, rounds: int) -> None:
    """Print how a process does that has only ever searched."""
    started = time.perf_counter()
    with open_engine(load_settings(data_dir=folder)) as engine:
        collection = engine.collection()
        engine.search(
            collection, Query("warm up", mode="keyword")
        )  # checks the indexes first, as the app does
        engine.models.embedder_of(collection).embed_query("warm up")
        seconds = time.perf_counter() - started
        print(f"searching with {collection.fingerprint.id}, there after {seconds:.1f} s, {memory().now} MB")
        measure(engine, collection, rounds)
        print(f"memory of the searching process {_told(memory())}", flush=True)
        recall(engine, collection, each)


def measure(engine: Engine, collection: Collection, rounds: int) -> None:
    """Print the median time of each kind of search and of its two indispensable parts."""
    times: dict[str, list[float]] = {}
    for number, question in enumerate(questions(1 + rounds)):
        for name, work in kinds(engine, collection, question):
            taken = milliseconds(work)
            if number == 0:
                print(f"{name:32} at first {taken:9.1f} ms   then {memory().now} MB", flush=True)
            else:
                times.setdefault(name, []).append(taken)
    for name, each in times.items():
        print(f"{name:32} p50 {np.median(each):7.1f} ms   p95 {np.percentile(each, 95):7.1f} ms")
    floor = np.median(times["embed the question"]) + np.median(times["plain Chroma query"])
    print(f"hybrid / (embedding + Chroma) {np.median(times['hybrid']) / floor:.2f}")


def questions(count: int) -> list[str]:
    random = np.random.default_rng(1)
    return [synthetic.words(random, 12) for _ in range(count)]


def milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def kinds(
    engine: Engine, collection: Collection, question: str
) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is measured for one question."""
    embedder, index = engine.models.embedder_of(collection), engine._vectors
    vector = embedder.embed_query(question)
    yield "embed the question", partial(embedder.embed_query, question)
    yield "plain Chroma query", partial(index.query, collection.index_name, vector, n=NEAREST)
    yield "hybrid", partial(engine.search, collection, Query(question))
    for name, (where, _) in FILTERS.items():
        yield f"hybrid, {name}", partial(engine.search, collection, Query(question, where=where))


def recall(engine: Engine, collection: Collection, each: int) -> None:
    """Print how many of the ten nearest chunks are found, by comparing with all vectors.

    With a filter that is what the app finds; without one it is what Chroma's index finds of questions whose
    vectors are drawn as those of the chunks are, since a real question is near to none of them.
    """
    middles = synthetic.centres(collection.fingerprint.dimension)
    drawn = synthetic.around(middles, np.random.default_rng(3), JUDGED)
    hits = [engine._vectors.query(collection.index_name, vector, n=POOL)[:NEAREST] for vector in drawn]
    found = [{key for key, _ in each} for each in hits]
    truth = synthetic.nearest(middles, each, drawn, lambda _: True, n=NEAREST)
    print(f"recall@10 of the index without a filter: {share(truth, found):.3f}")
    embedder, asked = engine.models.embedder_of(collection), questions(JUDGED)
    vectors = np.stack([embedder.embed_query(question) for question in asked])
    for name, (where, admits) in FILTERS.items():
        queries = [Query(question, k=NEAREST, mode="dense", where=where) for question in asked]
        results = [engine.search(collection, query).passages for query in queries]
        found = [{passage.chunk_id for passage in passages} for passages in results]
        truth = synthetic.nearest(middles, each, vectors, admits, n=NEAREST)
        print(f"recall@10 within {name}: {share(truth, found):.3f}")


def share(truth: list[set[str]], found: list[set[str]]) -> float:
    """The mean share of what is true that was found."""
    pairs = zip(truth, found, strict=True)
    return float(np.mean([len(true & seen) / len(true) for true, seen in pairs]))


def _told(used: Memory) -> str:
    return (
        f"{used.peak} MB at its peak, {used.now} MB at the end ({used.own} own, {used.mapped} mapped files)"
    )


if __name__ == "__main__":
    main()
