"""rag records and rag collections configure, copy, merge: what they print, and their exit status."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from rag.settings import Settings
from rag.workbench import RecordQuery
from rag.workbench.snippets import client_code, query_command, query_with_chroma, query_with_passage
from tests.commands import Run, environment, read


def test_a_record_is_added_found_edited_deleted_and_brought_back(run: Run) -> None:
    added = read(run("records", "add", "The lighthouse is red.", "--meta", "year=1911", "--json"))["id"]
    other = read(run("records", "add", "Bread rises in the oven.", "--json"))["id"]
    assert read(run("records", "count", "--json")) == {"count": 2}
    assert run("records", "count", "--where", '{"year": 1911}').stdout.strip() == "1"
    found = read(run("records", "query", "a red lighthouse", "-n", "1", "--json"))
    assert (found["space"], [each["id"] for each in found["results"]]) == ("cosine", [added])
    (hit,) = found["results"]
    assert hit["distance"] == pytest.approx(1 - hit["cosine"]) and hit["metadata"] == {"year": 1911}
    run("records", "edit", added, "--text", "The lighthouse is white.", "--meta", "keeper=Ann")
    (record,) = read(run("records", "get", added, "--vector", "--json"))["records"]
    assert (record["text"], record["own_metadata"]) == (
        "The lighthouse is white.",
        {"year": 1911, "keeper": "Ann"},
    )
    assert len(record["vector"]) == 384 and record["norm"] == pytest.approx(1)
    run("records", "edit", added, "--remove-meta", "year")
    vector = json.dumps(record["vector"])
    nearest = read(run("records", "query", "--vector", vector, "-n", "1", "--json"))["results"]
    assert nearest[0]["id"] == added and nearest[0]["cosine"] == pytest.approx(1, abs=1e-5)
    assert other in run("records", "nearest", added).stdout
    deleted = read(run("records", "delete", added, "--json"))
    assert run("records", "list").stdout.startswith(other)
    assert read(run("records", "deleted", "--json"))["deletions"] == [deleted]
    run("records", "undo")
    assert [each["id"] for each in read(run("records", "list", "--json"))["records"]] == [added, other]
    run("records", "delete", other)
    assert read(run("records", "compact", "--yes", "--json")) == {"purged": 1}
    run("records", "undo", status=2)
    assert read(run("check", "--json"))["clean"]


def test_pages_and_peek(run: Run) -> None:
    ids = [read(run("records", "add", f"Number {number}.", "--json"))["id"] for number in range(3)]
    first = run("records", "list", "-n", "2")
    assert f"--after {ids[1]}" in first.stderr and first.stdout.count("\n") == 2
    after = read(run("records", "list", "-n", "2", "--after", ids[1], "--json"))
    assert ([each["id"] for each in after["records"]], after["has_after"]) == ([ids[2]], False)
    assert [each["id"] for each in read(run("records", "peek", "-n", "1", "--json"))["records"]] == ids[:1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["get", "nothing"], "no record with the id nothing"),
        (["query"], "either a text or a vector"),
        (["query", "--vector", "[1, 2]"], "2 numbers"),
        (["query", "--vector", "one"], "no JSON list"),
        (["query", "x", "--where", "{}{"], "filter"),
        (["edit", "nothing"], "Say what to change"),
        (["add", " "], "no text"),
        (["list", "--last", "--after", "x"], "one of"),
    ],
)
def test_what_is_asked_for_wrongly(run: Run, arguments: list[str], message: str) -> None:
    assert message in run("records", *arguments, status=2).stderr


def test_collections_are_configured_copied_and_merged(run: Run) -> None:
    run("collections", "create", "a", "--hnsw", "space=l2", "--hnsw", "ef_search=50")
    run("records", "add", "The lighthouse is red.", "-c", "a")
    run("collections", "configure", "a", "--hnsw", "ef_search=200")
    assert read(run("collections", "show", "a", "--json"))["hnsw"] == {"space": "l2", "ef_search": 200}
    assert "space is chosen" in run("collections", "configure", "a", "--hnsw", "space=ip", status=2).stderr
    assert "cosine, l2, ip" in run("collections", "create", "b", "--hnsw", "space=l3", status=2).stderr
    run("collections", "copy", "a", "b", "--hnsw", "space=ip")
    run("records", "add", "Bread rises in the oven.", "-c", "b")
    run("collections", "create", "c")
    merged = read(run("collections", "merge", "b", "c", "--json"))
    assert (merged["documents"], merged["records"]) == (1, 2)
    for name, space in (("a", "l2"), ("b", "ip"), ("c", "cosine")):
        found = read(run("records", "query", "red", "-c", name, "--json"))
        of_cosine = 2 if space == "l2" else 1
        assert found["space"] == space
        for each in found["results"]:
            assert each["distance"] == pytest.approx(of_cosine * (1 - each["cosine"]), abs=1e-5)
    assert read(run("check", "--json"))["clean"]


def test_the_snippets_find_what_the_page_finds(run: Run, tmp_path: Path, models_dir: Path) -> None:
    from rag.engine import open_engine

    variables = environment(tmp_path / "store", models_dir)
    record_id = read(run("records", "add", "The lighthouse is red.", "--meta", "year=1911", "--json"))["id"]
    query = RecordQuery("the lighthouse's colour", n=3, where={"year": 1911})
    settings = Settings(data_dir=tmp_path / "store", models_dir=models_dir)
    with open_engine(settings) as engine:
        collection = engine.collection()
        vector = engine.workbench.browsing.query_vector(collection, query)
        (hit,) = engine.workbench.browsing.query(collection, query).hits
    words = shlex.split(query_command(collection, query))
    assert words[0] == "rag"
    (row,) = read(run(*words[1:], "--json"))["results"]
    assert (row["id"], row["distance"]) == (record_id, pytest.approx(hit.distance, abs=1e-5))
    client = client_code(settings.data_dir, None, in_memory=False, is_cloud=False)
    for code in (
        query_with_passage(collection, query),
        query_with_chroma(collection, query, vector.tolist(), client=client),
    ):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=variables,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert record_id in done.stdout and f"{hit.distance:.4f}"[:6] in done.stdout
