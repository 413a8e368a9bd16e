"""The engine's parts around one collection, with an embedder of the test's own."""

import io
from collections.abc import Mapping
from pathlib import Path

from rag.catalog import Catalog, Collection, Job
from rag.documents import Document
from rag.ingestion import Indexing, Pipeline, Upkeep
from rag.ingestion.checking import keyword_difference, vector_difference
from rag.keyword_index import KeywordIndex
from rag.loaders import Parser
from rag.rerankers import NO_RERANKER
from rag.rerankers.base import Reranker
from rag.retrieval import Query, Retriever
from rag.settings import Settings
from rag.vector_index import VectorIndex
from tests.fakes import WordEmbedder


class Library:
    """Adds files to its collection "test" one by one, and searches them."""

    def __init__(
        self,
        folder: Path,
        embedder: WordEmbedder,
        vectors: VectorIndex | None = None,
        *,
        hnsw: Mapping[str, int] | None = None,
    ) -> None:
        self.settings = Settings(data_dir=folder, chunk_tokens=32, overlap_tokens=0)
        self.embedder = embedder
        self.reranker: Reranker | None = None
        self.catalog = Catalog(folder)
        self.vectors = vectors or VectorIndex(folder)
        self.keywords = KeywordIndex(folder)
        self.indexing = Indexing(self.catalog, self.vectors, self.keywords)
        self.upkeep = Upkeep(folder, self.catalog, self.indexing, self.vectors, self.keywords)
        self.parser = Parser(self.settings)
        self.pipeline = Pipeline(
            self.settings, self.catalog, self.indexing, self.parser, lambda _collection: self.embedder
        )
        self.retriever = Retriever(
            self.catalog,
            self.vectors,
            self.keywords,
            lambda _collection: self.embedder,
            lambda wanted: None if wanted == NO_RERANKER else self.reranker,
        )
        found = self.catalog.collections.find("test")
        if found is None:
            found = self.catalog.collections.create("test", embedder.fingerprint, hnsw=hnsw)
            self.indexing.create(found)
        self.collection: Collection = found

    def queue(self, name: str, text: str, **metadata: str | int) -> int:
        source = io.BytesIO(text.encode())
        return self.catalog.queue(self.collection.id, name, source, metadata, most_mb=1)

    def add(self, name: str, text: str, **metadata: str | int) -> Job:
        number = self.queue(name, text, **metadata)
        job = self.catalog.jobs.take(number)
        assert job
        self.run(job)
        return self.catalog.jobs.get(number)

    def run(self, *jobs: Job) -> list[int]:
        """Take started jobs to their end; their ids as they ended."""
        taken = iter(jobs)
        return list(self.pipeline.run(lambda: next(taken, None)))

    def is_clean(self) -> bool:
        """Whether both indexes hold what the catalogue says."""
        vectors = vector_difference(self.catalog, self.vectors, self.collection)
        return vectors.clean and keyword_difference(self.catalog, self.keywords, self.collection).clean

    def documents(self) -> list[Document]:
        return self.catalog.documents.all(self.collection.id)

    def found(self, question: str, **options: object) -> list[str]:
        query = Query(question, **options)  # type: ignore[arg-type]
        return [passage.text for passage in self.retriever.search(self.collection, query).passages]

    def close(self) -> None:
        self.pipeline.close()
        self.parser.close()
        self.upkeep.close()
        self.catalog.close()
