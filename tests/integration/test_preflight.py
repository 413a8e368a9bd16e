"""A look before adding, chunks of a chosen size, and the audit afterwards, with a real parser process."""

import io
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.catalog import Catalog
from rag.catalog.database import MIGRATIONS
from rag.documents import ChunkSize, Notice
from rag.errors import ProviderError, UsageError
from rag.ingestion.audit import Auditor
from rag.ingestion.preflight import CutFile, Preflight
from rag.settings import PROJECT_DIR, Settings
from tests.fakes import WordEmbedder
from tests.library import Library

SAMPLES = PROJECT_DIR / "data" / "samples"
LONG = " ".join(f"An apple of {number} grams is red." for number in range(40))


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(tmp_path, WordEmbedder("apple", "pear"))
    yield opened
    opened.close()


@pytest.fixture
def preflight(library: Library) -> Preflight:
    return Preflight(library.settings, library.catalog, library.parser, lambda _collection: library.embedder)


@pytest.fixture
def auditor(library: Library) -> Auditor:
    return Auditor(library.catalog, lambda _collection: library.embedder)


def cut(library: Library, preflight: Preflight, name: str, content: bytes, size: ChunkSize) -> CutFile:
    read = preflight.read(library.collection, name, io.BytesIO(content))
    return preflight.cut(library.collection, read, size)


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and "sqlite" not in path.name]


def test_a_look_tells_what_adding_would_do_and_leaves_nothing(library: Library, preflight: Preflight) -> None:
    before = files_in(library.settings.data_dir)
    path = SAMPLES / "Riverside Library Handbook.pdf"
    read = preflight.read(library.collection, path.name, path)
    planned = preflight.cut(library.collection, read, ChunkSize(64, 8))
    assert (planned.error, read.parsed and read.parsed.kind, read.bytes) == (None, "pdf", path.stat().st_size)
    assert read.languages == {"en": 1.0}
    estimate = preflight.estimate(library.collection, [planned])
    assert (estimate.files, estimate.chunks, estimate.tokens) == (1, len(planned.chunks), planned.new_tokens)
    assert estimate.disk_bytes > read.bytes and estimate.free_bytes > 0
    assert estimate.seconds and estimate.seconds > 0
    assert (estimate.cost, estimate.host, estimate.problem) == (None, "", None)
    assert files_in(library.settings.data_dir) == before
    assert library.documents() == [] and library.catalog.jobs.recent(library.collection.id) == []
    assert not any("Riverside" in text for text in library.embedder.embedded)

    with path.open("rb") as source:
        number = library.catalog.queue(
            library.collection.id, path.name, source, {}, most_mb=1, chunk_size=ChunkSize(64, 8)
        )
    job = library.catalog.jobs.take(number)
    assert job
    library.run(job)
    (document,) = library.documents()
    assert (document.chunks, document.tokens, document.chunk_size) == (
        len(planned.chunks),
        planned.tokens,
        ChunkSize(64, 8),
    )
    again = preflight.cut(library.collection, read, ChunkSize(64, 8))
    assert (again.tokens, again.new_tokens) == (planned.tokens, 0)


def test_the_size_decides_the_chunks(library: Library, preflight: Preflight) -> None:
    small = cut(library, preflight, "a.txt", LONG.encode(), ChunkSize(32, 0))
    large = cut(library, preflight, "a.txt", LONG.encode(), ChunkSize(64, 0))
    assert len(small.chunks) > 1.5 * len(large.chunks)
    assert max(chunk.tokens for chunk in small.chunks) <= 32


def test_what_cannot_be_added_is_told(library: Library, preflight: Preflight, tmp_path: Path) -> None:
    size = ChunkSize(32, 0)
    broken = cut(library, preflight, "broken.pdf", b"%PDF-1.7 nothing", size)
    blank = cut(library, preflight, "blank.txt", b"... !!! ...", size)
    large = cut(library, preflight, "large.txt", bytes((library.settings.max_file_mb << 20) + 1), size)
    gone = preflight.read(library.collection, "gone.txt", tmp_path / "gone.txt")
    folder = preflight.read(library.collection, "folder", tmp_path)
    assert "broken.pdf is damaged" in str(broken.error)
    assert str(blank.error) == "“blank.txt” holds no text that could be searched."
    assert "the limit is" in str(large.error)
    assert "cannot be opened" in str(gone.error)
    assert "is not a file" in str(folder.error)
    estimate = preflight.estimate(library.collection, [broken, blank, large])
    assert (estimate.files, estimate.seconds, estimate.disk_bytes) == (0, 0.0, 0)


