"""Which parts of a mail are its text, and which are attached to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from rag.loaders.characters import clean
from rag.loaders.encodings import decode
from rag.loaders.outline import Outline
from rag.loaders.web import read_page
from rag.loaders.wrapping import unwrapped

# Signatures and reports on delivery are no one's reading.
LEFT_OUT = (
    "application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature",
    "message/delivery-status", "message/disposition-notification", "text/rfc822-headers",
)  # fmt: skip
SEALED = ("application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a mail, and whether it is attached to it rather than its text."""

    message: Message
    attached: bool


def parts_of(message: Message) -> Iterator[Part]:
    """The parts a reader of the mail sees, in order: one of alternatives, without a page's own pictures."""
    kind = message.get_content_type()
    children = _children(message)
    if kind in LEFT_OUT:
        return
    if not children or message.get_content_maintype() == "message":
        yield Part(message, attached=_is_attached(message))
    elif kind == "multipart/alternative":
        yield from parts_of(_best(children))
    elif kind == "multipart/related":
        yield from parts_of(children[0])
        for child in children[1:]:
            if not child.get("Content-ID"):
                yield from parts_of(child)
    else:
        for child in children:
            yield from parts_of(child)


def write_text(outline: Outline, part: Message) -> None:
    """Write a text part into `outline`, an HTML one like a page."""
    content = content_of(part)
    charset = part.get_param("charset")
    declared = charset if isinstance(charset, str) else None
    if part.get_content_type() == "text/html":
        read_page(content, outline, charset=declared)
        return
    text = clean(decode(content, declared=declared).text)
    # Quoted lines begin with a mark, and would lose it.
    outline.block(text if "\n>" in text else unwrapped(text))


def content_of(part: Message) -> bytes:
    """What a part holds, decoded for its way of transfer."""
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _children(message: Message) -> list[Message]:
    payload = message.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def _is_attached(part: Message) -> bool:
    is_text = part.get_content_type() in ("text/plain", "text/html")
    return not is_text or part.get_content_disposition() == "attachment" or part.get_filename() is not None


def _best(alternatives: list[Message]) -> Message:
    """The HTML text, which has headings and tables, unless nothing is in it; else the plain one."""
    for alternative in reversed(alternatives):
        for part in alternative.walk():
            if part.get_content_type() == "text/html":
                outline = Outline()
                write_text(outline, part)
                if outline.sections():
                    return alternative
    plain = [each for each in alternatives if each.get_content_type() == "text/plain"]
    return (plain or alternatives)[0]
