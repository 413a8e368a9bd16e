"""Reading files in a separate process, with limits on time and memory."""

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rag.documents import ParsedFile
from rag.errors import Cancelled, DocumentError, too_large
from rag.loaders.source import OnProgress, untold
from rag.loaders.wire import error_from_row, parsed_from_dict
from rag.loaders.worker_process import WorkerProcess, out_of_memory

if TYPE_CHECKING:
    from rag.settings import Settings

POLL_SECONDS = 0.05
NICENESS = 5  # a third of what others get; where Linux weighs sessions (autogroups), as much as all Passage


def _never() -> bool:
    return False


class Parser:
    """Reads files one at a time in a worker process, which is started with the first file and kept.

    Threads may share a Parser; a second Parser has a second worker. One in the background leaves the
    processor to what people wait for. Close it, or use it in a `with`.
    """

    def __init__(self, settings: "Settings", *, in_background: bool = False) -> None:
        self._settings = settings
        self._niceness = NICENESS if in_background else 0
        self._lock = threading.Lock()
        self._worker: WorkerProcess | None = None

    def parse(
        self,
        path: Path,
        name: str,
        *,
        password: str | None = None,
        pictures: Path | None = None,
        cancelled: Callable[[], bool] = _never,
        on_progress: OnProgress = untold,
    ) -> ParsedFile:
        """Read the file at `path`, which the user calls `name`.

        The pictures in it are saved in the folder `pictures`, each as its SHA-256, if one is given; a picture
        file is its own picture. While text is recognised `on_progress` is told how many pages are done of how
        many, and each page has the whole time limit. Raises DocumentError where the file cannot be read or
        needs more than the settings allow, and Cancelled.
        """
        limit = self._settings.max_file_mb
        if (size := path.stat().st_size) > limit << 20:
            raise too_large(name, size, limit)
        request = {"do": "parse", "path": str(path.absolute()), "name": name, "password": password,
                   "max_pages": self._settings.max_pages,
                   "pictures": str(pictures.absolute()) if pictures else None}  # fmt: skip
        return parsed_from_dict(self._ask(request, name, cancelled, on_progress)["parsed"])

    def render_page(
        self,
        path: Path,
        page: int,
        *,
        width_px: int,
        name: str | None = None,
        highlight: str = "",
        password: str | None = None,
        cancelled: Callable[[], bool] = _never,
    ) -> bytes:
        """A PDF's page (from 1) as a PNG `width_px` wide, with `highlight` marked where its text is found.

        Raises DocumentError where the page cannot be drawn, and Cancelled.
        """
        request = {"do": "render", "path": str(path.absolute()), "name": name or path.name, "page": page,
                   "width_px": width_px, "highlight": highlight, "password": password}  # fmt: skip
        return base64.b64decode(self._ask(request, name or path.name, cancelled)["png"])

    def close(self) -> None:
        """End the worker process; the next file starts another."""
        with self._lock:
            self._discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def warm_up(self) -> None:
        """Start the worker process, so that the first file does not wait for it."""
        with self._turn(_never):
            self._ready_worker()

    def _ready_worker(self) -> WorkerProcess:
        if self._worker is None or self._worker.is_spent():
            self._discard()
            self._worker = WorkerProcess(self._settings.parse_memory_mb, self._niceness)
        return self._worker

    def _ask(
        self,
        request: dict[str, Any],
        name: str,
        cancelled: Callable[[], bool],
        on_progress: OnProgress = untold,
    ) -> dict[str, Any]:
        with self._turn(cancelled):
            worker = self._ready_worker()
            try:
                answer = worker.answer(request, name, self._settings.parse_timeout, cancelled, on_progress)
            except BaseException:
                self._discard()
                raise
            if "no_memory" in answer:
                self._discard()
                raise out_of_memory(name, self._settings.parse_memory_mb)
        if "error" in answer:
            raise error_from_row(answer["error"])
        if "failure" in answer:
            raise DocumentError(
                "{name} cannot be read; it is probably damaged ({reason}). Save it again and add it again.",
                name=name,
                reason=answer["failure"],
            )
        return answer

    @contextmanager
    def _turn(self, cancelled: Callable[[], bool]) -> Iterator[None]:
        while not self._lock.acquire(timeout=POLL_SECONDS):
            if cancelled():
                raise Cancelled("Stopped.")
        try:
            yield
        finally:
            self._lock.release()

    def _discard(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker = None
