"""A backup holds all that its catalogue needs, and restoring it gives the same library or touches nothing."""

import hashlib
import io
import json
import sqlite3
import threading
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from chromadb.api.shared_system_client import SharedSystemClient

from rag.catalog import Catalog
from rag.catalog.originals import Originals
from rag.errors import StoreError, UsageError
from rag.keeping import back_up, restore
from rag.retrieval import Query
from tests.fakes import WordEmbedder
from tests.library import Library

WORDS = ("apple", "pear", "plum", "苹果", "tree")
TEXTS = {
    "fruit.txt": "An apple is red.\n\nA pear is green.",
    "报告/水果 2026.txt": "苹果是红色的。",
    "trees.md": "# Trees\n\nThe plum grows on a tree.",
    "broken.txt": " ",
}


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(tmp_path / "store", WordEmbedder(*WORDS))
    for name, text in TEXTS.items():
        opened.add(name, text, year=2026)
    yield opened
    opened.close()


def passages(library: Library) -> list[tuple[object, ...]]:
    """What three questions find, with every score."""
    return [
        (each.rank, each.chunk_id, each.name, each.text, each.cosine, each.keyword_score, each.score)
        for question in ("apple pear", "苹果", "plum tree")
        for each in library.retriever.search(library.collection, Query(question)).passages
    ]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file in a folder, but for the lock."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != "passage.lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def assert_whole(folder: Path) -> None:
    """The catalogue is clean and every document's original is there."""
    opened = Library(folder, WordEmbedder(*WORDS))
    opened.upkeep.run_once()
    opened.collection = opened.catalog.collections.get("test")
    assert opened.is_clean()
    for document in opened.documents():
        original = opened.catalog.originals.path(document.sha256).read_bytes()
        assert document.status == "failed" or original.decode().startswith(("An apple", "# T", "苹果"))
    assert opened.embedder.embedded == []
    opened.close()


def test_restored_searches_are_the_same_and_nothing_is_embedded(library: Library, tmp_path: Path) -> None:
    before, documents = passages(library), library.documents()
    assert len(before) >= 3
    done = back_up(library.catalog, tmp_path / "kept" / "all.zip")
    assert (done.originals, done.lost) == (len(TEXTS), ())
    restored = restore(tmp_path / "new", done.path)
    assert (restored.documents, restored.aside, restored.lost) == (3, None, 0)
    again = Library(tmp_path / "new", WordEmbedder(*WORDS))
    again.upkeep.run_once()
    again.collection = again.catalog.collections.get("test")
    assert passages(again) == before
    assert again.documents() == documents
    again.close()
    assert_whole(tmp_path / "new")


