"""One process at a time may write in a data folder."""

from pathlib import Path

from filelock import FileLock, Timeout

from rag.errors import StoreError


class FolderLock:
    """Held by the process that writes, from its first write to its end; any thread may let go of it."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir
        self._lock = FileLock(data_dir / "passage.lock", thread_local=False)

    def acquire(self) -> None:
        """Keep other processes from writing. Raises StoreError where one is at it already."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise StoreError(
                "Another Passage process is using {folder}. Stop it, or give this one a folder of its own "
                "with RAG_DATA_DIR.",
                folder=self._folder,
            ) from error
        except OSError as error:
            raise StoreError(
                "The folder {folder} cannot be written: {reason}. Check it, or set RAG_DATA_DIR.",
                folder=self._folder,
                reason=error.strerror or error,
            ) from error

    def release(self) -> None:
        self._lock.release(force=True)
