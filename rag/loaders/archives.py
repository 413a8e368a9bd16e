"""Office files are ZIP archives: what is inside is measured before anything is unpacked."""

import zipfile
from pathlib import Path
from typing import Any

from rag.errors import DocumentError

MOST_BYTES = 1 << 30
MOST_MEMBERS = 20_000
# Text compresses ten- to thirtyfold, a bomb a thousandfold; small parts may do what they like.
MOST_RATIO = 200
HARMLESS_BYTES = 20 << 20


def check_archive(path: Path, name: str) -> None:
    """Raise DocumentError where the archive would unpack to something unreasonable, or is not whole."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DocumentError(
            "{name} is damaged: its archive cannot be opened. Save it again and add it again.", name=name
        ) from error
    if len(members) > MOST_MEMBERS:
        raise DocumentError(
            "{name} holds {count} files inside, far more than files of its kind need, so it was not opened. "
            "Save it anew with the program it was made with, and add that.",
            name=name,
            count=len(members),
        )
    size = sum(member.file_size for member in members)
    packed = max(1, sum(member.compress_size for member in members))
    if size > MOST_BYTES or size > max(HARMLESS_BYTES, MOST_RATIO * packed):
        raise DocumentError(
            "{name} would unpack to {size} MB, far more than files of its kind need, so it was not opened. "
            "Save it anew with the program it was made with, and add that.",
            name=name,
            size=size >> 20,
        )


def is_excessive(error: Any) -> bool:
    """Whether the XML reader, whose error or entry of its log this is, stopped at a limit of its own."""
    from lxml import etree

    found: bool = getattr(error, "code", getattr(error, "type", None)) == etree.ErrorTypes.ERR_RESOURCE_LIMIT
    return found


def too_deep(name: str) -> DocumentError:
    """What is said of a file that is not damaged, but made so that reading it would never end."""
    return DocumentError(
        "{name} was not read: it is nested too deeply, or would grow far beyond its size when read. "
        "Save it anew with the program it was made with, and add that.",
        name=name,
    )
