"""How much of the bare embedder's speed ingestion keeps: `python -m benchmarks.ingestion FILE_OR_FOLDER…`.

One run ingests the files into an empty data folder; then the same chunks are embedded again, bare, in one
call, by the same loaded model; then both once more in the other order. The figure is the ratio of the sums.
"""

import sys
import tempfile
import time
from pathlib import Path

from benchmarks.files import files_of
from rag.embedders.factory import make_embedder
from rag.engine import open_engine
from rag.settings import load_settings


def ingest(paths: list[Path], model_id: str) -> tuple[float, list[str], int]:
    """Seconds, the embedded texts, and their tokens. The model is loaded before the clock starts."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_engine(load_settings(data_dir=folder, embedder=model_id)) as engine,
    ):
        collection = engine.collection()
        engine.models.embedder_of(collection).embed_query("warm up")
        started = time.perf_counter()
        jobs = []
        for path in paths:
            with path.open("rb") as source:
                jobs.append(engine.intake.add(collection, path.name, source))
        ended = list(engine.intake.run(jobs))
        seconds = time.perf_counter() - started
        if failed := [f"{job.name}: {job.error}" for job in ended if job.state != "done"]:
            raise SystemExit("\n".join(failed))
        documents = engine.catalog.documents
        chunks = [
            stored.chunk
            for document in documents.all(collection.id)
            for stored in documents.chunks(document.id)
        ]
    return seconds, [chunk.embedded_text for chunk in chunks], sum(chunk.tokens for chunk in chunks)


def embed(texts: list[str], model_id: str) -> float:
    """Seconds the bare embedder needs."""
    embedder = make_embedder(load_settings(), model_id)
    embedder.embed_query("warm up")
    started = time.perf_counter()
    embedder.embed_documents(list(dict.fromkeys(texts)))
    return time.perf_counter() - started


def main() -> None:
    model_id = load_settings().embedder
    paths = files_of(sys.argv[1:])
    if not paths:
        raise SystemExit(__doc__)
    first, texts, tokens = ingest(paths, model_id)
    bare = [embed(texts, model_id), embed(texts, model_id)]
    second, _, _ = ingest(paths, model_id)
    print(f"{len(paths)} files, {len(texts)} chunks, {tokens} tokens, {model_id}")
    print(f"ingestion       {first:7.1f} s {second:7.1f} s  {2 * tokens / (first + second):8.0f} tokens/s")
    print(f"bare embedder   {bare[0]:7.1f} s {bare[1]:7.1f} s  {2 * tokens / sum(bare):8.0f} tokens/s")
    print(f"ratio           {(first + second) / sum(bare):.3f}")


if __name__ == "__main__":
    main()
