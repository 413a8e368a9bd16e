"""rag compare with the built-in models: its JSON, its tables, its exit status."""

import json
import re
from pathlib import Path

import pytest

from rag.model_files import install
from rag.settings import load_settings
from tests.commands import Run, read
from tests.integration.test_command import NEWS

E5, MINILM = "builtin:multilingual-e5-small", "builtin:all-minilm-l6-v2"


def test_the_missions_example_by_two_embedders(run: Run, models_dir: Path) -> None:
    install(load_settings(models_dir=models_dir), "all-minilm-l6-v2")
    both = ("--embedder", E5, "--embedder", MINILM)
    found = read(run("compare", "--query", "国际争端", *both, *NEWS, "--json"))
    assert (found["query"], found["texts"]) == ("国际争端", list(NEWS))
    assert [each["embedder"] for each in found["embedders"]] == [E5, MINILM]
    for each in found["embedders"]:
        assert (each["dimension"], each["error"]) == (384, None)
        assert len(each["tokens"]) == len(each["cut"]) == len(each["query_euclid"]) == 5
        assert [len(row) for row in each["cosine"]] == [len(row) for row in each["euclid"]] == [6] * 6
    cosines = found["embedders"][0]["query_cosine"]
    assert min(cosines[:3]) > max(cosines[3:])


def test_lines_of_a_file_in_a_table(run: Run, tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("\n\n".join(NEWS), encoding="gb18030")
    printed = run("compare", "--query", "国际争端", "--file", "lines.txt").stdout
    assert printed.startswith(f"{E5}  384 dimensions, ")
    order = re.findall(r"^ +0\.\d{3} +0\.\d{3} +\d+ +(T\d)", printed, re.MULTILINE)
    assert set(order[:3]) == {"T1", "T2", "T3"}
    assert len(order) == 5
    assert len(re.findall(r"^(?:Q|T\d)(?: +[01]\.\d{3}){6}$", printed, re.MULTILINE)) == 12


def test_texts_alone_and_one_that_is_too_long(run: Run) -> None:
    done = run("compare", "word " * 600, "another")
    assert "T1 is longer than the window. Not read: " in done.stderr
    assert "cosine     T1     T2\n" in done.stdout


def test_a_model_that_fails_leaves_the_others(run: Run) -> None:
    done = run("compare", "--embedder", "openai:m", "--embedder", E5, "one", "two", "--json", status=1)
    failed, other = json.loads(done.stdout)["embedders"]
    assert "key" in failed["error"]
    assert failed["cosine"] == failed["tokens"] == []
    assert other["error"] is None
    assert len(other["cosine"]) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "There is no text to compare"),
        (["alone"], "One text alone"),
        (["--file", "-", "text"], "Say either TEXT"),
        (["--query", "q", *["text"] * 201], "201 texts are more than the 200"),
    ],
)
def test_wrong_usage(run: Run, arguments: list[str], message: str) -> None:
    assert message in run("compare", *arguments, status=2).stderr