def test_only_what_is_needed_is_in_it(library: Library, tmp_path: Path) -> None:
    secret = "An apple whose name nobody may know."
    gone = library.add("gone.txt", secret)
    library.indexing.delete(str(gone.document_id))
    (library.settings.data_dir / "rag.toml").write_text('openai_api_key = "sk-secret"')
    back_up(library.catalog, tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as zipped:
        names = zipped.namelist()
        assert zipped.testzip() is None
    documents = library.documents()
    assert set(names) == {
        "manifest.json",
        "catalog.sqlite3",
        *(f"originals/{each.sha256}" for each in documents),
    }
    content = (tmp_path / "all.zip").read_bytes()
    assert secret.encode() not in content and b"sk-secret" not in content


def test_a_document_deleted_meanwhile_is_wholly_in_it_or_not_at_all(library: Library, tmp_path: Path) -> None:
    doomed = next(each for each in library.documents() if each.name == "fruit.txt")

    class DeletedMeanwhile(Originals):
        def path(self, sha256: str) -> Path:
            if sha256 == doomed.sha256 and library.catalog.documents.find(doomed.id):
                library.indexing.delete(doomed.id)
                library.add("later.txt", "An apple came later.")
            return super().path(sha256)

    with closing(Catalog(library.settings.data_dir)) as other:
        other.originals = DeletedMeanwhile(library.settings.data_dir / "originals")
        assert back_up(other, tmp_path / "all.zip").lost == ()
    restore(tmp_path / "new", tmp_path / "all.zip")
    with closing(Catalog(tmp_path / "new")) as catalog:
        names = {each.name for each in catalog.documents.all(library.collection.id)}
    assert names == set(TEXTS) - {"fruit.txt"} | {"later.txt"}
    assert_whole(tmp_path / "new")


def test_backups_during_ingestion_and_deletion_are_whole(library: Library, tmp_path: Path) -> None:
    stop = threading.Event()
    changes = 0

    def change() -> None:
        nonlocal changes
        while not stop.is_set():
            job = library.add(f"{changes % 5}.txt", f"An apple, number {changes}.")
            if changes % 3 == 0:
                library.indexing.delete(str(job.document_id))
            changes += 1

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for number in range(4):
            with closing(Catalog(library.settings.data_dir)) as other:
                back_up(other, tmp_path / f"{number}.zip")
    finally:
        stop.set()
        thread.join()
    assert changes
    for number in range(4):
        restore(tmp_path / f"new-{number}", tmp_path / f"{number}.zip")
        assert_whole(tmp_path / f"new-{number}")


def test_a_backup_of_an_interrupted_job_is_finished_elsewhere(library: Library, tmp_path: Path) -> None:
    interrupted = library.queue("running.txt", "An apple that is half read.")
    library.queue("waiting.txt", "An apple that waits.")
    assert library.catalog.jobs.take(interrupted)
    library.catalog.documents.set_status([library.documents()[-1].id], "indexing")
    back_up(library.catalog, tmp_path / "all.zip")
    restore(tmp_path / "new", tmp_path / "all.zip")
    again = Library(tmp_path / "new", WordEmbedder(*WORDS))
    again.upkeep.run_once()
    again.collection = again.catalog.collections.get("test")
    assert again.is_clean()
    assert {each.name for each in again.documents()} == set(TEXTS)  # nothing of what was only begun
    again.catalog.jobs.requeue_interrupted()
    list(again.pipeline.run(again.catalog.jobs.take))
    assert {each.name for each in again.documents()} == {*TEXTS, "running.txt", "waiting.txt"}
    assert again.is_clean() and again.catalog.missing_originals() == []
    assert set(again.found("apple that half waits", mode="keyword")[:2]) == {
        "An apple that is half read.",
        "An apple that waits.",
    }
    again.close()


def test_a_lost_original_is_told_and_stops_nothing(library: Library, tmp_path: Path) -> None:
    missing, damaged, *_ = sorted(library.documents(), key=lambda each: each.name, reverse=True)
    library.catalog.originals.delete(missing.sha256)
    library.catalog.originals.path(damaged.sha256).write_text("bit rot")
    done = back_up(library.catalog, tmp_path / "all.zip")
    assert done.lost == tuple(sorted((missing.name, damaged.name)))
    assert restore(tmp_path / "new", tmp_path / "all.zip").lost == 2
    assert not (tmp_path / "new" / "originals" / damaged.sha256[:2] / damaged.sha256).exists()
    again = Library(tmp_path / "new", WordEmbedder(*WORDS))
    again.upkeep.run_once()
    again.collection = again.catalog.collections.get("test")
    assert passages(again) == passages(library)
    again.close()


def rewritten(file: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """The same archive with other contents, as a whole and valid one."""
    with zipfile.ZipFile(file) as zipped:
        members = {name: zipped.read(name) for name in zipped.namelist()}
    change(members)
    with zipfile.ZipFile(file, "w") as zipped:
        for name, content in members.items():
            zipped.writestr(name, content)


def original_of(members: dict[str, bytes]) -> str:
    return next(name for name in sorted(members) if name.startswith("originals/"))


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[content.index(b"is red")] ^= 1
    file.write_bytes(content)


def no_zip(file: Path) -> None:
    file.write_bytes(b"nothing of the kind" * 100)


def manifest(**values: object) -> Callable[[Path], None]:
    def change(members: dict[str, bytes]) -> None:
        members["manifest.json"] = json.dumps(json.loads(members["manifest.json"]) | values).encode()

    return lambda file: rewritten(file, change)


def with_member(name: str) -> Callable[[Path], None]:
    return lambda file: rewritten(file, lambda members: members.update({name: b"x"}))


def without(choose: Callable[[dict[str, bytes]], str]) -> Callable[[Path], None]:
    return lambda file: rewritten(file, lambda members: members.pop(choose(members)) and None)


def other_original(file: Path) -> None:
    rewritten(file, lambda members: members.update({original_of(members): b"An apple of another kind."}))


def other_catalogue(file: Path) -> None:
    rewritten(file, lambda members: members.update({"catalog.sqlite3": members["catalog.sqlite3"][:-4096]}))


DAMAGES = {
    "truncated": (truncate, "no whole backup"),
    "one bit": (flip, "no whole backup"),
    "no zip": (no_zip, "no whole backup"),
    "newer schema": (manifest(schema=99), "newer Passage"),
    "newer format": (manifest(format=99, other=1), "newer Passage"),
    "strange manifest": (manifest(more=1), "no whole backup"),
    "path upwards": (with_member("../evil.txt"), "evil"),
    "path upwards inside": (with_member("originals/../../evil.txt"), "evil"),
    "absolute path": (with_member("/evil.txt"), "evil"),
    "settings": (with_member("rag.toml"), "rag.toml"),
    "no manifest": (without(lambda _: "manifest.json"), "no whole backup"),
    "no catalogue": (without(lambda _: "catalog.sqlite3"), "no whole backup"),
    "no original": (without(original_of), "no whole backup"),
    "another original": (other_original, "not the one that was saved"),
    "another catalogue": (other_catalogue, "not the one that was saved"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_backup_is_refused_and_nothing_is_touched(
    library: Library, tmp_path: Path, name: str
) -> None:
    damage, reason = DAMAGES[name]
    file = tmp_path / "all.zip"
    back_up(library.catalog, file)
    damage(file)
    library.close()
    before = contents(tmp_path)
    with pytest.raises(StoreError, match=reason):
        restore(library.settings.data_dir, file, replace=True)
    assert contents(tmp_path) == before


def test_a_catalogue_that_is_damaged_inside_is_refused(library: Library, tmp_path: Path) -> None:
    """Its digest is right: it was damaged before it was saved."""
    copy = tmp_path / "copy.sqlite3"
    library.catalog.copy_to(copy)
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("drop table jobs")
    file = tmp_path / "all.zip"
    back_up(library.catalog, file)
    digest = hashlib.sha256(copy.read_bytes()).hexdigest()
    rewritten(file, lambda members: members.update({"catalog.sqlite3": copy.read_bytes()}))
    manifest(catalog_sha256=digest)(file)
    with pytest.raises(StoreError, match="catalogue"):
        restore(tmp_path / "new", file)
    assert contents(tmp_path / "new") == {}


def test_a_folder_that_is_in_use_or_not_empty_is_not_replaced_unasked(
    library: Library, tmp_path: Path
) -> None:
    file, store = tmp_path / "all.zip", library.settings.data_dir
    back_up(library.catalog, file)
    library.add("fruit.txt", "A plum is blue.")
    library.catalog.lock()
    with pytest.raises(StoreError, match="RAG_DATA_DIR"):
        restore(store, file, replace=True)
    library.close()
    before = contents(store)
    with pytest.raises(UsageError, match="--replace"):
        restore(store, file)
    assert contents(store) == before
    aside = restore(store, file, replace=True).aside
    assert aside and contents(aside) == before
    SharedSystemClient.clear_system_cache()  # a new process knows nothing of the folder's old files
    assert_whole(store)
    second = restore(store, file, replace=True).aside
    assert second and second != aside and contents(aside) == before


def test_a_backup_is_written_whole_and_replaces_nothing_unasked(library: Library, tmp_path: Path) -> None:
    file = tmp_path / "all.zip"
    file.write_text("precious")
    for target in (file, tmp_path, library.settings.data_dir / "inside.zip"):
        with pytest.raises(UsageError):
            back_up(library.catalog, target)
    with pytest.raises(StoreError):
        back_up(library.catalog, file / "under-a-file.zip")

    def full(done: int, total: int) -> None:
        if done == 2:
            raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match="No space left"):
        back_up(library.catalog, file, force=True, on_progress=full)
    assert file.read_text() == "precious"
    assert {path.name for path in tmp_path.iterdir()} == {"all.zip", "store"}
    back_up(library.catalog, file, force=True)
    restore(tmp_path / "new", file)


def test_large_files_pass_through_little_memory(library: Library, tmp_path: Path) -> None:
    size = 64 << 20
    library.catalog.queue(library.collection.id, "large.bin", io.BytesIO(bytes(size)), {}, most_mb=64)
    tracemalloc.start()
    try:
        back_up(library.catalog, tmp_path / "all.zip")
        restore(tmp_path / "new", tmp_path / "all.zip")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12 << 20
    assert (tmp_path / "all.zip").stat().st_size > size
