"""Office files under a password."""

import io
import tempfile
from pathlib import Path

from rag.documents import ParsedFile
from rag.errors import DocumentError, needs_password, wrong_password
from rag.loaders.source import Source


def read_encrypted(source: Source) -> ParsedFile:
    """Decrypt an Office file and read what is inside. Raises DocumentError without the right password."""
    from rag.loaders.reading import parse

    if not source.password:
        raise needs_password(source.name)
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain"
        plain.write_bytes(_decrypted(source, source.password))
        return parse(plain, source.name, max_pages=source.max_pages)


def _decrypted(source: Source, password: str) -> bytes:
    try:
        from msoffcrypto import OfficeFile
        from msoffcrypto.exceptions import (
            DecryptionError,
            FileFormatError,
            InvalidKeyError,
            ParseError,
        )
    except ImportError as error:
        raise DocumentError(
            "{name} is encrypted, and the package that opens such files is not installed: "
            "run `pip install msoffcrypto-tool`, or save the file without a password.",
            name=source.name,
        ) from error
    plain = io.BytesIO()
    try:
        with source.path.open("rb") as file:
            office = OfficeFile(file)
            office.load_key(password=password, verify_password=True)
            office.decrypt(plain)
    except (InvalidKeyError, DecryptionError) as error:
        raise wrong_password(source.name) from error
    except (FileFormatError, ParseError, OSError, ValueError, KeyError) as error:
        raise DocumentError(
            "{name} is encrypted in a way that cannot be opened here. "
            "Save it without a password and add it again.",
            name=source.name,
        ) from error
    return plain.getvalue()
