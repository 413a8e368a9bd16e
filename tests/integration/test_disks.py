"""Disks that are full or cannot be written: a clear message, and nothing is damaged."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from rag.catalog import Catalog
from rag.errors import StoreError
from rag.workbench.editing import Editing
from tests.fakes import WordEmbedder
from tests.library import Library

RAG = Path(sys.executable).with_name("rag")
MEGABYTES = 12


def rag(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = os.environ | {"RAG_DATA_DIR": str(folder), "RAG_CONFIG": ""}
    return subprocess.run([RAG, *arguments], env=variables, capture_output=True, text=True, check=False)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes, where one may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def names(folder: Path, question: str) -> set[str]:
    found = rag(folder, "search", question, "-k", "20", "--json")
    return {passage["name"] for passage in json.loads(found.stdout)["passages"]}


def test_a_full_disk_loses_nothing(small_disk: Path, tmp_path: Path, models_dir: Path) -> None:
    first = tmp_path / "first.txt"
    first.write_text("Books may be kept for four weeks.")
    store = small_disk / "store"
    assert rag(store, "ingest", str(first)).returncode == 0
    more = tmp_path / "more"
    more.mkdir()
    for number in range(6):
        (more / f"{number}.bin.txt").write_text(f"Volume {number}.\n" + "The same line. " * 200_000)
    done = rag(store, "ingest", str(more))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert any(word in done.stderr.lower() for word in ("space", "full")), done.stderr
    assert "first.txt" in names(store, "books")
    subprocess.run(["mount", "-o", "remount,size=400m", str(small_disk)], check=True)
    assert json.loads(rag(store, "check", "--repair", "--json").stdout)["clean"] is True
    assert "first.txt" in names(store, "books")
    second = tmp_path / "second.txt"
    second.write_text("Cats sleep for most of the day.")
    assert rag(store, "ingest", str(second)).returncode == 0
    assert "second.txt" in names(store, "cats")


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def test_an_index_that_cannot_be_written_is_done_without(small_disk: Path) -> None:
    """Its folder alone is read-only, as after a restore by somebody else."""
    store = small_disk / "store"
    before = Library(store, WordEmbedder("apple", "pear"))
    before.add("apple.txt", "An apple is red.")
    before.close()
    chroma = str(store / "chroma")
    mount("--bind", chroma, chroma)
    mount("-o", "remount,bind,ro", chroma)
    library = Library(store, WordEmbedder("apple", "pear"))
    library.upkeep.run_once()
    assert "Chroma could not" in str(library.upkeep.trouble)
    assert library.add("pear.txt", "A pear is green.").status == "added"
    for mode in ("dense", "keyword"):
        assert library.found("pear", mode=mode)[0] == "A pear is green."
    subprocess.run(["umount", chroma], check=True)
    library.upkeep.repair()
    library.collection = library.catalog.collections.get("test")
    assert library.is_clean() and library.found("pear", mode="dense")[0] == "A pear is green."
    library.close()


def test_a_read_only_data_folder_is_told(small_disk: Path) -> None:
    Catalog(small_disk / "store").close()
    mount("-o", "remount,ro", str(small_disk))
    with pytest.raises(StoreError, match="RAG_DATA_DIR"):
        Catalog(small_disk / "store")
    mount("-o", "remount,rw", str(small_disk))
    Catalog(small_disk / "store").close()


FILLED = [0, 100, 300]  # KB that are left


def test_no_write_on_a_full_disk_leaves_half_of_anything(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    library = Library(small_disk / "store", WordEmbedder("apple", "pear"))
    editing = Editing(
        library.catalog, library.indexing, lambda _: library.embedder, lambda: None, lambda: None
    )
    library.add("kept.txt", "An apple is red.")
    [kept] = library.documents()
    for number, free in enumerate(FILLED):
        space = os.statvfs(small_disk)
        ballast.write_bytes(bytes(max(0, space.f_bavail * space.f_frsize - (free << 10))))
        text = f"Number {number}. " + "A pear is green. " * 200
        [record] = library.catalog.documents.chunks(kept.id)
        for act in (
            lambda text=text: library.add("more.txt", text),
            lambda record=record, number=number: editing.edit(
                library.collection, record.id, text=f"An apple, {number}."
            ),
            lambda: library.indexing.rebuild_vectors(library.catalog.collections.get("test")),
        )[number % 2 :]:
            with suppress(StoreError):
                act()
        ballast.unlink()
        library.catalog.jobs.requeue_interrupted()
        list(library.pipeline.run(library.catalog.jobs.take))
        library.upkeep.repair()
        library.collection = library.catalog.collections.get("test")
        assert library.is_clean() and library.catalog.unused_originals() == []
        assert library.catalog.changed_records.count() == 0
        [record] = library.catalog.documents.chunks(kept.id)
        assert library.found("apple", mode="dense")[0] == record.chunk.text
    library.close()


@pytest.mark.parametrize("folder", ["/proc/passage", __file__])
def test_a_folder_that_cannot_be_written_is_named(folder: str, models_dir: Path) -> None:
    done = rag(Path(folder) / "store", "ingest", __file__)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert folder in done.stderr and "RAG_DATA_DIR" in done.stderr
