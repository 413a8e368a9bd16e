"""Work of an evaluation in the background: making questions, or a run, with its progress and its end."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rag.catalog import Collection
from rag.documents import Notice
from rag.engine import Engine
from rag.errors import Cancelled, RagError, UsageError
from rag.evaluation.asking import judged_questions, keep
from rag.evaluation.comparing import compare
from rag.evaluation.generating import generate
from rag.evaluation.saving import save
from rag.evaluation.systems import System
from rag.ingestion.job_documents import unexpected

State: TypeAlias = Literal["running", "stopped", "failed", "done"]


@dataclass(frozen=True, slots=True)
class Work:
    """What is going on, or how it ended: `what` is done, `done` of `total`; `result` is a saved run's id."""

    state: State
    what: Notice
    done: int = 0
    total: int = 0
    error: Notice | None = None
    result: str | None = None


class Evaluations:
    """Evaluates one collection at a time in the background; what comes of it is kept in the catalogue."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._work: dict[str, Work] = {}

    def state(self, collection: Collection) -> Work | None:
        """What is going on in a collection or went on last; None where nothing did."""
        return self._work.get(collection.id)

    def forget(self, collection: Collection) -> None:
        """Forget how the last work ended."""
        work = self._work.get(collection.id)
        if work and work.state != "running":
            del self._work[collection.id]

    def run(self, collection: Collection, systems: tuple[System, ...]) -> None:
        """Begin to ask all systems the collection's questions. Raises UsageError while another works."""

        def work() -> str:
            catalog = self.engine.catalog
            asked = judged_questions(catalog, collection, catalog.questions.all(collection.id))
            done = compare(
                self.engine,
                collection,
                asked,
                systems,
                on_step=lambda what, done, total: self._told(collection, what, done, total),
                cancelled=self._stop.is_set,
            )
            return save(catalog, collection, done)

        self._start(collection, Notice("Getting ready"), work)

    def generate(self, collection: Collection, number: int, *, with_model: bool) -> None:
        """Begin to make questions and keep them. Raises UsageError while another works."""
        making = Notice("Making questions")

        def work() -> None:
            made = generate(
                self.engine.catalog,
                collection,
                number,
                chat_model=self.engine.models.chat_model() if with_model else None,
                on_progress=lambda done, total: self._told(collection, making, done, total),
                cancelled=self._stop.is_set,
            )
            keep(self.engine.catalog, collection, made, "generated")

        self._start(collection, making, work)

    def stop(self) -> None:
        """End what goes on at its next question or batch, and wait for that."""
        self._stop.set()
        with self._lock:
            thread = self._thread
        if thread:
            thread.join()

    def _start(self, collection: Collection, what: Notice, work: Callable[[], str | None]) -> None:
        with self._lock:
            if self._thread and self._thread.is_alive():
                raise UsageError("Another evaluation is going on. Wait for it, or stop it first.")
            self._stop.clear()
            self._work[collection.id] = Work("running", what)
            self._thread = threading.Thread(
                target=self._do, args=(collection, work), name="passage-evaluation", daemon=True
            )
            self._thread.start()

    def _told(self, collection: Collection, what: Notice, done: int, total: int) -> None:
        self._work[collection.id] = Work("running", what, done, total)

    def _do(self, collection: Collection, work: Callable[[], str | None]) -> None:
        """Work, and leave what happened in `state`."""
        what = self._work[collection.id].what
        try:
            ended = Work("done", what, result=work())
        except Cancelled:
            ended = Work("stopped", what)
        except RagError as error:
            ended = Work("failed", what, error=Notice.of(error))
        except Exception as error:  # noqa: BLE001 - a thread has nobody else to tell
            ended = Work("failed", what, error=unexpected(error))
        self._work[collection.id] = ended
