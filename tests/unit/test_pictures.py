"""Reading pictures and the pictures in PDFs, and keeping them in the catalogue."""

import hashlib
import io
import sqlite3
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from rag.catalog import Catalog
from rag.catalog.chunks import Chunks
from rag.catalog.database import MIGRATIONS, OTHER_INDEXES, SCHEMA, VECTORS_BY_TEXT, Database
from rag.catalog.documents import Documents
from rag.chunking import split_sections
from rag.documents import Chunk, Document, ParsedFile, Section
from rag.embedders.base import Fingerprint, Vectors
from rag.embedders.pictures import picture_embedder, takes_pictures
from rag.errors import DocumentError, StoreError, UsageError
from rag.loaders import Parser, parse
from rag.loaders.wire import parsed_from_dict, parsed_to_dict
from rag.retrieval import Query
from rag.settings import Settings
from tests.fakes import WordEmbedder
from tests.pictures import ColourEmbedder, pdf, picture

RED, GREEN = picture("red", "JPEG"), picture("green", "JPEG")
CLIP = "rag collections create NAME --embedder clip:openai/clip-vit-base-patch32"


def read(folder: Path, name: str, content: bytes, *, with_pictures: bool = True) -> ParsedFile:
    path = folder / "file"
    path.write_bytes(content)
    pictures = folder / "pictures"
    pictures.mkdir(exist_ok=True)
    return parse(path, name, max_pages=9, pictures=pictures if with_pictures else None)


