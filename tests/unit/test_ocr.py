"""Text recognition: scans whichever way up, English and Chinese, columns, pictures, and what it may cost."""

import io
import subprocess
import threading
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from rag.documents import ParsedFile
from rag.errors import Cancelled, DocumentError
from rag.loaders import Parser, ocr, parse
from rag.loaders.ocr_layout import Fragment, in_reading_order
from rag.settings import load_settings

ENGLISH = [
    "The lamp keeper climbs the tower",
    "every evening before the sun sets",
    "and lights the great lamp.",
]
CHINESE = ["守灯人每天傍晚登上灯塔", "点亮那盏巨大的灯", "为远方的船只指路"]


def chinese_font(size: int) -> ImageFont.FreeTypeFont:
    """A font with Chinese characters: tests/install-tools provides one."""
    found = subprocess.run(
        ["fc-match", "-f", "%{file}", ":lang=zh-cn"], capture_output=True, text=True, check=True
    )
    return ImageFont.truetype(found.stdout, size)


def page(lines: list[str], *, size: tuple[int, int] = (900, 520), turn: float = 0) -> Image.Image:
    """Lines in black on white, turned by so many degrees against the clock."""
    drawn = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(drawn)
    for place, line in enumerate(lines):
        pen.text((60, 60 + 70 * place), line, fill="black", font=chinese_font(40))
    return drawn.rotate(turn, expand=True, fillcolor="white", resample=Image.Resampling.BICUBIC)


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def read(tmp_path: Path, name: str, content: bytes) -> ParsedFile:
    path = tmp_path / "stored"
    path.write_bytes(content)
    return parse(path, name, max_pages=10)


def bare(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("turn", [0, 90, 180, 270, 4])
def test_a_scan_is_read_whichever_way_up_it_is(tmp_path: Path, turn: int) -> None:
    parsed = read(tmp_path, "scan.pdf", saved(page(ENGLISH, turn=turn), "PDF", resolution=150))
    assert bare(" ".join(ENGLISH)) in bare(parsed.sections[0].text)
    assert [str(each) for each in parsed.warnings] == [
        "Pages read by text recognition, which may hold errors: 1."
    ]


def test_chinese_is_read(tmp_path: Path) -> None:
    parsed = read(tmp_path, "扫描.pdf", saved(page(CHINESE), "PDF", resolution=150))
    assert "".join(CHINESE) in bare(parsed.sections[0].text)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"])
def test_the_text_on_a_picture_is_read(tmp_path: Path, kind: str) -> None:
    parsed = read(tmp_path, f"photo.{kind.lower()}", saved(page(["Lamp No. 427"]), kind))
    assert (parsed.kind, parsed.sections[0].picture) == ("picture", None)
    assert "Lamp No. 427" in parsed.sections[0].text
    assert "may hold errors" in str(parsed.warnings[0])


def test_a_tiff_may_have_pages(tmp_path: Path) -> None:
    first, second = page(["First leaf"]), page(["Second leaf"])
    content = saved(first, "TIFF", save_all=True, append_images=[second])
    parsed = read(tmp_path, "fax.tif", content)
    assert [(section.page, section.text) for section in parsed.sections] == [
        (1, "First leaf"),
        (2, "Second leaf"),
    ]


def test_a_picture_on_its_side_by_its_camera_is_turned(tmp_path: Path) -> None:
    turned = page(ENGLISH, turn=90)
    tags = Image.Exif()
    tags[0x0112] = 6  # shown after a quarter turn with the clock
    parsed = read(tmp_path, "photo.jpg", saved(turned, "JPEG", exif=tags))
    assert bare(" ".join(ENGLISH)) in bare(parsed.sections[0].text)


def test_without_the_packages_the_way_to_them_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocr, "PACKAGES", ("no_such_package",))
    scan = saved(page(ENGLISH), "PDF")
    with pytest.raises(DocumentError, match=r"scanned.*pip install 'passage\[ocr\]'"):
        read(tmp_path, "scan.pdf", scan)
    with pytest.raises(DocumentError, match=r"pip install 'passage\[ocr\]'"):
        read(tmp_path, "photo.png", saved(page(ENGLISH), "PNG"))


def fragment(text: str, left: float, top: float) -> Fragment:
    return Fragment(text, left, top, left + 10 * len(text), top + 20)


def test_columns_are_read_one_after_the_other_under_their_title() -> None:
    left = [fragment(f"the left column, line {n}", 0, 100 + 24 * n) for n in range(4)]
    right = [fragment(f"the right column, line {n}", 300, 106 + 24 * n) for n in range(4)]
    title = fragment("A title over both of the columns of this page here", 20, 40)
    order = [line.text for line in in_reading_order([*right, title, *left])]
    assert order == [title.text, *(each.text for each in left), *(each.text for each in right)]


def test_rows_of_a_table_are_read_across() -> None:
    cells = [fragment(text, 300 * column, 100 + 30 * row)
             for row, words in enumerate([["Item", "Price"], ["Lamp", "7"], ["Rope", "9"], ["Nail", "1"]])
             for column, text in enumerate(words)]  # fmt: skip
    assert [line.text for line in in_reading_order(cells)] == ["Item\tPrice", "Lamp\t7", "Rope\t9", "Nail\t1"]


def scan_of_pages(tmp_path: Path, count: int) -> Path:
    path = tmp_path / "scan"
    first, *others = [page([f"Leaf number {n + 1}"]) for n in range(count)]
    path.write_bytes(saved(first, "PDF", save_all=True, append_images=others, resolution=150))
    return path


def test_each_page_has_the_time_limit_anew(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    with Parser(load_settings()) as parser:
        parsed = parser.parse(
            scan_of_pages(tmp_path, 3), "s.pdf", on_progress=lambda *each: told.append(each)
        )
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert [section.text for section in parsed.sections] == [f"Leaf number {n + 1}" for n in range(3)]


def test_a_page_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    path = scan_of_pages(tmp_path, 1)
    with Parser(load_settings(parse_timeout=0.4)) as parser:
        parser.warm_up()
        with pytest.raises(DocumentError, match="RAG_PARSE_TIMEOUT"):
            parser.parse(path, "s.pdf")


def test_recognition_is_cancelled_between_pages_and_within(tmp_path: Path) -> None:
    begun = threading.Event()
    with Parser(load_settings()) as parser, pytest.raises(Cancelled):
        parser.parse(
            scan_of_pages(tmp_path, 3), "s.pdf", on_progress=lambda *_: begun.set(), cancelled=begun.is_set
        )
