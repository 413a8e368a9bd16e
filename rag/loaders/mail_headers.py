"""The header fields of mails as people read them."""

from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.policy import Compat32

from rag.loaders.characters import squeeze
from rag.loaders.encodings import SUPERSETS, decode

LONGEST_VALUE = 20_000  # characters: decoding takes time by the square of it
MOST_VALUES = 20


class _AsWritten(Compat32):
    """Header fields with the bytes that they have, which the library would replace."""

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: ARG002
        return value


def message_of(content: bytes) -> Message:
    """A mail in the form it is sent in, which need not be whole."""
    return message_from_bytes(content.removeprefix(b"\xef\xbb\xbf").lstrip(), policy=_AsWritten())


def field(message: Message, name: str) -> str:
    """The values of a header field on one line, its encoded words decoded; empty without one."""
    values = [str(value) for key, value in message.raw_items() if key.lower() == name.lower()]
    return squeeze(", ".join(decoded(value[:LONGEST_VALUE], message) for value in values[:MOST_VALUES]))


def decoded(value: str, message: Message) -> str:
    """A raw value with its encoded words (RFC 2047) decoded, and bytes beyond ASCII as the mail's text is."""
    if "=?" not in value:
        return _text(_bytes(value), charset(message))
    try:
        parts = decode_header(value.encode("ascii", "replace").decode())
    except (HeaderParseError, ValueError):
        return _text(_bytes(value), charset(message))
    return "".join(part if isinstance(part, str) else _text(part, encoding) for part, encoding in parts)


def charset(message: Message) -> str | None:
    """The encoding a mail or part of it, or the first part that does, says its text is in."""
    for part in message.walk():
        if isinstance(found := part.get_param("charset"), str):
            return found
    return None


def file_name(part: Message) -> str:
    """What an attachment is called; empty where it is not. Encoded as in RFC 2231, RFC 2047 or not at all."""
    found = part.get_param("filename", header="content-disposition") or part.get_param("name")
    if isinstance(found, tuple):
        encoding, _, value = found
        return squeeze(_text(value.encode("latin-1", "replace"), encoding))
    return squeeze(decoded(str(found), part)) if found else ""


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")


def _text(data: bytes, encoding: str | None) -> str:
    """What is declared is believed where it can be: so few bytes tell nothing themselves."""
    try:
        return data.decode(SUPERSETS.get((encoding or "").lower(), encoding or "utf-8"))
    except (LookupError, ValueError):
        return decode(data, declared=encoding).text
