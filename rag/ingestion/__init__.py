"""From a file to something that can be found: reading, splitting, embedding, indexing."""

from rag.ingestion.indexing import Indexing, IndexReport
from rag.ingestion.passwords import Passwords
from rag.ingestion.pipeline import Pipeline
from rag.ingestion.worker import IngestionWorker

__all__ = ["IndexReport", "Indexing", "IngestionWorker", "Passwords", "Pipeline"]
