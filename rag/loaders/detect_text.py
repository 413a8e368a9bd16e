"""Which texts are data or mails: CSV by its name, JSON and mails also by what they hold."""

import json
import re
from pathlib import Path

CSV_NAMES = (".csv", ".tsv", ".tab")
JSON_NAMES = (".json", ".jsonl", ".ndjson", ".geojson", ".jsonld")
MAIL_NAMES = (".eml",)
FIELD = re.compile(rb"([A-Za-z][A-Za-z0-9-]*):.*(?:\n[ \t]+\S.*)*\n")
MAIL_FIELDS = frozenset({
    b"from", b"to", b"date", b"subject", b"mime-version", b"message-id", b"received", b"return-path",
    b"delivered-to", b"dkim-signature",
})  # fmt: skip
FEWEST_FIELDS = 3
JSON_START = re.compile(rb"""\s*(?:\{\s*["}]|\[\s*[\[{"\]\d-])""")


def textual_kind(path: Path, start: bytes, suffix: str) -> str | None:
    """ "csv", "json" or "eml" where the file, whose text begins with `start`, is one; else None."""
    if suffix in CSV_NAMES:
        return "csv"
    if suffix in JSON_NAMES or (JSON_START.match(start) and (_is_lines(start) or _is_json(path))):
        return "json"
    if suffix in MAIL_NAMES or _is_mail(start):
        return "eml"
    return None


def _is_lines(start: bytes) -> bool:
    """Whether the first two lines are values of their own."""
    lines = [line for line in start.split(b"\n", 3)[:3] if line.strip()][:2]
    return len(lines) == 2 and all(
        JSON_START.match(line) and _is_value(line.decode(errors="replace")) for line in lines
    )


def _is_json(path: Path) -> bool:
    """Whether all of the file is one value."""
    from rag.loaders.encodings import decode

    data = path.read_bytes()
    return data.rstrip(b" \r\n\t\0")[-1:] in b"}]" and _is_value(decode(data).text)


def _is_value(text: str) -> bool:
    try:
        json.loads(text, parse_int=str)
    except (ValueError, RecursionError):
        return False
    return True


def _is_mail(start: bytes) -> bool:
    """Whether it begins with several of the fields of a mail's header."""
    fields = set()
    text = start.lstrip().replace(b"\r\n", b"\n")
    position = 0
    while found := FIELD.match(text, position):
        fields.add(found[1].lower())
        position = found.end()
    return len(fields & MAIL_FIELDS) >= FEWEST_FIELDS