def saved(folder: Path) -> dict[str, Image.Image]:
    """The pictures that were saved, by name; each name is its SHA-256."""
    files = {path.name: path.read_bytes() for path in (folder / "pictures").iterdir()}
    assert all(hashlib.sha256(data).hexdigest() == name for name, data in files.items())
    return {name: Image.open(io.BytesIO(data)) for name, data in files.items()}


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def png_header(width: int, height: int) -> bytes:
    """The beginning of a PNG that says it is this large."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + head
        + struct.pack(">II", zlib.crc32(head), 9)
        + b"IDAT"
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_file_is_one_section_whatever_its_name_says(tmp_path: Path, kind: str) -> None:
    data = picture("red", kind)
    parsed = read(tmp_path, "A red dot.txt", data)
    assert parsed == ParsedFile("picture", (Section("A red dot.txt", picture=digest(data)),))
    assert saved(tmp_path) == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (picture("red", size=(63, 500)), "at least 64 × 64"),
        (png_header(7000, 6000), "more than 40 million"),
        (png_header(60_000, 60_000), "more than 40 million"),
        (RED[:-200], "cannot be read as a picture"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "cannot be read as a picture"),
        (b"RIFF\0\0\0\0WEBP" + bytes(99), "cannot be read as a picture"),
        (picture("red", "GIF"), "TIFF, BMP or GIF"),
    ],
)
def test_what_is_no_good_picture_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        read(tmp_path, "a.png", content)


def test_where_no_pictures_are_read_the_message_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=CLIP):
        read(tmp_path, "a.png", picture("red"), with_pictures=False)


def test_the_pictures_of_a_pdf_come_after_the_text_of_their_page(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.pdf", pdf(("The first page", [RED, GREEN]), ("The second page", [RED])))
    texts = [(section.page, section.text) for section in parsed.sections if not section.picture]
    assert texts == [(1, "The first page"), (2, "The second page")]
    found = [(section.page, section.text, section.picture) for section in parsed.sections if section.picture]
    assert [each[:2] for each in found] == [(1, "a.pdf"), (1, "a.pdf")]
    pictures = saved(tmp_path)
    assert set(pictures) == {each[2] for each in found}
    red, green = (pictures[each[2]].convert("RGB").getpixel((50, 50)) for each in found)
    assert red[0] > 250 and red[1] < 5
    assert green[1] > 120 and green[0] < 5
    assert parsed.warnings == ()


def test_without_a_folder_a_pdf_is_read_as_ever(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.pdf", pdf(("The first page", [RED])), with_pictures=False)
    assert [(section.text, section.picture) for section in parsed.sections] == [("The first page", None)]
    with pytest.raises(DocumentError, match="text recognition found none"):
        read(tmp_path, "a.pdf", pdf(("", [RED])), with_pictures=False)


def test_a_scanned_pdf_is_its_pictures(tmp_path: Path) -> None:
    parsed = read(tmp_path, "scan.pdf", pdf(("", [RED]), ("", [GREEN])))
    assert [(section.page, section.text) for section in parsed.sections] == [(1, "scan.pdf"), (2, "scan.pdf")]
    assert [str(each) for each in parsed.warnings] == [
        "Pages without text, probably scans: 1–2. They can be found only by what they look like."
    ]


def test_a_page_that_lies_on_its_side_is_put_upright(tmp_path: Path) -> None:
    read(tmp_path, "a.pdf", pdf(("Words", [RED]), turn=90))
    (drawn,) = saved(tmp_path).values()
    assert drawn.height > drawn.width
    corner = drawn.convert("RGB").getpixel((drawn.width - 5, 6))
    assert min(corner) > 200


def test_icons_and_rules_are_left_out_and_large_ones_made_smaller(tmp_path: Path) -> None:
    small, large = (picture("blue", "JPEG", size) for size in ((40, 300), (3000, 2000)))
    read(tmp_path, "a.pdf", pdf(("Words", [small, large, RED])))
    assert sorted(max(each.size) for each in saved(tmp_path).values()) == [96, 1024]


def test_no_more_pictures_than_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.loaders.pdf_pictures.MOST_PICTURES", 1)
    parsed = read(tmp_path, "a.pdf", pdf(("Words", [RED]), ("Words", [RED, GREEN])))
    assert len(saved(tmp_path)) == 1
    assert "Only the first" in str(parsed.warnings[0])


def test_a_picture_too_large_to_decode_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.loaders.pdf_pictures.MOST_PIXELS", 10_000)
    parsed = read(tmp_path, "a.pdf", pdf(("Words", [picture("red", "JPEG", (200, 200)), GREEN])))
    assert len(saved(tmp_path)) == 1
    assert "left out on pages: 1" in str(parsed.warnings[0])


def test_pictures_come_through_the_worker_process_as_files(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(("Words", [RED])))
    with Parser(Settings(data_dir=tmp_path)) as parser:
        parsed = parser.parse(path, "a.pdf", pictures=folder)
        assert [section.picture for section in parsed.sections] == [None, *saved(tmp_path)]
        assert len(parser.parse(path, "a.pdf").sections) == 1
    assert parsed_from_dict(parsed_to_dict(parsed)) == parsed


def test_a_picture_is_a_chunk_of_its_own_with_its_caption() -> None:
    sections = [
        Section("One.", 1),
        Section("Chart", 1, ("Sales", "Chart"), picture="p"),
        Section("Two.", 1),
        Section("♥.png", picture="q"),
    ]
    chunks = split_sections(sections, lambda text: len(text.split()), max_tokens=50, overlap_tokens=0)
    assert [(chunk.text, chunk.picture) for chunk in chunks] == [
        ("One.", None),
        ("Chart", "p"),
        ("Two.", None),
        ("♥.png", "q"),
    ]
    assert chunks[1].embedded_text == "Sales\nChart"
    assert chunks[1].tokens == 2


def test_rows_written_before_pictures_keep_working(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "catalog.sqlite3") as old:
        old.executescript(f"{SCHEMA} {VECTORS_BY_TEXT} {OTHER_INDEXES} pragma user_version = 3;")
        old.execute("insert into collections values ('c', 'one', '{}', '{}', 'i', '2026-11-21')")
        old.execute(
            "insert into documents values ('d', 'c', 'a.txt', 'x', 'txt', null, 1, null, 1, 'ready', '[]', "
            "null, '{}', '2026-11-21T00:00:00+00:00')"
        )
        old.execute("insert into chunks values ('d-00000', 'd', 0, 2, null, '[]', 'Old.', 1, 'h')")
    old.close()
    database = Database(tmp_path / "catalog.sqlite3")
    assert database.connection.execute("pragma user_version").fetchone()[0] == len(MIGRATIONS)
    documents = Documents(database)
    (chunk,) = documents.chunks("d")
    assert (chunk.text_hash, chunk.chunk) == ("h", Chunk("Old.", 1, 2))
    chunks = Chunks(database, documents)
    assert chunks.pictures("c") == {}
    assert [each.id for each in chunks.sample("c", 9)] == ["d-00000"]
    assert documents.remove("d") == []
    plan = database.connection.execute(
        "explain query plan select 1 from chunks where picture = 'x'"
    ).fetchone()
    assert "chunks_by_picture" in plan["detail"]
    database.close()


def test_pictures_are_kept_with_their_document_and_no_longer(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    collection = catalog.collections.create("one", ColourEmbedder().fingerprint)

    def add(name: str, *, shared: bytes) -> None:
        (tmp_path / name).write_bytes(shared)
        document = Document(name, collection.id, name, name, "pdf", 1, "ready", "2026-11-22T00:00:00+00:00")
        chunks = [Chunk("a", 1), Chunk("Chart", 1, picture=digest(shared))]
        catalog.add_document(document, chunks, {digest(shared): tmp_path / name})

    add("one", shared=RED)
    add("two", shared=RED)
    assert catalog.originals.read(digest(RED)) == RED
    assert [each.text_hash for each in catalog.documents.chunks("one")][1] == digest(RED)
    with pytest.raises(sqlite3.IntegrityError):
        add("one", shared=GREEN)
    with pytest.raises(DocumentError, match="no longer there"):
        catalog.originals.read(digest(GREEN))
    with pytest.raises(StoreError, match="could not be saved"):
        catalog.originals.adopt("f" * 64, tmp_path / "nowhere")
    catalog.remove_document("one")
    assert catalog.originals.read(digest(RED)) == RED
    catalog.remove_document("two")
    with pytest.raises(DocumentError, match="no longer there"):
        catalog.originals.read(digest(RED))
    catalog.close()


class Unloaded:
    """An embedder that would have to load its model to say who it is."""

    @property
    def fingerprint(self) -> Fingerprint:
        raise AssertionError("loaded")

    def embed_pictures(self, pictures: Sequence[bytes]) -> Vectors:
        raise AssertionError("loaded")


def test_which_embedders_read_pictures_is_known_without_loading_them() -> None:
    assert takes_pictures(Unloaded())  # type: ignore[arg-type]
    assert not takes_pictures(WordEmbedder("a"))
    with pytest.raises(UsageError, match="fake:words reads text only"):
        picture_embedder(WordEmbedder("a"))


def test_a_query_is_a_question_or_a_picture() -> None:
    assert Query("", picture=RED).picture == RED
    assert "picture" not in repr(Query("a question", picture=RED))
    with pytest.raises(UsageError, match="The question is empty"):
        Query(" ")
