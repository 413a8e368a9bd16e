"""What a file is, by its content; its name decides only where the content cannot."""

import re
import zipfile
import zlib
from pathlib import Path

from rag.documents import Notice
from rag.errors import DocumentError
from rag.loaders.detect_text import textual_kind

SIGNATURES: tuple[tuple[bytes, str | Notice], ...] = (
    (b"{\\rtf", "rtf"),
    (b"\x89PNG\r\n\x1a\n", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"GIF8", "scan"),
    (b"II*\x00", "scan"),
    (b"MM\x00*", "scan"),
    (b"\x00\x00\x01\x00", Notice("icon")),
    (b"\x1f\x8b", Notice("gzip archive")),
    (b"7z\xbc\xaf\x27\x1c", Notice("7-Zip archive")),
    (b"Rar!\x1a\x07", Notice("RAR archive")),
    (b"BZh", Notice("bzip2 archive")),
    (b"\xfd7zXZ\x00", Notice("XZ archive")),
    (b"(\xb5/\xfd", Notice("Zstandard archive")),
    (b"ID3", Notice("MP3 sound")),
    (b"OggS", Notice("Ogg sound")),
    (b"fLaC", Notice("FLAC sound")),
    (b"\x7fELF", Notice("program")),
    (b"SQLite format 3\x00", Notice("SQLite")),
    (b"%!PS", Notice("PostScript")),
    (b"AT&TFORM", Notice("DjVu")),
)
RIFF_KINDS: dict[bytes, str | Notice] = {
    b"WEBP": "picture",
    b"WAVE": Notice("WAV sound"),
    b"AVI ": Notice("AVI film"),
}
OLE_STREAMS: tuple[tuple[str, str | Notice], ...] = (
    ("EncryptedPackage", "encrypted"),
    ("WordDocument", Notice("old Word (doc)")),
    ("PowerPoint Document", Notice("old PowerPoint (ppt)")),
    ("__substg1.0_", Notice("Outlook message (msg)")),
    ("Workbook", "xls"),
    ("Book", "xls"),
)
CONTENT_TYPES: tuple[tuple[bytes, str | Notice], ...] = (
    (b"wordprocessingml", "docx"),
    (b"ms-word.document", "docx"),
    (b"ms-word.template", "docx"),
    (b"presentationml", "pptx"),
    (b"ms-powerpoint", "pptx"),
    (b"ms-excel.sheet.binary", Notice("binary Excel (xlsb)")),
    (b"spreadsheetml", "xlsx"),
    (b"ms-excel", "xlsx"),
)
# By their names first: a file's content types also tell of the files put into it.
MAIN_PARTS: tuple[tuple[str, str | Notice], ...] = (
    ("word/document.xml", "docx"),
    ("ppt/presentation.xml", "pptx"),
    ("xl/workbook.xml", "xlsx"),
    ("xl/workbook.bin", Notice("binary Excel (xlsb)")),
)
MIME_TYPES: tuple[tuple[bytes, str | Notice], ...] = (
    (b"application/epub+zip", "epub"),
    (b"opendocument.text", "odt"),
    (b"opendocument.spreadsheet", "ods"),
    (b"opendocument.presentation", "odp"),
)
MARKDOWN_NAMES = (".md", ".markdown", ".mdown", ".mkd", ".mdx")
HTML_NAMES = (".html", ".htm", ".xhtml", ".shtml")
BINARY_NAMES = {
    ".pdf": "PDF", ".docx": "DOCX", ".xlsx": "XLSX", ".xlsm": "XLSM", ".pptx": "PPTX", ".pptm": "PPTM",
    ".ppsx": "PPSX", ".odt": "ODT", ".ods": "ODS", ".odp": "ODP", ".epub": "EPUB",
}  # fmt: skip
HTML_SURE = re.compile(rb"\s*(<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(!doctype\s+html|html)\b", re.I | re.S)
HTML_LIKELY = re.compile(
    rb"\s*(<!--.*?-->\s*)*<(head|body|title|meta|link|script|style|table|div|span|p|h[1-6]|ul|ol|center|font|a)\b",
    re.I | re.S,
)


def detect(path: Path, name: str) -> str | Notice:
    """The type of a file that is not empty: a key of the table of types, or in words what else it is."""
    with path.open("rb") as file:
        head = file.read(4096)
        file.seek(max(0, path.stat().st_size - 2048))
        tail = file.read()
    suffix = Path(name).suffix.lower()
    if _is_pdf(head, tail, suffix):
        return "pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _kind_of_zip(path, name, suffix)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _kind_of_ole(path)
    return _binary_kind(head) or _kind_of_text(path, head, name, suffix)


