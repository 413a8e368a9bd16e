"""The foreign Chroma that is open, and its adoption in the background."""

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from rag.adoption.adopting import Adopter, OnProgress
from rag.adoption.outcome import Adopted, Wish
from rag.adoption.searching import ForeignSearch, search_foreign
from rag.documents import Notice
from rag.errors import Cancelled, RagError, UsageError
from rag.ingestion.job_documents import unexpected
from rag.models import Models
from rag.settings import Settings
from rag.vector_index.foreign import ForeignChroma
from rag.vector_index.foreign_copy import chroma_folder, size_of
from rag.vector_index.foreign_folder import is_address, open_foreign_folder, open_foreign_server

Stage: TypeAlias = Literal["running", "stopped", "failed", "done"]


@dataclass(frozen=True, slots=True)
class AdoptionState:
    """How far an adoption is, in records, or how it ended."""

    wish: Wish
    stage: Stage
    done: int = 0
    total: int = 0
    error: Notice | None = None
    adopted: Adopted | None = None


class Adoption:
    """Opens one foreign Chroma at a time; copies of folders lie in `copies`.

    `get_ready` waits until our own indexes can be written to.
    """

    def __init__(
        self,
        copies: Path,
        settings: Settings,
        models: Models,
        adopter: Adopter,
        get_ready: Callable[[], None],
    ) -> None:
        self.state: AdoptionState | None = None
        self.opened: ForeignChroma | None = None
        self._copies = copies
        self._settings = settings
        self._models = models
        self._adopter = adopter
        self._get_ready = get_ready
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def remove_left_copies(self) -> None:
        """Remove what a process that was stopped left; no other may be running."""
        shutil.rmtree(self._copies, ignore_errors=True)

    def size_of(self, place: str) -> int:
        """The bytes that are copied to open this, 0 for a server. Raises UsageError for what is no Chroma."""
        return 0 if is_address(place) else size_of(chroma_folder(Path(place)))

    def open(self, place: str) -> ForeignChroma:
        """A folder or a server's address, in place of what was open. Raises UsageError, StoreError."""
        with self._lock:
            self._close()
            address = place.strip()
            if is_address(address):
                self.opened = open_foreign_server(address)
            else:
                self.opened = open_foreign_folder(Path(address), self._copies)
            return self.opened

    def close(self) -> None:
        """Stop an adoption that is going on, and let go of what is open."""
        self.stop()
        with self._lock:
            self._close()

    def search(self, name: str, question: str, *, embedder: str | None = None, n: int = 5) -> ForeignSearch:
        """Search in a collection of what is open. Raises UsageError, ProviderError, StoreError."""
        size = self._settings.chunk_size
        return search_foreign(self._models, size, self._open(), name, question, embedder=embedder, n=n)

    def adopt(self, wish: Wish, on_progress: OnProgress = lambda *_: None) -> Adopted:
        """Adopt here and now. Raises UsageError, ProviderError, StoreError, Cancelled."""
        foreign = self._open()
        self._get_ready()
        return self._adopter.adopt(foreign, wish, on_progress, self._stop.is_set)

    def start(self, wish: Wish) -> None:
        """Begin to adopt in the background. Raises UsageError while another is adopted."""
        with self._lock:
            self._check_idle()
            self._stop.clear()
            self.state = AdoptionState(wish, "running")
            self._thread = threading.Thread(
                target=self._adopt_quietly, args=(wish,), name="passage-adoption", daemon=True
            )
            self._thread.start()

    def forget(self) -> None:
        """Forget how the last adoption ended."""
        if self.state and self.state.stage != "running":
            self.state = None

    def stop(self) -> None:
        """End an adoption at its next batch, and wait for that; the same wish goes on later."""
        self._stop.set()
        thread = self._thread
        if thread:
            thread.join()
        self._stop.clear()

    def _open(self) -> ForeignChroma:
        if self.opened is None:
            raise UsageError("No Chroma folder or server is open. Open it again.")
        return self.opened

    def _check_idle(self) -> None:
        if self._thread and self._thread.is_alive():
            raise UsageError("A collection is being adopted. Wait for it, or stop it first.")

    def _close(self) -> None:
        self._check_idle()
        if self.opened is not None:
            self.opened.close()
        self.opened = None

    def _adopt_quietly(self, wish: Wish) -> None:
        """Adopt, and leave what happened in `state`."""

        def progress(done: int, total: int) -> None:
            self.state = AdoptionState(wish, "running", done, total)

        try:
            self.state = AdoptionState(wish, "done", adopted=self.adopt(wish, progress))
        except Cancelled:
            self.state = AdoptionState(wish, "stopped")
        except RagError as error:
            self.state = AdoptionState(wish, "failed", error=Notice.of(error))
        except Exception as error:  # noqa: BLE001 - a thread has nobody else to tell
            self.state = AdoptionState(wish, "failed", error=unexpected(error))
