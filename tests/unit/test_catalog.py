"""The catalogue: its file, its originals, its jobs."""

import io
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rag.catalog import Catalog, Collection
from rag.catalog.database import MIGRATIONS, SCHEMA, Database
from rag.catalog.vectors import DELETE_UNUSED
from rag.documents import Fingerprint, readable
from rag.errors import DocumentError, StoreError, UsageError

FINGERPRINT = Fingerprint("fake", "words", "1", "sum", "", "", True, 2)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = Catalog(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def collection(catalog: Catalog) -> Collection:
    return catalog.collections.create("one", FINGERPRINT)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def queue(catalog: Catalog, collection: Collection, name: str = "a.txt", content: bytes = b"x") -> int:
    return catalog.queue(collection.id, name, io.BytesIO(content), {}, most_mb=1)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts descriptors in /proc")
def test_a_thread_that_ends_closes_its_connection(catalog: Catalog) -> None:
    def work() -> None:
        catalog.collections.all()

    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(200):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert len(list(Path("/proc/self/fd").iterdir())) < before + 10


def test_a_data_folder_of_version_1_is_brought_up_to_date(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "catalog.sqlite3") as old:
        old.executescript(f"{SCHEMA} pragma user_version = 1;")
        old.execute("insert into vectors values ('model', 'text', x'00ff')")
    old.close()
    database = Database(tmp_path / "catalog.sqlite3")
    plan = [row["detail"] for row in database.connection.execute(f"explain query plan {DELETE_UNUSED}", "x")]
    assert "vectors_by_text" in plan[0]
    assert database.connection.execute("pragma user_version").fetchone()[0] == len(MIGRATIONS)
    kept = database.connection.execute("select * from vectors").fetchall()
    assert [tuple(row) for row in kept] == [("model", "text", b"\x00\xff")]
    database.close()


def test_a_data_folder_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    Database(tmp_path / "catalog.sqlite3").close()
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite3")) as newer:
        newer.execute(f"pragma user_version = {len(MIGRATIONS) + 1}")
    before = (tmp_path / "catalog.sqlite3").read_bytes()
    with pytest.raises(StoreError, match="newer version of Passage"):
        Catalog(tmp_path)
    assert (tmp_path / "catalog.sqlite3").read_bytes() == before


def test_one_process_at_a_time_writes(catalog: Catalog, tmp_path: Path) -> None:
    catalog.lock()
    other = Catalog(tmp_path)
    with pytest.raises(StoreError, match="RAG_DATA_DIR") as refused:
        other.lock()
    assert str(tmp_path) in str(refused.value)
    closing = threading.Thread(target=catalog.close)
    closing.start()
    closing.join()
    other.lock()
    other.close()


def test_a_transaction_that_cannot_be_kept_leaves_the_connection_usable(tmp_path: Path) -> None:
    database = Database(tmp_path / "catalog.sqlite3")
    with pytest.raises(sqlite3.IntegrityError), database.transaction() as connection:
        connection.execute("pragma defer_foreign_keys = on")  # it is the commit that fails
        connection.execute("insert into conversations values ('a', 'no collection', '', 0)")
    with database.transaction() as connection:
        connection.execute("select 1")
    database.close()


def test_a_full_disk_is_told_in_our_words(tmp_path: Path) -> None:
    database = Database(tmp_path / "catalog.sqlite3")
    pages = database.connection.execute("pragma page_count").fetchone()[0]
    database.connection.execute(f"pragma max_page_count = {pages}")
    insert = "insert into collections values (?, ?, '', '', 'i', '')"
    with pytest.raises(StoreError, match="full") as full, database.transaction() as connection:
        connection.execute(insert, ("a", "x" * (1 << 20)))
    assert str(tmp_path) in str(full.value) and "free space" in str(full.value)
    with pytest.raises(StoreError, match="full"), database.transaction() as connection:
        connection.executemany(insert, [("a", "x" * (1 << 20))])
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        database.connection.execute("select * from missing")  # a mistake of our own
    database.close()


def test_a_name_is_checked_when_it_changes_too(catalog: Catalog, collection: Collection) -> None:
    catalog.collections.create("two", FINGERPRINT)
    for name in (" ", "x" * 201, "two", " two "):
        with pytest.raises(UsageError):
            catalog.collections.rename(collection, name)
    catalog.collections.rename(collection, " three ")
    assert catalog.collections.get("three").id == collection.id


def test_a_cancelled_job_that_waits_leaves_no_original(
    catalog: Catalog, collection: Collection, tmp_path: Path
) -> None:
    first, second = queue(catalog, collection), queue(catalog, collection)
    catalog.cancel(first)
    assert catalog.originals.path(catalog.jobs.get(second).sha256).is_file()
    catalog.cancel(second)
    assert files_in(tmp_path / "originals") == []


def test_jobs_that_ended_are_forgotten_in_time(catalog: Catalog, collection: Collection) -> None:
    waiting, ended = queue(catalog, collection), queue(catalog, collection, "b.txt")
    catalog.jobs.finish(ended, "done", status="added")
    finished_at = catalog.jobs.get(ended).finished_at
    assert finished_at
    catalog.jobs.prune(finished_at - 1)
    assert [job.id for job in catalog.jobs.recent(collection.id)] == [waiting, ended]
    catalog.jobs.prune(finished_at + 1)
    assert [job.id for job in catalog.jobs.recent(collection.id)] == [waiting]


def test_a_file_too_large_is_refused_before_it_is_copied(
    catalog: Catalog, collection: Collection, tmp_path: Path
) -> None:
    source = io.BytesIO(bytes(5 << 20))
    with pytest.raises(DocumentError, match=r"big\.bin has 5 MB, and the limit is 2 MB"):
        catalog.queue(collection.id, "big.bin", source, {}, most_mb=2)
    assert files_in(tmp_path / "originals") == []
    assert catalog.jobs.recent(collection.id) == []


def test_a_source_that_breaks_off_leaves_nothing(catalog: Catalog, tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise ValueError("the browser went away")
            return super().read(1)

    with pytest.raises(ValueError, match="went away"):
        catalog.originals.save(Broken(b"abc"), "a.txt", most_mb=1)
    assert files_in(tmp_path / "originals") == []


def test_an_original_that_is_gone_has_no_size(catalog: Catalog) -> None:
    assert catalog.originals.size("0" * 64) == 0


def test_a_name_that_is_not_unicode_becomes_readable() -> None:
    assert readable(b"caf\xe9 \xe8\x8b\xb9.txt".decode("utf-8", "surrogateescape")) == "caf� 苹.txt"
    assert readable("plain 😀 苹果") == "plain 😀 苹果"


def test_the_time_left_survives_a_clock_that_is_put_back(catalog: Catalog, collection: Collection) -> None:
    number = catalog.queue(collection.id, "a.txt", io.BytesIO(b"x"), {}, most_mb=1)
    assert catalog.jobs.take(number)
    catalog.jobs.progress(number, "embedding", 1, 4)
    job = catalog.jobs.get(number)
    assert job.stage_started_at and job.heartbeat
    assert job.seconds_left(job.stage_started_at + 10) == pytest.approx(30)
    assert job.seconds_left(job.stage_started_at - 3600) is None


def test_a_sign_of_life_is_noted(catalog: Catalog, collection: Collection) -> None:
    number = catalog.queue(collection.id, "a.txt", io.BytesIO(b"x"), {}, most_mb=1)
    taken = catalog.jobs.take(number)
    assert taken and taken.heartbeat
    catalog.jobs.beat(number)
    assert (catalog.jobs.get(number).heartbeat or 0) > taken.heartbeat
