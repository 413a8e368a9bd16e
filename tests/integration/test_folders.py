"""A folder and its collection are kept in step, and nothing is removed that did not vanish from it."""

import io
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.catalog import Job
from rag.cli.folders import find_sources
from rag.errors import UsageError
from rag.ingestion.folders import FolderListing, list_folder, vanished
from tests.commands import Run, read
from tests.fakes import WordEmbedder
from tests.library import Library

Row = tuple[str, str]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(tmp_path / "store", WordEmbedder("apple", "pear", "plum"))
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "docs"
    made.mkdir()
    return made


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def put(library: Library, name: str, text: bytes, folder: str | None) -> Job:
    """Add a file as one of a folder, or of none."""
    number = library.catalog.queue(
        library.collection.id, name, io.BytesIO(text), {}, most_mb=1, folder=folder
    )
    job = library.catalog.jobs.take(number)
    assert job
    library.run(job)
    return library.catalog.jobs.get(number)


def sync(library: Library, folder: Path) -> list[Row]:
    """Add everything in a folder; (name, status) of each file."""
    listing = list_folder(folder)
    jobs = [put(library, name, path.read_bytes(), listing.folder) for name, path in listing.files]
    return [(job.name, str(job.status)) for job in jobs]


def gone(library: Library, folder: Path) -> list[str]:
    return [each.name for each in vanished(library.catalog, library.collection, list_folder(folder))]


def test_what_vanished_is_told_and_what_failed_is_there(library: Library, folder: Path) -> None:
    for name, text in {"一/苹果.txt": "An apple.", "b.txt": "A pear.", "broken.txt": " "}.items():
        write(folder, name, text)
    assert sync(library, folder) == [("b.txt", "added"), ("broken.txt", "failed"), ("一/苹果.txt", "added")]
    assert gone(library, folder) == []
    write(folder, "b.txt", " ")
    assert sync(library, folder)[0] == ("b.txt", "failed")
    assert gone(library, folder) == []
    (folder / "一" / "苹果.txt").unlink()
    (folder / "broken.txt").unlink()
    assert sorted(gone(library, folder)) == ["broken.txt", "一/苹果.txt"]
    (folder / "一" / "苹果.txt").symlink_to(folder / "nowhere")
    assert gone(library, folder) == ["broken.txt"]


def test_a_renamed_file_is_added_anew_without_embedding(library: Library, folder: Path) -> None:
    write(folder, "old.txt", "An apple.")
    sync(library, folder)
    embedded = list(library.embedder.embedded)
    (folder / "old.txt").rename(folder / "新.txt")
    assert sync(library, folder) == [("新.txt", "added")]
    assert library.embedder.embedded == embedded
    assert gone(library, folder) == ["old.txt"]
    for document in vanished(library.catalog, library.collection, list_folder(folder)):
        library.indexing.delete(document.id)
    assert library.found("apple") == ["An apple."]
    assert sync(library, folder) == [("新.txt", "unchanged")]


def test_a_copy_in_the_folder_is_no_second_document_until_the_first_goes(
    library: Library, folder: Path
) -> None:
    write(folder, "a.txt", "An apple.")
    write(folder, "b.txt", "An apple.")
    assert sync(library, folder) == [("a.txt", "added"), ("b.txt", "unchanged")]
    (folder / "a.txt").unlink()
    assert sync(library, folder) == [("b.txt", "added")]
    assert gone(library, folder) == ["a.txt"]


@pytest.mark.parametrize("upload_first", [True, False])
def test_what_was_uploaded_too_never_vanishes(library: Library, folder: Path, upload_first: bool) -> None:
    write(folder, "same.txt", "An apple.")
    write(folder, "copied.txt", "A pear.")
    steps: list[Callable[[], object]] = [
        lambda: sync(library, folder),
        lambda: library.add("same.txt", "An apple."),
        lambda: library.add("my copy.txt", "A pear."),
    ]
    for step in steps[1:] + steps[:1] if upload_first else steps:
        step()
    library.add("uploaded.txt", "A plum.")
    for name in ("same.txt", "copied.txt"):
        (folder / name).unlink()
    assert gone(library, folder) == []


