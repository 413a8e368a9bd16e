"""Real files of every kind that is read: each does what its manifest expects."""

import json
import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.documents import ParsedFile
from rag.errors import DocumentError
from rag.loaders import Parser
from rag.settings import load_settings

EVAL_DIR = Path(os.environ.get("RAG_EVAL_DIR") or Path(__file__).parents[3] / "shared" / "eval")
KINDS = (
    "pdf",
    "docx",
    "pptx",
    "xlsx",
    "office",
    "html",
    "md",
    "txt",
    "csv",
    "epub",
    "hazard",
    "image",
    "other",
)
# The phrase is not text: it is a drawing's offsets (posOffset) run together, which no reader sees.
NOT_TEXT = {"textbox.docx"}


def entries() -> list[Any]:
    manifest = EVAL_DIR / "documents" / "manifest.jsonl"
    if not manifest.is_file():
        return [pytest.param(None, id="no data")]
    rows = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    return [
        pytest.param(
            row,
            id=f"{row['kind']}/{row['name']}",
            marks=[pytest.mark.xfail(reason="no text", strict=True)] if row["name"] in NOT_TEXT else [],
        )
        for row in rows
        if row["kind"].split("-")[0] in KINDS
    ]


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with Parser(load_settings()) as parser:
        yield parser


def bare(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


def text_of(parsed: ParsedFile) -> str:
    return "\n".join(section.text for section in parsed.sections)


@pytest.mark.parametrize("entry", entries())
def test_real_file(entry: dict[str, str] | None, eval_dir: Path, parser: Parser) -> None:
    assert entry is not None, f"{eval_dir} has no manifest"
    path = eval_dir / "documents" / entry["kind"] / entry["name"]
    expected = entry["expect"]
    password = None
    if found := re.match(r"password:(\S+) ", expected):
        password = found[1]
        with pytest.raises(DocumentError, match="needs a password"):
            parser.parse(path, entry["name"])
    try:
        parsed = parser.parse(path, entry["name"], password=password)
    except DocumentError as error:
        assert "text:" not in expected and "ocr:" not in expected, error
        assert entry["name"] in str(error)
        return
    check(expected, parsed)


def check(expected: str, parsed: ParsedFile) -> None:
    assert expected != "reject"
    assert any(section.text for section in parsed.sections)
    text = text_of(parsed)
    assert "<script" not in text
    assert not re.search("[\x00-\x08\x0b-\x1f\u2028\u2029\ud800-\udfff]", text)
    if "text:" in expected:
        assert bare(expected.split("text:", 1)[1]) in bare(text)
    if "ocr:" in expected:
        assert bare(expected.split("ocr:", 1)[1]) in bare(text)
        assert any("text recognition" in notice.message for notice in parsed.warnings)
