"""The catalogue: the truth about collections, documents, chunks, vectors, jobs and conversations."""

from pathlib import Path

from rag.catalog.collections import DEFAULT_NAME, Collection, Collections
from rag.catalog.conversations import Conversation, Conversations, StoredTurn
from rag.catalog.database import Database
from rag.catalog.documents import Documents, StoredChunk
from rag.catalog.jobs import Job, Jobs
from rag.catalog.originals import Originals
from rag.catalog.vectors import Vectors, text_hash

__all__ = [
    "DEFAULT_NAME",
    "Catalog",
    "Collection",
    "Conversation",
    "Job",
    "StoredChunk",
    "StoredTurn",
    "text_hash",
]


class Catalog:
    """Everything Passage keeps in its data folder, but for the indexes that are rebuilt from it."""

    def __init__(self, data_dir: Path) -> None:
        self._database = Database(data_dir / "catalog.sqlite3")
        self.collections = Collections(self._database)
        self.documents = Documents(self._database)
        self.vectors = Vectors(self._database)
        self.jobs = Jobs(self._database)
        self.conversations = Conversations(self._database)
        self.originals = Originals(data_dir / "originals")

    def close(self) -> None:
        self._database.close()
