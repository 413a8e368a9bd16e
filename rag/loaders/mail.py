"""Mails (EML): their header, their text, and what is attached to them."""

import tempfile
from dataclasses import replace
from email.message import Message
from pathlib import Path

from rag.documents import Notice, ParsedFile, Section
from rag.errors import DocumentError
from rag.loaders.archives import too_deep
from rag.loaders.detect import detect
from rag.loaders.mail_headers import field, file_name, message_of
from rag.loaders.mail_parts import SEALED, content_of, parts_of, write_text
from rag.loaders.outline import Outline
from rag.loaders.source import Source

FIELDS = ("From", "To", "Cc", "Date", "Subject")
DEEPEST = 4  # mails in mails
MOST_ATTACHMENTS = 30
MOST_ATTACHED_BYTES = 100 << 20


def read_eml(source: Source) -> ParsedFile:
    """From, To, Cc, Date and Subject, the text, and what is attached of a type that is read."""
    try:
        message = message_of(source.path.read_bytes())
        mail = _Mail(source)
        mail.read(message, (), 1)
        title = field(message, "Subject")
    except RecursionError as error:
        raise too_deep(source.name) from error
    except (LookupError, ValueError, AttributeError, TypeError) as error:
        raise DocumentError(
            "{name} is damaged: its contents cannot be read as an e-mail. Save it again and add it again.",
            name=source.name,
        ) from error
    return ParsedFile("eml", tuple(mail.sections), title=title or None, warnings=mail.notices())


class _Mail:
    """One pass over a mail, those attached to it included."""

    def __init__(self, source: Source) -> None:
        self.sections: list[Section] = []
        self._source = source
        self._warnings: list[Notice] = []
        self._unread: list[str] = []
        self._attachments = self._bytes = 0

    def notices(self) -> tuple[Notice, ...]:
        """What was not read, and why."""
        if not self._unread:
            return tuple(self._warnings)
        unread = Notice(
            "Files attached to {name} were not read: {attachments}. Save them as PDF or text and add them.",
            {"name": self._source.name, "attachments": ", ".join(dict.fromkeys(self._unread))},
        )
        return (*self._warnings, unread)

    def read(self, message: Message, above: tuple[str, ...], depth: int) -> None:
        """Read a mail that stands under the headings `above`, as the mail number `depth` in mails."""
        parts = list(parts_of(message))
        attached = [part.message for part in parts if part.attached]
        subject = field(message, "Subject")
        headings = (*above, subject) if subject else above
        lines = [f"{name}: {value}" for name in FIELDS if (value := field(message, name))]
        if attached:
            lines.append(f"Attachments: {', '.join(map(_label, attached))}")
        outline = Outline()
        outline.block("\n".join(lines))
        for part in parts:
            if not part.attached:
                write_text(outline, part.message)
        self._add(outline.sections(), headings)
        for each in attached:
            self._attachment(each, headings, depth)

    def _add(self, sections: tuple[Section, ...], headings: tuple[str, ...]) -> None:
        """Add sections under `headings`; pages are those of an attachment, and the mail has none."""
        self.sections += [
            replace(each, headings=(*headings, *each.headings), page=None, page_label=None)
            for each in sections
        ]

    def _attachment(self, part: Message, headings: tuple[str, ...], depth: int) -> None:
        label = _label(part)
        content = content_of(part)
        self._attachments += 1
        self._bytes += len(content)
        if part.get_content_type() in SEALED:
            self._warnings.append(
                Notice(
                    "The text of {name} is encrypted and was not read. Save it decrypted and add it again.",
                    {"name": self._source.name},
                )
            )
        elif depth >= DEEPEST or self._attachments > MOST_ATTACHMENTS or self._bytes > MOST_ATTACHED_BYTES:
            self._unread.append(label)
        elif part.get_content_type() == "message/rfc822" and part.is_multipart():
            self.read(part.get_payload(0), headings, depth + 1)  # type: ignore[arg-type]
        elif content:
            self._file(content, label, headings, depth)

    def _file(self, content: bytes, label: str, headings: tuple[str, ...], depth: int) -> None:
        from rag.loaders.reading import parse

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "attached"
            path.write_bytes(content)
            try:
                kind = detect(path, label)
                if kind == "eml":
                    self.read(message_of(content), headings, depth + 1)
                elif isinstance(kind, Notice) or (kind == "picture" and not self._source.pictures):
                    self._unread.append(label)
                else:
                    parsed = parse(
                        path, label, max_pages=self._source.max_pages, pictures=self._source.pictures
                    )
                    self._add(parsed.sections, (*headings, label))
                    self._warnings += parsed.warnings
            except DocumentError as error:
                self._warnings.append(
                    Notice(
                        "{attachment}, attached to {name}, was not read: {reason}",
                        {"attachment": label, "name": self._source.name, "reason": Notice.of(error)},
                    )
                )


def _label(part: Message) -> str:
    """What an attachment is called: by its name, its subject, or its type."""
    if part.get_content_type() == "message/rfc822" and part.is_multipart():
        inner = part.get_payload(0)
        return field(inner, "Subject") or "message/rfc822"  # type: ignore[arg-type]
    return file_name(part) or part.get_content_type()