def test_a_guessed_encoding_is_told_with_what_was_read(library: Library, preflight: Preflight) -> None:
    planned = cut(library, preflight, "gb.txt", "苹果是红的。".encode("gb18030"), ChunkSize(32, 0))
    assert [chunk.text for chunk in planned.chunks] == ["苹果是红的。"]
    assert planned.file.parsed and "gb18030" in "".join(map(str, planned.file.parsed.warnings))


def test_sizes_are_bounded_by_the_window(library: Library, preflight: Preflight) -> None:
    assert preflight.chunk_size(library.collection, None, None) == ChunkSize(32, 0)
    assert preflight.chunk_size(library.collection, 64, 21) == ChunkSize(64, 21)
    for tokens, overlap in ((65, None), (31, None), (64, 22), (64, -1)):
        with pytest.raises(UsageError):
            preflight.chunk_size(library.collection, tokens, overlap)


def test_a_model_that_is_away_leaves_the_time_unknown(library: Library, preflight: Preflight) -> None:
    class Away(WordEmbedder):
        host = "example.com"
        is_local = False

        def embed_documents(self, texts: object) -> object:  # type: ignore[override]
            raise ProviderError("The server is away. Start it.")

    library.embedder = Away("apple", "pear")
    planned = cut(library, preflight, "a.txt", LONG.encode(), ChunkSize(32, 0))
    estimate = preflight.estimate(library.collection, [planned])
    assert (estimate.seconds, estimate.host) == (None, "example.com")
    assert estimate.problem == Notice("The server is away. Start it.")


def add(library: Library, name: str, text: str, size: ChunkSize | None) -> str | None:
    number = library.catalog.queue(
        library.collection.id, name, io.BytesIO(text.encode()), {}, most_mb=1, chunk_size=size
    )
    job = library.catalog.jobs.take(number)
    assert job and job.chunk_size == size
    library.run(job)
    return library.catalog.jobs.get(number).status


def test_the_same_file_with_another_size_is_replaced(library: Library) -> None:
    assert add(library, "a.txt", LONG, None) == "added"
    assert add(library, "a.txt", LONG, ChunkSize(32, 0)) == "unchanged"
    assert add(library, "a.txt", LONG, ChunkSize(64, 8)) == "replaced"
    assert add(library, "a.txt", LONG, ChunkSize(64, 8)) == "unchanged"
    assert [document.chunk_size for document in library.documents()] == [ChunkSize(64, 8)]
    assert add(library, "a.txt", LONG, None) == "replaced"
    assert library.is_clean()


def test_a_document_from_before_sizes_were_kept_is_unchanged(library: Library) -> None:
    add(library, "a.txt", LONG, None)
    with library.catalog._database.transaction() as connection:
        connection.execute("update documents set chunk_tokens = null, overlap_tokens = null")
    assert add(library, "a.txt", LONG, None) == "unchanged"
    assert add(library, "a.txt", LONG, ChunkSize(32, 0)) == "replaced"


def test_good_documents_raise_nothing(library: Library, auditor: Auditor) -> None:
    for path in sorted(SAMPLES.glob("*.*")):
        if path.suffix != ".pdf":
            library.add(path.name, path.read_text("utf-8"))
    audit = auditor.audit(library.collection)
    assert (audit.documents, audit.unexamined, audit.findings, audit.problem) == (3, 0, (), None)
    assert set(audit.languages) == {"zh", "en"}


def test_the_audit_tells_what_to_mend(library: Library, auditor: Auditor) -> None:
    garden = (SAMPLES / "Garden Calendar.md").read_text("utf-8")
    library.add("garden.md", garden)
    library.add("copy.md", garden + "\nOne more line.")
    library.add("tiny.txt", "ok")
    library.add("wrong.txt", ("Déjà l’été à Besançon. " * 9).encode().decode("cp1252", "ignore"))
    library.add("lost.txt", "An � apple � is � red. " * 9)
    found = {(finding.document, finding.kind) for finding in auditor.audit(library.collection).findings}
    assert found == {
        ("copy.md", "duplicate"),
        ("tiny.txt", "short"),
        ("wrong.txt", "misread"),
        ("lost.txt", "undecoded"),
        ("lost.txt", "warning"),
    }
    (copy,) = [each for each in library.documents() if each.name == "copy.md"]
    library.indexing.delete(copy.id)
    assert "duplicate" not in {each.kind for each in auditor.audit(library.collection).findings}