def holds_only_nul(path: Path) -> bool:
    """Whether every byte is zero, as where a disk or a download failed."""
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            if piece.strip(b"\0"):
                return False
    return True


def _is_pdf(head: bytes, tail: bytes, suffix: str) -> bool:
    found = re.search(rb"%PDF-", head[:1100])
    if found is None:
        return suffix == ".pdf" and b"%%EOF" in tail and b"startxref" in tail
    return found.start() == 0 or suffix == ".pdf" or b"%%EOF" in tail


def _kind_of_zip(path: Path, name: str, suffix: str) -> str | Notice:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            types = _beginning(archive, "[Content_Types].xml") if "[Content_Types].xml" in names else b""
            mime = _beginning(archive, "mimetype") if "mimetype" in names else b""
    except (
        zipfile.BadZipFile,
        zlib.error,
        OSError,
        ValueError,
        NotImplementedError,
        RuntimeError,
        EOFError,
    ) as error:
        raise DocumentError(
            "{name} is damaged: it is not a whole {kind} file. Get it again from where it came.",
            name=name,
            kind=BINARY_NAMES.get(suffix, "ZIP"),
        ) from error
    for mark, kind in MIME_TYPES:
        if mark in mime:
            return kind
    for part, kind in MAIN_PARTS:
        if part in names:
            return kind
    for mark, kind in CONTENT_TYPES:
        if mark in types:
            return kind
    if "META-INF/container.xml" in names:
        return "epub"
    if suffix in BINARY_NAMES:
        raise _misnamed(name, suffix)
    return Notice("ZIP archive")


def _beginning(archive: zipfile.ZipFile, member: str) -> bytes:
    with archive.open(member) as file:
        return file.read(1 << 16)


def _kind_of_ole(path: Path) -> str | Notice:
    import olefile

    try:
        with olefile.OleFileIO(str(path)) as ole:
            streams = [entry[0] for entry in ole.listdir(storages=True)]
    except (OSError, ValueError, IndexError, KeyError):
        streams = []
    for stream, kind in OLE_STREAMS:
        if any(name.startswith(stream) for name in streams):
            return kind
    with path.open("rb") as file:
        content = file.read(64 << 20)
    for stream, kind in OLE_STREAMS:
        if stream.encode("utf-16-le") in content:
            return kind
    return Notice("old Office")


def _binary_kind(head: bytes) -> str | Notice | None:
    for signature, kind in SIGNATURES:
        if head.startswith(signature):
            return kind
    if head[:4] == b"RIFF" and head[8:12] in RIFF_KINDS:
        return RIFF_KINDS[head[8:12]]
    if head[4:8] == b"ftyp":
        is_picture = head[8:12] in (b"heic", b"mif1", b"avif")
        return Notice("HEIC picture") if is_picture else Notice("MP4 film")
    if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0":
        return "scan"
    if head.startswith(b"MZ") and b"\0" in head[:64]:
        return Notice("program")
    return None


def _kind_of_text(path: Path, head: bytes, name: str, suffix: str) -> str | Notice:
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")) or head.count(0) > len(head) // 5
    plain = head.replace(b"\0", b"") if wide else head
    plain = plain.removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    if HTML_SURE.match(plain):
        return "html"
    if suffix in BINARY_NAMES:
        raise _misnamed(name, suffix)
    if _looks_binary(head):
        return Notice("binary")
    if suffix in MARKDOWN_NAMES:
        return "md"
    if (kind := textual_kind(path, plain, suffix)) is not None:
        return kind
    if suffix in HTML_NAMES or (HTML_LIKELY.match(plain) and b"</" in plain):
        return "html"
    return "txt"


def _misnamed(name: str, suffix: str) -> DocumentError:
    return DocumentError(
        "{name} is not a {kind} file, although its name says so. Get it again from where it came.",
        name=name,
        kind=BINARY_NAMES[suffix],
    )


def _looks_binary(head: bytes) -> bool:
    """Many control characters, and not the regular NULs of UTF-16 or UTF-32."""
    from rag.loaders.encodings import wide_encoding

    # A text whose writing was cut short by a crash often ends in NULs.
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x1b\x1a" for byte in head.rstrip(b"\0"))
    return control > max(2, len(head) // 50) and wide_encoding(head) is None
