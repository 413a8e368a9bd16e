"""From a file to something that can be found: reading, splitting, embedding, indexing."""

from rag.ingestion.checking import CheckReport, IndexReport
from rag.ingestion.indexing import Indexing
from rag.ingestion.intake import Intake
from rag.ingestion.passwords import Passwords
from rag.ingestion.pipeline import Pipeline
from rag.ingestion.upkeep import Upkeep
from rag.ingestion.worker import IngestionWorker

__all__ = [
    "CheckReport",
    "IndexReport",
    "Indexing",
    "IngestionWorker",
    "Intake",
    "Passwords",
    "Pipeline",
    "Upkeep",
]