def test_a_document_whose_passages_stand_in_a_larger_one(library: Library, auditor: Auditor) -> None:
    sections = [f"# Part {number}\n\n" + f"apple {number} pear. " * 12 for number in range(12)]
    library.add("whole.md", "\n\n".join(sections))
    library.add("part.md", "\n\n".join(sections[:4]))
    (finding,) = auditor.audit(library.collection).findings
    assert (finding.document, finding.kind) == ("part.md", "contained")
    assert str(finding.what).endswith("of its passages stand in “whole.md” too.")


def test_passages_longer_than_another_models_window_are_counted(library: Library, auditor: Auditor) -> None:
    library.add("a.txt", LONG)
    assert auditor.audit(library.collection).findings == ()
    chunks = library.documents()[0].chunks

    class Narrow(WordEmbedder):
        max_tokens = 16

    library.embedder = Narrow("apple", "pear", revision="2")
    with library.catalog._database.transaction() as connection:
        fingerprint = library.embedder.fingerprint.to_json()
        connection.execute("update collections set fingerprint = ?", (fingerprint,))
    (finding,) = auditor.audit(library.catalog.collections.get("test")).findings
    assert (finding.kind, finding.what.values["count"]) == ("too_long", chunks)


def test_what_was_not_looked_through_is_looked_through_later(library: Library, auditor: Auditor) -> None:
    library.add("a.txt", LONG)
    with library.catalog._database.transaction() as connection:
        connection.execute("delete from examinations")
    assert auditor.audit(library.collection, most_seconds=-1.0).unexamined == 1
    assert auditor.audit(library.collection).unexamined == 0
    assert [key for key, _ in library.catalog.examinations.of(library.collection.id)] == [
        document.id for document in library.documents()
    ]


def test_a_deleted_document_takes_its_examination_along(library: Library) -> None:
    job = library.add("a.txt", LONG)
    library.indexing.delete(str(job.document_id))
    count = library.catalog._database.connection.execute("select count(*) from examinations").fetchone()[0]
    assert count == 0


def test_a_data_folder_without_sizes_is_brought_up_to_date(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "catalog.sqlite3") as old:
        number = next(place for place, script in enumerate(MIGRATIONS) if "examinations" in script)
        for script in MIGRATIONS[:number]:
            old.executescript(script)
        old.executescript(f"pragma user_version = {number}")
        old.execute("insert into collections values ('c', 'one', '{}', '{}', 'i', '')")
        old.execute(
            "insert into documents (id, collection_id, name, sha256, kind, bytes, tokens, status, warnings, "
            "metadata, added_at) values ('d', 'c', 'a.txt', '0', 'txt', 1, 1, 'ready', '[]', '{}', '')"
        )
    old.close()
    catalog = Catalog(tmp_path)
    assert catalog.documents.get("d").chunk_size is None
    job = catalog.jobs.add("c", "b.txt", "1", {}, chunk_size=ChunkSize(64, 8))
    assert catalog.jobs.get(job).chunk_size == ChunkSize(64, 8)
    catalog.close()


def test_settings_know_the_size() -> None:
    assert Settings(chunk_tokens=100, overlap_tokens=10).chunk_size == ChunkSize(100, 10)


def test_documents_are_compared_with_each_other_once_all_are_looked_through(
    library: Library, auditor: Auditor
) -> None:
    library.add("a.txt", LONG)
    library.add("b.txt", LONG + " One more sentence.")
    with library.catalog._database.transaction() as connection:
        connection.execute(
            "delete from examinations where document_id = (select min(document_id) from examinations)"
        )
    audit = auditor.audit(library.collection, most_seconds=-1.0)
    assert (audit.unexamined, audit.findings) == (1, ())
    assert {each.kind for each in auditor.audit(library.collection).findings} & {"duplicate", "contained"}
