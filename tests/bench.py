"""The workbench over the engine's parts, with an embedder of the test's own."""

from pathlib import Path

from rag.workbench import Record, Workbench, workbench
from tests.fakes import WordEmbedder
from tests.library import Library

FRUIT = ("apple", "pear", "plum", "fig")


class Bench(Library):
    """A library with the workbench over it; one that was there before is mended first, as by the engine."""

    def __init__(self, folder: Path, **options: object) -> None:
        is_new = not folder.exists()
        super().__init__(folder, WordEmbedder(*FRUIT), **options)  # type: ignore[arg-type]
        self.workbench: Workbench = workbench(
            self.catalog,
            self.indexing,
            self.vectors,
            self.retriever.exact,
            lambda _collection: self.embedder,
            prepare=lambda: None,
            ready=lambda: None,
            on_deleted=lambda: None,
        )
        self.browsing, self.editing = self.workbench.browsing, self.workbench.editing
        if not is_new:
            self.upkeep.run_once()

    def write(self, text: str, **options: object) -> str:
        return self.editing.add(self.collection, text, **options)  # type: ignore[arg-type]

    def record(self, record_id: str) -> Record:
        return self.browsing.get(self.collection, [record_id])[0]

    def texts(self, **options: object) -> list[str]:
        page = self.browsing.page(self.collection, **options)  # type: ignore[arg-type]
        return [each.text for each in page.records]

    def is_whole(self) -> bool:
        """Whether nothing is left to be done: what `rag check` looks at, without a process of its own."""
        catalog = self.catalog
        unfinished = catalog.documents.with_status("indexing", "deleting"), catalog.changed_records.count()
        files = catalog.unused_originals(), catalog.missing_originals()
        return self.is_clean() and not any((*unfinished, *files))
