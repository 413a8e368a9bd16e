"""An export can be read without Passage, whatever the documents are called."""

import io
import json
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rag.catalog import Catalog
from rag.catalog.originals import Originals
from rag.documents import Chunk, Document, Notice
from rag.errors import StoreError, UsageError
from rag.keeping import Export, export
from tests.fakes import WordEmbedder
from tests.library import Library

NAMES = (
    "a/b.txt",
    "c/b.txt",
    "../../up.txt",
    "/etc/passwd",
    "..",
    "CON.txt",
    ".hidden",
    "con",
    "C:\\Users\\me\\报告 2026（终稿）.docx",
    "x" * 300 + ".txt",
    "长" * 200 + ".文字",
    "right\u202eto\nleft\x00.txt",
    'a<b>c:"d|e?f*.txt',
    "trailing. . .",
)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(tmp_path / "store", WordEmbedder("apple", "pear"))
    yield opened
    opened.close()


def exported(library: Library, folder: Path, **options: bool) -> Export:
    return export(library.catalog, folder, collections=library.catalog.collections.all(), **options)


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]


def test_documents_chunks_and_originals_are_plain_files(library: Library, tmp_path: Path) -> None:
    library.add("fruit.md", "# Fruit\n\n## 苹果\n\n" + "An apple is red. " * 9, year=2026)
    library.add("empty.txt", " ")
    done = exported(library, tmp_path / "out" / "deep")
    assert (done.documents, done.lost) == (2, ())
    fruit, empty = rows(done.folder, "documents.jsonl")
    first, *_, chunk = chunks = rows(done.folder, "chunks.jsonl")
    assert len(chunks) == done.chunks == fruit["chunks"] and first["text"].startswith("# Fruit")
    assert set(chunk) == {"id", "document_id", "name", "ordinal", "page", "heading", "text"}
    assert (chunk["document_id"], chunk["name"]) == (fruit["id"], "fruit.md")
    assert [each["ordinal"] for each in chunks] == list(range(len(chunks)))
    assert "An apple is red." in chunk["text"] and chunk["heading"] == "Fruit › 苹果"
    assert (fruit["collection"], fruit["status"], fruit["metadata"]) == ("test", "ready", {"year": 2026})
    assert (empty["status"], empty["chunks"]) == ("failed", 0) and "empty.txt" in empty["error"]
    assert (done.folder / fruit["original"]).read_text().startswith("# Fruit\n\n## 苹果")
    assert "苹果" in (done.folder / "chunks.jsonl").read_text("utf-8")


def test_names_are_labels_and_files_are_safe(library: Library, tmp_path: Path) -> None:
    other = library.catalog.collections.create("第二", library.embedder.fingerprint)
    library.indexing.create(other)
    for number, name in enumerate(NAMES):
        library.add(name, f"An apple, number {number}.")
    job = library.catalog.jobs.take(
        library.catalog.queue(other.id, NAMES[0], io.BytesIO(b"A pear."), {}, most_mb=1)
    )
    assert job
    library.run(job)
    done = exported(library, tmp_path / "out")
    documents = rows(done.folder, "documents.jsonl")
    originals = {path.name: path for path in (done.folder / "originals").iterdir()}
    assert len(documents) == len(originals) == len(NAMES) + 1
    assert {path.name for path in tmp_path.iterdir()} == {"store", "out"}
    for row in documents:
        original = originals[row["original"].removeprefix("originals/")]
        text = "A pear." if row["collection"] == "第二" else f"An apple, number {NAMES.index(row['name'])}."
        assert original.read_text() == text
        assert original.name.startswith(row["id"]) and len(original.name.encode()) < 200
        assert not set(original.name) & set('/\\<>:"|?*\n\x00\u202e')
        assert original.name.strip(" .") == original.name
    assert any("报告 2026" in name and name.endswith(".docx") for name in originals)


def test_one_collection_alone(library: Library, tmp_path: Path) -> None:
    library.add("fruit.txt", "An apple.")
    other = library.catalog.collections.create("other", library.embedder.fingerprint)
    done = export(library.catalog, tmp_path / "out", collections=[other])
    assert (done.documents, rows(done.folder, "documents.jsonl")) == (0, [])


