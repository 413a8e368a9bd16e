"""Another model for a collection: its index built beside the present one, compared, swapped, swapped back."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rag.catalog import Catalog, Collection
from rag.documents import Notice
from rag.errors import Cancelled, RagError, UsageError
from rag.ingestion.job_documents import unexpected
from rag.ingestion.other_index import OnProgress, OtherIndexes
from rag.models import Models
from rag.retrieval import Query, Retriever

COMPARED = 20  # questions

Stage: TypeAlias = Literal["building", "stopped", "failed", "complete"]


@dataclass(frozen=True, slots=True)
class Switch:
    """A collection's second index: by which model, how far it is, and why it failed.

    What "stopped" or "failed" can go on where it was; `done` and `total` are chunks.
    """

    model: str
    stage: Stage
    done: int = 0
    total: int = 0
    error: Notice | None = None


@dataclass(frozen=True, slots=True)
class QuestionCompared:
    """One question in both indexes: `shared` is the part of the first k passages that both find, 0 to 1."""

    question: str
    shared: float
    same_first: bool
    present: Sequence[str]
    other: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Building:
    """A building in the background, and the way to end it."""

    collection_id: str
    thread: threading.Thread
    stop: threading.Event


class Switching:
    """Builds second indexes in the background, one collection at a time."""

    def __init__(self, catalog: Catalog, indexes: OtherIndexes, models: Models, retriever: Retriever) -> None:
        self._catalog = catalog
        self._indexes = indexes
        self._models = models
        self._retriever = retriever
        self._lock = threading.Lock()
        self._running: _Building | None = None
        self._progress: dict[str, Switch] = {}

    def state(self, collection: Collection) -> Switch | None:
        """What is known of the collection's second index; None if it has none."""
        if running := self._progress.get(collection.id):
            return running
        other = self._catalog.collections.other_index(collection)
        if other is None:
            return None
        return Switch(other.fingerprint.id, "complete" if other.is_complete else "stopped")

    def start(self, collection: Collection, model_id: str) -> None:
        """Begin to build in the background, or go on.

        Raises UsageError if another is being built, or the collection has a second index by a third model.
        """
        other = self._catalog.collections.other_index(collection)
        if other and other.fingerprint.id != model_id:
            raise UsageError(
                "“{name}” has a second index by {model} already. Remove that first.",
                name=collection.name,
                model=other.fingerprint.id,
            )
        with self._lock:
            if self._running and self._running.thread.is_alive():
                raise UsageError("Another index is being built. Wait for it, or stop it first.")
            stop = threading.Event()
            thread = threading.Thread(
                target=self._build_quietly,
                args=(collection, model_id, stop),
                name="passage-switch",
                daemon=True,
            )
            self._progress[collection.id] = Switch(model_id, "building")
            self._running = _Building(collection.id, thread, stop)
            thread.start()

    def stop(self) -> None:
        """End the building in the background at its next batch; it can go on later. Waits for it."""
        with self._lock:
            running = self._running
        if running:
            running.stop.set()
            running.thread.join()

    def build(
        self,
        collection: Collection,
        model_id: str,
        on_progress: OnProgress = lambda *_: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        """Build here and now. Raises UsageError, ProviderError, StoreError, Cancelled."""
        self._indexes.build(collection, self._models.fingerprint(model_id), on_progress, cancelled)

    def compare(
        self, collection: Collection, questions: Sequence[str], *, k: int = 5
    ) -> list[QuestionCompared]:
        """The user's questions, the latest first, asked of both indexes. Raises UsageError, ProviderError."""
        other = self._indexes.complete(collection)
        compared = []
        for question in list(dict.fromkeys(questions))[:COMPARED]:
            query = Query(question, k=k)
            here, there = (
                [passage.chunk_id for passage in self._retriever.search(each, query).passages]
                for each in (collection, other.of(collection))
            )
            most = max(len(here), len(there), 1)
            shared = len(set(here) & set(there)) / most
            compared.append(QuestionCompared(question, shared, here[:1] == there[:1], here, there))
        return compared

    def swap(self, collection: Collection) -> None:
        """Search by the other model from now on, the present index kept. Raises UsageError, ProviderError."""
        self._indexes.swap(collection)

    def remove(self, collection: Collection) -> None:
        """Remove the second index; an ongoing building is stopped."""
        with self._lock:
            is_building = self._running is not None and self._running.collection_id == collection.id
        if is_building:
            self.stop()
        self._progress.pop(collection.id, None)
        self._indexes.remove(collection)

    def _build_quietly(self, collection: Collection, model_id: str, stop: threading.Event) -> None:
        """Build, and leave what happened in `state`."""

        def progress(done: int, total: int) -> None:
            self._progress[collection.id] = Switch(model_id, "building", done, total)

        try:
            self.build(collection, model_id, progress, stop.is_set)
        except Cancelled:
            self._progress.pop(collection.id, None)
        except RagError as error:
            self._progress[collection.id] = Switch(model_id, "failed", error=Notice.of(error))
        except Exception as error:  # noqa: BLE001 - a thread has nobody else to tell
            self._progress[collection.id] = Switch(model_id, "failed", error=unexpected(error))
        else:
            self._progress.pop(collection.id, None)
