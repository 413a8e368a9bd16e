"""Keeps the indexes what the catalogue says; searches go on meanwhile, without the index that is not."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from rag.catalog import Catalog, Collection
from rag.documents import Notice
from rag.errors import Cancelled, RagError, StoreError
from rag.ingestion.checking import CheckReport, Difference, IndexReport, keyword_difference, report_of
from rag.ingestion.configuration import is_configured, put_into_effect
from rag.ingestion.index_check import all_indexes, compare_apart, compare_here
from rag.ingestion.indexing import Indexing, OnProgress
from rag.ingestion.job_documents import unexpected
from rag.ingestion.left_files import State, note_left, state_since_left
from rag.keyword_index import KeywordIndex
from rag.vector_index import VectorIndex

LEAST_DELETED = 2000  # rows: below that the room they take is not worth a rebuild
RETRY_SECONDS = 30.0  # before an index that could not be mended is tried again
PREFIX = "passage-"  # of the names of our indexes

log = logging.getLogger(__name__)


class Upkeep:
    """Checks the indexes once, when a process begins, and mends those that are not trusted.

    In a command that is done at once, by `run_once`; in the app in the background, from `start` to `stop`.
    """

    def __init__(
        self,
        data_dir: Path,
        catalog: Catalog,
        indexing: Indexing,
        vectors: VectorIndex,
        keywords: KeywordIndex,
    ) -> None:
        self._note = data_dir / "indexes-left.json"
        self._data_dir = data_dir
        self._catalog = catalog
        self._indexing = indexing
        self._vectors = vectors
        self._keywords = keywords
        self._differences: dict[str, Difference] = {}
        self._is_known = False
        self._is_folder_lost = False
        self._rebuilding: dict[str, tuple[int, int]] = {}
        self._trouble: Notice | None = None
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._checked = threading.Event()
        self._thread: threading.Thread | None = None
        vectors.on_distrust = self._wake.set

    @property
    def rebuilding(self) -> Mapping[str, tuple[int, int]]:
        """The collections whose vector index is being mended, by id: rows written, and rows to write."""
        return dict(self._rebuilding)

    @property
    def trouble(self) -> Notice | None:
        """Why an index cannot be mended, if one cannot."""
        return self._trouble

    @property
    def is_running(self) -> bool:
        """Whether the indexes are mended in the background."""
        return self._thread is not None

    def start(self, on_checked: Callable[[], object]) -> None:
        """Check, tell `on_checked`, and mend in the background from now on."""
        self._thread = threading.Thread(
            target=self._run, args=(on_checked,), name="passage-upkeep", daemon=True
        )
        self._thread.start()

    def run_once(self) -> None:
        """Check and mend here and now; what stands in the way is left in `trouble`."""
        if not self._is_known:
            self._try(self._check, self._mend_all)

    def wait_checked(self) -> None:
        """Wait until it is known which indexes can be trusted, or that it cannot be known now."""
        self._checked.wait()

    def wake(self) -> None:
        """Something was deleted: look whether an index should be built anew."""
        self._wake.set()

    def stop(self) -> None:
        """End the work in the background."""
        self._stop.set()
        self._wake.set()
        if self._thread:
            self._thread.join()

    def close(self) -> None:
        """Let go of the indexes, and note how they are left if they are as they should be."""
        all_trusted = all(self._vectors.is_trusted(each.index_name) for each in all_indexes(self._catalog))
        self._keywords.close()
        self._vectors.close()
        if self._is_known and all_trusted and self._vectors.is_in_folder:
            note_left(self._note, self._folders)

    def report(self) -> CheckReport:
        """Look into every index again, whatever is known, and change nothing. Raises StoreError."""
        state_since_left(self._note, self._folders)
        self._compare("unknown")
        documents, indexes = self._catalog.documents, tuple(self._reports())
        return CheckReport(
            indexes,
            len(documents.with_status("indexing", "deleting")) + self._catalog.changed_records.count(),
            len(self._catalog.unused_originals()),
            tuple(self._catalog.missing_originals()),
        )

    def repair(self) -> None:
        """Put right what `report` found. Raises StoreError."""
        self._mend_keywords()
        self._indexing.finish()
        self._mend_all()
        self._catalog.remove_unused()
        self._is_known = True

    def _run(self, on_checked: Callable[[], object]) -> None:
        self._try(self._check)
        self._checked.set()
        on_checked()
        while not self._stop.is_set():
            self._wake.clear()
            has_mended = self._try(self._check, self._mend_all)
            self._wake.wait(None if has_mended else RETRY_SECONDS)

    def _try(self, *steps: Callable[[], None]) -> bool:
        try:
            for step in steps:
                step()
        except Cancelled:
            self._is_folder_lost = False
            return False
        except RagError as error:
            log.warning("upkeep: %s", error)
            self._trouble = Notice.of(error)
            return False
        except Exception as error:  # the thread goes on, and tries again later
            log.exception("upkeep")
            self._trouble = unexpected(error)
            return False
        self._trouble = None
        return True

    def _check(self) -> None:
        """Find out which vector indexes can be trusted, and mend the rest. Raises StoreError."""
        if self._is_known:
            return
        state = state_since_left(self._note, self._folders)
        self._compare(state)
        if state != "as left":
            self._mend_keywords()
            self._catalog.remove_unused()
            self._configure()
        self._indexing.finish()
        self._is_known = True

    def _compare(self, state: State) -> None:
        """Note how each vector index differs, as far as can be told, and trust those that do not."""
        names = {each.index_name for each in all_indexes(self._catalog)}
        if not self._vectors.is_in_folder:
            self._differences = dict(compare_here(self._catalog, self._vectors))
        elif state == "as left" or not names:
            self._differences = dict.fromkeys(names, Difference())
        else:
            self._vectors.close()
            self._differences = {} if state == "damaged" else compare_apart(self._data_dir)
            self._is_folder_lost = not names <= self._differences.keys()  # Chroma itself cannot be used
        for name in names:
            difference = self._differences.get(name)
            if difference and difference.clean and not self._is_folder_lost:
                self._vectors.trust(name)
            else:
                self._vectors.distrust(name)

    def _reports(self) -> Iterator[IndexReport]:
        for collection in self._catalog.collections.all():
            yield report_of(
                collection,
                self._catalog.chunks.count(collection.id),
                self._differences.get(collection.index_name),
                keyword_difference(self._catalog, self._keywords, collection),
            )

    def _mend_keywords(self) -> None:
        for collection in self._catalog.collections.all():
            if not keyword_difference(self._catalog, self._keywords, collection).clean:
                self._indexing.rebuild_keywords(collection)

    def _configure(self) -> None:
        """Put the options of an index into effect that a stopped process had only noted."""
        for collection in self._catalog.collections.all():
            is_trusted = self._vectors.is_trusted(collection.index_name)
            if is_trusted and collection.hnsw and not is_configured(self._vectors, collection):
                put_into_effect(self._vectors, self._indexing, collection)

    def _mend_all(self) -> None:
        """Bring every vector index that is not trusted up to date, or build it anew. Raises StoreError.

        After a failure the next try begins with an empty folder.
        """
        is_folder_lost, self._is_folder_lost = self._is_folder_lost, self._vectors.is_in_folder
        if is_folder_lost:
            self._vectors.replace_folder()
            self._differences.clear()
        self._remove_unused()
        for collection in all_indexes(self._catalog):
            if not self._vectors.is_trusted(collection.index_name):
                self._mend(collection)
            elif self._is_bloated(collection):
                self._with_progress(self._indexing.rebuild_vectors, collection)
        self._is_folder_lost = False

    def _mend(self, collection: Collection) -> None:
        difference = self._differences.pop(collection.index_name, None)
        if difference and difference.readable and not difference.wrong and self._made_up_for(collection):
            return
        self._with_progress(self._indexing.rebuild_vectors, collection)

    def _made_up_for(self, collection: Collection) -> bool:
        """Whether an index was brought up to date as it is; one that was somebody else's takes no rows."""
        try:
            self._with_progress(self._indexing.synchronise, collection)
            self._indexing.complete(collection)
            self._indexing.settle(collection)
        except StoreError as error:
            log.warning("building the index %s anew: %s", collection.index_name, error)
            return False
        return True

    def _with_progress(
        self, work: Callable[[Collection, OnProgress, Callable[[], bool]], None], collection: Collection
    ) -> None:
        def on_progress(done: int, total: int) -> None:
            self._rebuilding[collection.id] = (done, total)

        try:
            work(collection, on_progress, self._stop.is_set)
        finally:
            self._rebuilding.pop(collection.id, None)

    def _is_bloated(self, collection: Collection) -> bool:
        """Whether most of an index are rows that were deleted, whose room Chroma does not give back."""
        deleted = self._catalog.collections.deleted_rows(collection.index_name)
        return deleted > LEAST_DELETED and deleted > self._catalog.chunks.count(collection.id)

    def _remove_unused(self) -> None:
        """Remove our indexes in the folder that no collection has: a stopped rebuild leaves one."""
        if not self._vectors.is_in_folder:  # which may hold the indexes of others
            return
        used = self._catalog.collections.index_names()
        for name in self._vectors.names():
            if name.startswith(PREFIX) and name not in used:
                self._vectors.drop(name)

    @property
    def _folders(self) -> tuple[Path, Path]:
        return self._data_dir / "chroma", self._data_dir / "keyword"
