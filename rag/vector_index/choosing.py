"""Which Chroma the settings name: one in a folder, in memory, on a server, or Chroma Cloud."""

from rag.errors import UsageError
from rag.settings import Settings
from rag.vector_index import VectorIndex
from rag.vector_index.connecting import CloudAccess

CLOUD_URL = "https://api.trychroma.com"


def chosen_index(settings: Settings) -> VectorIndex:
    """The vector index of the settings, not yet opened. Raises UsageError where they are not enough."""
    if not settings.chroma_cloud_key:
        in_memory = settings.chroma == "memory" and not settings.chroma_url
        return VectorIndex(settings.data_dir, settings.chroma_url, in_memory=in_memory)
    if not (settings.chroma_cloud_tenant and settings.chroma_cloud_database):
        raise UsageError(
            "Chroma Cloud wants RAG_CHROMA_CLOUD_TENANT and RAG_CHROMA_CLOUD_DATABASE beside its key. "
            "Its page of settings shows both."
        )
    access = CloudAccess(
        settings.chroma_cloud_key.get_secret_value(),
        settings.chroma_cloud_tenant,
        settings.chroma_cloud_database,
    )
    return VectorIndex(settings.data_dir, settings.chroma_url or CLOUD_URL, cloud=access)
