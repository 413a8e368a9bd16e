"""Real files of every kind, ingested in one run: each does what its manifest expects."""

import json
import re
import subprocess
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rag.errors import DocumentError
from rag.loaders import Parser
from rag.settings import load_settings
from tests.commands import RAG, environment
from tests.conftest import EVAL_DIR
from tests.models import EMBEDDER, without_layers

# The phrase is not text: it is a drawing's offsets (posOffset) run together, which no reader sees.
NOT_TEXT = {"textbox.docx"}
PASSWORD = re.compile(r"password:(\S+) ")


@dataclass(frozen=True)
class Ingested:
    """What `rag ingest` told of every file, by name, and the texts that were indexed, by document id."""

    rows: dict[str, dict[str, Any]]
    texts: dict[str, str]


def manifest() -> list[dict[str, str]]:
    path = EVAL_DIR / "documents" / "manifest.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []


def entries() -> list[Any]:
    marks = {name: [pytest.mark.xfail(reason="no text", strict=True)] for name in NOT_TEXT}
    found = [
        pytest.param(row, id=f"{row['kind']}/{row['name']}", marks=marks.get(row["name"], []))
        for row in manifest()
    ]
    return found or [pytest.param(None, id="no data")]


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory, models_dir: Path, eval_dir: Path) -> Ingested:
    """All files in one run of the command, without overlap, so that the chunks in a row are the text.

    Nothing is searched: the default model counts the tokens, but computes next to nothing.
    """
    folder = tmp_path_factory.mktemp("eval")
    without_layers(models_dir / EMBEDDER, folder / "models" / EMBEDDER)
    variables = environment(folder / "store", folder / "models")
    passwords = [found[1] for row in manifest() if (found := PASSWORD.match(row["expect"]))]
    options = [each for password in passwords for each in ("--password", password)]
    command = [RAG, "ingest", eval_dir / "documents", "--overlap-tokens", "0", "--json", *options]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr[-3000:]  # some of them cannot be read
    assert "Traceback" not in done.stderr
    subprocess.run([RAG, "export", folder / "out"], env=variables, capture_output=True, check=True)
    texts: dict[str, list[str]] = defaultdict(list)
    for line in (folder / "out" / "chunks.jsonl").read_text("utf-8").splitlines():
        chunk = json.loads(line)
        texts[chunk["document_id"]].append(chunk["text"])
    rows = {row["name"]: row for row in json.loads(done.stdout)["documents"]}
    return Ingested(rows, {key: "\n".join(parts) for key, parts in texts.items()})


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with Parser(load_settings()) as parser:
        yield parser


def bare(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("entry", entries())
def test_real_file(entry: dict[str, str] | None, ingested: Ingested) -> None:
    assert entry is not None, "there is no manifest"
    expected = entry["expect"]
    row = ingested.rows[f"{entry['kind']}/{entry['name']}"]
    if row["status"] == "failed":
        assert "text:" not in expected and "ocr:" not in expected, row["error"]
        assert entry["name"] in row["error"] and row["error"].endswith(".")
        return
    assert expected != "reject"
    text = ingested.texts[row["id"]]
    assert "<script" not in text
    assert not re.search("[\x00-\x08\x0b-\x1f\u2028\u2029\ud800-\udfff]", text)
    for kind in ("text:", "ocr:"):
        if kind in expected:
            assert bare(expected.split(kind, 1)[1]) in bare(text)


@pytest.mark.parametrize("entry", [each for each in manifest() if PASSWORD.match(each["expect"])])
def test_without_its_password_a_file_says_so(entry: dict[str, str], parser: Parser, eval_dir: Path) -> None:
    with pytest.raises(DocumentError, match="needs a password"):
        parser.parse(eval_dir / "documents" / entry["kind"] / entry["name"], entry["name"])