def test_a_folders_new_version_of_an_upload_is_the_folders(library: Library, folder: Path) -> None:
    library.add("a.txt", "A pear.")
    write(folder, "a.txt", "An apple.")
    assert sync(library, folder) == [("a.txt", "replaced")]
    assert [each.warnings for each in library.documents()] == [()]
    (folder / "a.txt").unlink()
    assert gone(library, folder) == ["a.txt"]


def test_folders_with_the_same_names_are_told_apart(library: Library, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    write(one, "readme.txt", "An apple.")
    write(two, "readme.txt", "A pear.")
    sync(library, one)
    assert sync(library, two) == [("readme.txt", "replaced")]
    [document] = library.documents()
    assert [str(one) in str(warning) for warning in document.warnings] == [True]
    (one / "readme.txt").unlink()
    assert gone(library, one) == []
    (two / "readme.txt").unlink()
    assert gone(library, two) == ["readme.txt"]


def test_another_collections_documents_do_not_vanish(library: Library, folder: Path) -> None:
    write(folder, "a.txt", "An apple.")
    sync(library, folder)
    (folder / "a.txt").unlink()
    other = library.catalog.collections.create("other", library.embedder.fingerprint)
    assert vanished(library.catalog, other, list_folder(folder)) == []


def test_what_nobody_could_look_at_has_not_vanished(library: Library, folder: Path) -> None:
    for name in ("locked/a.txt", "locked2/b.txt", "c.txt"):
        write(folder, name, f"An apple in {name}.")
    sync(library, folder)

    def names(unreadable: str) -> set[str]:
        listing = FolderListing(str(folder.resolve()), (), frozenset(), {unreadable: "Permission denied"})
        return {each.name for each in vanished(library.catalog, library.collection, listing)}

    assert names("locked") == {"locked2/b.txt", "c.txt"}
    assert names("c.txt") == {"locked/a.txt", "locked2/b.txt"}
    assert names(".") == set()


def test_a_listing_says_what_it_could_not_look_at(folder: Path) -> None:
    write(folder, "sub/a.txt", "x")
    write(folder, ".hidden/b.txt", "x")
    write(folder, ".c.txt", "x")
    (folder / "loop").symlink_to(folder / "loop")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket"))
        listing = list_folder(folder)
    assert [name for name, _ in listing.files] == ["sub/a.txt"]
    assert listing.names == {"sub", "sub/a.txt", "loop", "pipe", "socket"}
    assert list(listing.unreadable) == ["loop"]
    assert set(listing.skipped) == {"pipe", "socket"}


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path, folder: Path) -> None:
    write(tmp_path, "secret/key.txt", "x")
    write(folder, "sub/a.txt", "x")
    for name, target in {
        "out.txt": tmp_path / "secret" / "key.txt",
        "out": tmp_path / "secret",
        "sub/up": "../..",
        "sub/round": "..",
        "sub/in.txt": "a.txt",
        "nothing.txt": "nowhere",
        "by way of.txt": "out/key.txt",
    }.items():
        (folder / name).symlink_to(target)
    listing = list_folder(folder)
    assert [name for name, _ in listing.files] == ["sub/a.txt", "sub/in.txt"]
    assert set(listing.skipped) == {"by way of.txt", "nothing.txt", "out", "out.txt", "sub/up"}
    assert all("leads out" in listing.skipped[name] for name in ("by way of.txt", "out", "out.txt", "sub/up"))
    assert all(map(listing.may_hold, listing.skipped))  # none of them has vanished
    (tmp_path / "by a link").symlink_to(folder)
    assert list_folder(tmp_path / "by a link") == listing


def test_the_command_tells_what_it_does_not_follow(run: Run, tmp_path: Path, folder: Path) -> None:
    write(tmp_path, "secret.txt", "The key is under the mat.")
    write(folder, "a.txt", "An apple is red.")
    (folder / "b.txt").symlink_to(tmp_path / "secret.txt")
    done = run("ingest", "docs", "--json")
    answer = read(done)
    assert [row["name"] for row in answer["documents"]] == ["a.txt"]
    assert [row["name"] for row in answer["skipped"]] == ["b.txt"]
    assert "skipped    b.txt: it is a link that leads out of the folder" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is locked for root")
