"""A data folder with many records: `python -m benchmarks.many_records FOLDER CHUNKS DOCUMENTS`.

Texts of made-up words, random vectors of unit length, metadata of every kind, in the catalogue and in both
indexes, as if the built-in model had embedded them. `python -m benchmarks.browsing` looks into it.
"""

import secrets
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from rag.catalog import Catalog, Collection, vector_key
from rag.documents import Chunk, Document
from rag.ingestion import Indexing, Upkeep
from rag.keyword_index import KeywordIndex
from rag.models import Models
from rag.settings import load_settings
from rag.vector_index import VectorIndex

WORDS = 60  # of each chunk
KINDS = ("pdf", "md", "txt", "docx")
TOPICS = ("harbour", "garden", "library", "railway", "茶", "员工")


def main() -> None:
    folder, chunks, documents = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    settings = load_settings(data_dir=folder)
    catalog, vectors, keywords = Catalog(folder), VectorIndex(folder), KeywordIndex(folder)
    indexing = Indexing(catalog, vectors, keywords)
    upkeep = Upkeep(folder, catalog, indexing, vectors, keywords)
    upkeep.run_once()
    fingerprint = Models(settings, catalog).embedder(settings.embedder).fingerprint
    collection = catalog.collections.create("default", fingerprint)
    indexing.create(collection)
    random = np.random.default_rng(0)
    for number in range(documents):
        _add(catalog, collection, number, chunks // documents, random)
    indexing.rebuild_keywords(collection)
    indexing.complete(collection)
    print(f"{catalog.chunks.count(collection.id)} records in {documents} documents")
    upkeep.close()
    catalog.close()


def _add(
    catalog: Catalog, collection: Collection, number: int, chunks: int, random: np.random.Generator
) -> None:
    made = [
        Chunk(text_of(number, ordinal), WORDS + 2, ordinal // 3 + 1, (f"Chapter {ordinal // 9}",))
        for ordinal in range(chunks)
    ]
    rows = random.standard_normal((chunks, collection.fingerprint.dimension), np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    catalog.vectors.save(collection.fingerprint, [vector_key(each) for each in made], rows)
    added = datetime.now(UTC) - timedelta(days=number % 365)
    document = Document(
        id=secrets.token_hex(8),
        collection_id=collection.id,
        name=f"{TOPICS[number % len(TOPICS)]} report {number}",
        sha256=f"{number:064x}",
        kind=KINDS[number % len(KINDS)],
        bytes=1000 * chunks,
        status="ready",
        added_at=added.isoformat(timespec="seconds"),
        pages=chunks // 3 + 1,
        tokens=(WORDS + 2) * chunks,
        metadata={
            "year": 2000 + number % 25,
            "topic": TOPICS[number % len(TOPICS)],
            "public": number % 2 == 0,
        },
    )
    catalog.add_document(document, made, {})


def text_of(document: int, chunk: int) -> str:
    """Words that follow from the numbers; one record in a thousand tells of a lighthouse."""
    words = [f"word{(document * 7919 + chunk * 104729 + place * 31) % 50021}" for place in range(WORDS)]
    rare = ["lighthouse"] if (document * 50 + chunk) % 1000 == 7 else ["house"]
    return " ".join([*rare, f"d{document}", *words])


if __name__ == "__main__":
    main()