def test_it_reads_beside_the_process_that_writes(library: Library, tmp_path: Path) -> None:
    library.add("fruit.txt", "An apple.")
    library.catalog.lock()
    with closing(Catalog(library.settings.data_dir)) as other:
        done = export(other, tmp_path / "out", collections=other.collections.all())
    assert done.documents == 1
    assert library.add("more.txt", "A pear.").status == "added"


def test_what_is_deleted_meanwhile_is_left_out_whole(library: Library, tmp_path: Path) -> None:
    library.add("first.txt", "An apple.")
    doomed = library.catalog.documents.get(str(library.add("doomed.txt", "A pear.").document_id))

    class DeletedMeanwhile(Originals):
        def path(self, sha256: str) -> Path:
            if sha256 == doomed.sha256 and library.catalog.documents.find(doomed.id):
                library.indexing.delete(doomed.id)
                library.add("doomed.txt", "A pear and an apple.")
            return super().path(sha256)

    with closing(Catalog(library.settings.data_dir)) as other:
        other.originals = DeletedMeanwhile(library.settings.data_dir / "originals")
        done = export(other, tmp_path / "out", collections=other.collections.all())
    assert [(row["name"], row["bytes"]) for row in rows(done.folder, "documents.jsonl")] == [
        ("first.txt", 9),
        ("doomed.txt", 20),
    ]
    assert len(list((done.folder / "originals").iterdir())) == 2 and done.lost == ()


def test_a_lost_original_is_told(library: Library, tmp_path: Path) -> None:
    lost = library.catalog.documents.get(str(library.add("lost.txt", "An apple.").document_id))
    library.catalog.originals.delete(lost.sha256)
    rotten = library.catalog.documents.get(str(library.add("rotten.txt", "A pear.").document_id))
    library.catalog.originals.path(rotten.sha256).write_text("?")
    done = exported(library, tmp_path / "out")
    assert done.lost == ("lost.txt", "rotten.txt") and done.chunks == 2
    assert rows(done.folder, "documents.jsonl")[0]["original"] is None


def test_only_an_earlier_export_is_replaced_and_only_when_asked(library: Library, tmp_path: Path) -> None:
    library.add("fruit.txt", "An apple.")
    folder = tmp_path / "out"
    folder.mkdir()
    exported(library, folder)
    with pytest.raises(UsageError, match="--force"):
        exported(library, folder)
    library.add("more.txt", "A pear.")
    assert exported(library, folder, force=True).documents == 2
    assert len(list((folder / "originals").iterdir())) == 2
    (folder / "thesis.txt").write_text("precious")
    for target in (folder, folder / "thesis.txt", library.settings.data_dir / "out"):
        with pytest.raises(UsageError):
            exported(library, target, force=True)
    assert (folder / "thesis.txt").read_text() == "precious"


def test_a_broken_export_leaves_nothing(library: Library, tmp_path: Path) -> None:
    library.add("fruit.txt", "An apple.")

    class Unlucky(Originals):
        def path(self, sha256: str) -> Path:
            raise OSError(28, "No space left on device")

    library.catalog.originals = Unlucky(tmp_path)
    with pytest.raises(StoreError, match="No space left"):
        exported(library, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_five_thousand_documents_fit_in_little_memory(tmp_path: Path) -> None:
    fingerprint = WordEmbedder("apple").fingerprint
    with closing(Catalog(tmp_path / "store")) as catalog:
        collection = catalog.collections.create("many", fingerprint)
        for number in range(5000):
            sha256 = f"{number:064x}"
            path = catalog.originals.path(sha256)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")
            document = Document(
                f"{number:016x}", collection.id, f"{number}.txt", sha256, "txt", 1, "ready",
                "2026-01-01T00:00:00+00:00", warnings=(Notice("It is old."),),
            )  # fmt: skip
            catalog.documents.add(document, [Chunk(f"{number} " + "苹果" * 1500, 9)])
        tracemalloc.start()
        try:
            done = export(catalog, tmp_path / "out", collections=[collection])
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert (done.documents, done.chunks, len(done.lost)) == (5000, 5000, 5000)
    assert (tmp_path / "out" / "chunks.jsonl").stat().st_size > 40 << 20
    assert peak < 20 << 20