def test_a_locked_folder_is_unreadable(folder: Path) -> None:
    write(folder, "sub/a.txt", "x")
    (folder / "sub").chmod(0)
    assert list(list_folder(folder).unreadable) == ["sub"]
    (folder / "sub").chmod(0o700)


def test_prune_believes_no_missing_or_empty_folder(folder: Path) -> None:
    write(folder, "full/a.txt", "x")
    (folder / "empty").mkdir()
    write(folder, "hidden/.a", "x")
    for name in ("empty", "hidden", "missing", "full/a.txt"):
        with pytest.raises(UsageError, match=name):
            find_sources([folder / "full", folder / name], prune=True)
    assert len(find_sources([folder / "full"], prune=True).files) == 1


def test_the_command_keeps_a_folder_in_step(run: Run, tmp_path: Path, folder: Path) -> None:
    def ingested(*options: str, status: int = 0) -> tuple[dict[str, str], list[str], list[str]]:
        answer: dict[str, Any] = read(run("ingest", "docs", *options, "--json", status=status))
        assert set(answer) == {"documents", "vanished", "removed", "skipped", "seconds"}
        statuses = {row["name"]: row["status"] for row in answer["documents"]}
        return statuses, answer["vanished"], answer["removed"]

    def listed() -> set[str]:
        return {row["name"] for row in read(run("documents", "--json"))["documents"]}

    write(folder, "手册/年假.txt", "每年有 25 天年假。")
    write(folder, "rules.txt", "Books may be kept for four weeks.")
    write(folder, "copy.txt", "Books may be kept for four weeks.")
    new = {"copy.txt": "added", "rules.txt": "unchanged", "手册/年假.txt": "added"}
    assert ingested("--dry-run") == (new, [], [])
    assert not (tmp_path / "store" / "originals").exists()
    assert ingested() == (new, [], [])
    (tmp_path / "own.txt").write_text("Dogs stay outside.")
    run("ingest", "own.txt")

    write(folder, "rules.txt", "Books may be kept for six weeks.")
    (folder / "手册" / "年假.txt").rename(folder / "手册" / "假期.txt")
    write(folder, "huge.txt", "x" * ((1 << 20) + 1))
    changed = {"copy.txt": "unchanged", "huge.txt": "failed", "rules.txt": "added", "手册/假期.txt": "added"}
    limit = {"RAG_MAX_FILE_MB": "1"}
    planned = run("ingest", "docs", "--dry-run", "--prune", "--json", status=1, **limit)
    assert {row["name"]: row["status"] for row in read(planned)["documents"]} == changed
    assert (read(planned)["vanished"], read(planned)["removed"]) == (["手册/年假.txt"], [])
    done = read(run("ingest", "docs", "--json", status=1, **limit))
    assert {row["name"]: row["status"] for row in done["documents"]} == changed
    assert (done["vanished"], done["removed"]) == (["手册/年假.txt"], [])
    assert listed() == {"copy.txt", "rules.txt", "手册/年假.txt", "手册/假期.txt", "own.txt"}

    (folder / "huge.txt").unlink()
    statuses, names, removed = ingested("--prune")
    assert set(statuses.values()) == {"unchanged"} and names == removed == ["手册/年假.txt"]
    assert listed() == {"copy.txt", "rules.txt", "手册/假期.txt", "own.txt"}
    assert read(run("search", "年假", "--json"))["passages"][0]["name"] == "手册/假期.txt"

    (tmp_path / "docs").rename(tmp_path / "elsewhere")
    (tmp_path / "docs").mkdir()
    for path in ("docs", "missing", "own.txt"):
        refused = run("ingest", path, "--prune", "--json", status=2)
        assert refused.stdout == "" and "othing was done" in refused.stderr
    assert len(listed()) == 4


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file whose reading fails")
def test_a_file_on_a_failing_disk_stops_no_other(run: Run, folder: Path) -> None:
    write(folder, "apple.txt", "An apple is red.")
    (folder.parent / "lost.txt").symlink_to("/proc/self/mem")
    rows = read(run("ingest", "docs", "lost.txt", "--json", status=1))["documents"]
    assert [(row["name"], row["status"]) for row in rows] == [("apple.txt", "added"), ("lost.txt", "failed")]
    assert "lost.txt cannot be read: Input/output error" in rows[1]["error"]
