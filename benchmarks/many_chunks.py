"""Memory while many chunks are ingested: `python -m benchmarks.many_chunks CHUNKS DOCUMENTS`.

The same chunks in few or in many documents: memory may follow the index, not the number of documents.
Everything is real but the model, which gives random vectors of 384 dimensions at once.
"""

import io
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil

from rag.catalog import Catalog
from rag.documents import Fingerprint
from rag.embedders.base import Vectors
from rag.ingestion import Indexing, Pipeline, Upkeep
from rag.keyword_index import KeywordIndex
from rag.loaders import Parser
from rag.retrieval import Query, Retriever
from rag.settings import Settings
from rag.vector_index import VectorIndex

DIMENSION = 384
WORDS = 60  # of each chunk


class RandomEmbedder:
    """Vectors of unit length that depend on the text's length and first letters alone."""

    max_tokens = 256
    is_local = True
    host = ""
    fingerprint = Fingerprint("benchmark", "random", "1", "none", "", "", True, DIMENSION)

    def __init__(self) -> None:
        self._random = np.random.default_rng(0)

    def count_tokens(self, text: str) -> int:
        return text.count(" ") + 1

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        rows = self._random.standard_normal((len(texts), DIMENSION), np.float32)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)

    def embed_query(self, text: str) -> Vectors:
        return np.asarray(self.embed_documents([text])[0])


def text_of(document: int, chunks: int) -> bytes:
    """Paragraphs of one chunk each."""
    paragraphs = (
        " ".join(f"word{(document * 7919 + chunk * 104729 + place * 31) % 50021}" for place in range(WORDS))
        for chunk in range(chunks)
    )
    return ".\n\n".join(paragraphs).encode()


def main() -> None:
    chunks, documents = int(sys.argv[1]), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as name:
        folder, embedder, process = Path(name), RandomEmbedder(), psutil.Process()
        settings = Settings(data_dir=folder, chunk_tokens=WORDS + 4, overlap_tokens=0)
        catalog, vectors, keywords = Catalog(folder), VectorIndex(folder), KeywordIndex(folder)
        indexing, parser = Indexing(catalog, vectors, keywords), Parser(settings)
        upkeep = Upkeep(folder, catalog, indexing, vectors, keywords)
        upkeep.run_once()
        collection = catalog.collections.create("many", embedder.fingerprint)
        indexing.create(collection)
        pipeline = Pipeline(settings, catalog, indexing, parser, lambda _: embedder)
        retriever = Retriever(catalog, vectors, keywords, lambda _: embedder)
        for number in range(documents):
            content = io.BytesIO(text_of(number, chunks // documents))
            catalog.queue(collection.id, f"{number}.txt", content, {}, most_mb=100)
        started = time.perf_counter()
        print(f"{chunks} chunks in {documents} documents; at the start {process.memory_info().rss >> 20} MB")
        for done, _ in enumerate(pipeline.run(catalog.jobs.take), 1):
            if done % max(1, documents // 10) == 0:
                seconds, rss = time.perf_counter() - started, process.memory_info().rss >> 20
                print(
                    f"{catalog.chunks.count(collection.id):8} chunks {seconds:7.1f} s {rss:6} MB", flush=True
                )
        times = []
        for number in range(50):
            begun = time.perf_counter()
            retriever.search(collection, Query(f"word{number} word{number * 31}"))
            times.append(time.perf_counter() - begun)
        print(f"hybrid search p50 {np.median(times) * 1000:.1f} ms, {process.memory_info().rss >> 20} MB")
        pipeline.close()
        parser.close()
        upkeep.close()
        catalog.close()


if __name__ == "__main__":
    main()
