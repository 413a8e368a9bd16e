"""The `rag` command as a program would use it: its JSON, its exit status, and nothing else on stdout."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from rag.retrieval import Query
from rag.settings import PROJECT_DIR, Settings
from rag.ui.equivalent import command, python
from tests.commands import Run, environment, read

SAMPLES = PROJECT_DIR / "data" / "samples"

NEWS = (
    "联合国就苏丹达尔富尔地区大规模暴力事件发出警告",
    "土耳其、芬兰、瑞典与北约代表将继续就瑞典“入约”问题进行谈判",
    "日本岐阜市陆上自卫队射击场内发生枪击事件 3人受伤",
    "国家游泳中心（水立方）：恢复游泳、嬉水乐园等水上项目运营",
    "我国首次在空间站开展舱外辐射生物学暴露实验",
)


def test_the_missions_example(run_program: Run, tmp_path: Path) -> None:
    for number, text in enumerate(NEWS):
        (tmp_path / f"{number}.txt").write_text(text)
    run_program("ingest", *(f"{number}.txt" for number in range(len(NEWS))))
    passages = read(run_program("search", "国际争端", "-k", "5", "--mode", "dense", "--json"))["passages"]
    assert {passage["text"] for passage in passages[:3]} == set(NEWS[:3])
    cosines = [passage["cosine"] for passage in passages]
    assert cosines == sorted(cosines, reverse=True)


def test_ingest_search_ask_follow_the_contract(run_program: Run) -> None:
    added = read(
        run_program("ingest", str(SAMPLES), "--meta", "origin=sample", "--meta", "year=2026", "--json")
    )
    assert set(added) == {"documents", "vanished", "removed", "skipped", "seconds"}
    fields = {"name", "id", "status", "pages", "chunks", "tokens", "warnings", "error", "seconds"}
    assert all(set(document) == fields for document in added["documents"])
    assert [document["status"] for document in added["documents"]] == ["added"] * 4
    again = read(
        run_program("ingest", str(SAMPLES), "--meta", "origin=sample", "--meta", "year=2026", "--json")
    )
    assert [document["status"] for document in again["documents"]] == ["unchanged"] * 4

    listed = read(run_program("documents", "--json"))["documents"]
    assert {(document["status"], document["metadata"]["year"]) for document in listed} == {("ready", 2026)}
    assert {"id", "name", "status", "pages", "chunks", "bytes", "added_at", "warnings"} <= set(listed[0])

    found = read(run_program("search", "How many books can I borrow?", "-k", "2", "--json"))
    assert (found["question"], found["mode"]) == ("How many books can I borrow?", "hybrid")
    assert set(found["seconds"]) == {"embed", "search"}
    first, _second = found["passages"]
    assert {
        "rank", "chunk_id", "document_id", "name", "page", "heading", "text",
        "cosine", "relevance", "keyword_score", "score", "metadata",
    } <= set(first)  # fmt: skip
    assert (first["rank"], first["name"], first["page"]) == (1, "Riverside Library Handbook.pdf", 2)
    assert 0 < first["cosine"] <= 1 and 0 <= first["relevance"] <= 1

    asked = read(run_program("ask", "年假有多少天？", "--model", "extractive", "--json"))
    assert {"answer", "answered", "citations", "passages", "model", "seconds"} <= set(asked)
    assert asked["answered"] is True and asked["model"] == "extractive"
    assert asked["citations"] and set(asked["citations"][0]) == {"marker", "chunk_id", "supported"}
    assert asked["citations"][0]["chunk_id"] in {passage["chunk_id"] for passage in asked["passages"]}
    refused = read(run_program("ask", "谁是法国总统？", "--model", "extractive", "--json"))
    assert (refused["answered"], refused["citations"]) == (False, [])


def test_filters_from_the_command_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text("The harbour was built in stone.")
    (tmp_path / "new.txt").write_text("The harbour was built again in concrete.")
    run("ingest", "old.txt", "--meta", "year=1900")
    run("ingest", "new.txt", "--meta", "year=2000")

    def names(*options: str) -> list[str]:
        found = read(run("search", "Who built the harbour?", "--json", *options))
        return [passage["name"] for passage in found["passages"]]

    assert names("--where", '{"year": {"$lt": 1950}}') == ["old.txt"]
    assert names("--contains", "concrete") == ["new.txt"]
    assert names("--min-similarity", "1") == []
    assert set(names("--mode", "keyword")) == {"old.txt", "new.txt"}
    assert set(names("--diversity", "0.5")) == {"old.txt", "new.txt"}


def test_the_model_of_a_collection_is_switched(run: Run, tmp_path: Path) -> None:
    (tmp_path / "rules.txt").write_text("Books may be kept for four weeks.")
    run("ingest", "rules.txt")
    run("models", "install", "all-minilm-l6-v2")
    other, first = "builtin:all-minilm-l6-v2", "builtin:multilingual-e5-small"

    def state(*options: str) -> tuple[str, str | None]:
        row = read(run("collections", "switch", "default", "--json", *options))
        return row["embedder"], row["other_embedder"]

    assert state("--embedder", other, "--keep-present") == (first, other)
    assert state("--swap") == (other, first)
    assert read(run("search", "books", "--json"))["passages"][0]["name"] == "rules.txt"
    assert state("--swap") == (first, other)
    assert state("--remove") == (first, None)
    assert state("--embedder", other) == (other, first)
    for options in ((), ("--swap", "--remove"), ("--keep-present",), ("--embedder", "builtin:nobody")):
        assert "Traceback" not in run("collections", "switch", "default", *options, status=2).stderr


def test_what_goes_wrong_is_told_and_counted(run: Run, tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text("A good file.")
    (tmp_path / "empty.txt").write_text(" ")
    (tmp_path / "folder").mkdir()
    partly = run("ingest", "good.txt", "empty.txt", "missing.txt", "--json", status=1)
    statuses = {document["name"]: document["status"] for document in read(partly)["documents"]}
    assert statuses == {"good.txt": "added", "empty.txt": "failed", "missing.txt": "failed"}
    assert all(document["error"] for document in read(partly)["documents"] if document["status"] == "failed")
    for arguments in (
        ("search", "x", "--where", "{not json"),
        ("search", "x", "--where", '{"a": 1, "b": 2}'),
        ("search", " "),
        ("search", "x", "-c", "nowhere"),
        ("ingest", "good.txt", "--meta", "page=3"),
        ("documents", "delete", "unknown"),
        ("collections", "create", "other", "--embedder", "nonsense:model"),
        ("collections", "create", "other", "--hnsw", "speed=9"),
        ("collections", "create", "other", "--hnsw", "ef_search=many"),
        ("search", "x", "--where", '{"page": {"$eq": [1]}}'),
        ("ingest", "good.txt", "--meta", "chroma:document=x"),
        ("ingest", "folder"),
    ):
        failed = run(*arguments, status=2)
        assert failed.stdout == "" and "Traceback" not in failed.stderr
    assert "RAG_TOP_K" in run("documents", status=2, RAG_TOP_K="many").stderr


def test_files_that_fail_under_one_name_are_told_one_by_one(run: Run, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.txt").write_text(" " * len(folder) + "\n" * (folder == "two"))
    failed = run("ingest", "one/same.txt", "two/same.txt", "--json", status=1)
    rows = read(failed)["documents"]
    assert [(row["name"], row["status"]) for row in rows] == [("same.txt", "failed")] * 2
    assert len(read(run("documents", "--json"))["documents"]) == 1


def test_a_name_that_is_not_utf_8_is_shown_as_far_as_it_can_be(run_program: Run, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    try:
        (folder / os.fsdecode(b"caf\xe9.txt")).write_text("A good file.")
    except OSError:
        pytest.skip("this file system has UTF-8 names only")
    added = read(run_program("ingest", "folder", "--json"))["documents"]
    assert [(row["name"], row["status"]) for row in added] == [("caf�.txt", "added")]
    missing = run_program("ingest", os.fsdecode(b"\xe9.txt"), "--json", status=1)
    assert read(missing)["documents"][0]["name"] == "�.txt"


def test_what_is_no_file_or_too_large_is_told(run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large.txt").write_bytes(b"x" * ((1 << 20) + 1))
    told = run("ingest", "pipe", "large.txt", "--json", status=1, RAG_MAX_FILE_MB="1")
    pipe, large = (row["error"] for row in read(told)["documents"])
    assert "pipe is not a file" in pipe and "RAG_MAX_FILE_MB" in large
    originals = [path for path in (tmp_path / "store" / "originals").rglob("*") if path.is_file()]
    assert originals == []


def test_documents_and_collections_come_and_go(run: Run, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("One thing to find.")
    run("collections", "create", "第二", "--hnsw", "ef_search=200")
    document = read(run("ingest", "one.txt", "-c", "第二", "--json"))["documents"][0]
    shown = read(run("collections", "show", "第二", "--json"))
    assert (shown["documents"], shown["hnsw"]) == (1, {"ef_search": 200})
    run("collections", "rename", "第二", "third")
    run("documents", "delete", document["id"], "-c", "third")
    assert read(run("documents", "-c", "third", "--json"))["documents"] == []
    assert read(run("check", "--json"))["clean"] is True
    run("collections", "delete", "third", "--yes")
    assert read(run("collections", "--json"))["collections"] == []
    originals = [path for path in (tmp_path / "store" / "originals").rglob("*") if path.is_file()]
    assert originals == []


def test_a_lost_index_is_found_and_repaired(run: Run, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("One thing to find.")
    run("ingest", "one.txt")
    for path in sorted((tmp_path / "store" / "keyword").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert read(run("check", "--repair", "--json"))["clean"] is True
    assert read(run("search", "thing", "--mode", "keyword", "--json"))["passages"]


def test_damaged_vectors_are_repaired(run: Run, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("One thing to find.")
    run("ingest", "one.txt")
    (tmp_path / "store" / "chroma" / "chroma.sqlite3").write_bytes(b"garbage" * 1000)
    assert read(run("check", "--json", status=1))["collections"][0]["missing_vectors"] == 1
    assert "rag check --repair" in run("check", status=1).stderr
    assert read(run("check", "--repair", "--json"))["clean"] is True
    (tmp_path / "store" / "chroma" / "chroma.sqlite3").write_bytes(b"garbage" * 1000)
    (passage,) = read(run("search", "thing", "--json"))["passages"]
    assert passage["text"] == "One thing to find."
    assert read(run("check", "--json"))["clean"] is True
    assert read(run("search", "thing", "--mode", "dense", "--json"))["passages"]


def test_models_and_providers_are_listed_with_the_next_step(run: Run) -> None:
    nobody = {"OLLAMA_HOST": "http://127.0.0.1:1", "PATH": ""}
    listed = read(run("models", "--json", **nobody))
    assert set(listed) == {"models", "providers"}
    fields = {"name", "task", "installed", "bytes", "licence", "sha256", "description"}
    assert all(set(model) == fields for model in listed["models"])
    fields = {"name", "tasks", "state", "next", "host", "is_local", "models"}
    assert all(set(provider) == fields for provider in listed["providers"])
    states = {provider["name"]: provider for provider in listed["providers"]}
    assert states["openai"]["state"] == "no key" and "OPENAI_API_KEY" in states["openai"]["next"]
    assert states["ollama"]["state"] == "not installed" and "RAG_OLLAMA_HOST" in states["ollama"]["next"]
    [embedders] = [each for each in listed["providers"] if each["tasks"] == ["embedding"] and each["models"]]
    assert "multilingual-e5-small" in [model["name"] for model in embedders["models"]]
    told = run("models", **nobody).stdout
    assert "builtin:multilingual-e5-small" in told and "OPENAI_API_KEY" in told


def test_the_catalogue_of_models_is_a_table(run: Run) -> None:
    models = read(run("models", "catalogue", "--json"))["models"]
    assert {"ids", "task", "languages", "dimensions", "max_tokens", "licence", "price"} <= set(models[0])
    heading, *rows = run("models", "catalogue").stdout.splitlines()
    assert heading.split()[0] == "model" and len(rows) == len(models)
    assert rows[0].startswith(models[0]["ids"][0])


def test_a_model_that_ollama_cannot_get_is_told(run: Run) -> None:
    failed = run("models", "install", "ollama:bge-m3", status=1, OLLAMA_HOST="http://127.0.0.1:1")
    assert "Ollama cannot be reached" in failed.stderr and failed.stdout == ""


def test_help_is_quick_to_load() -> None:
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "rag.cli", "--help"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    names = set(re.findall(r"\| +([\w.]+)$", loaded.stderr, re.MULTILINE))
    assert "click" in names
    assert not names & {
        "chromadb",
        "streamlit",
        "openvino",
        "numpy",
        "pydantic",
        "openai",
        "httpx",
        "tantivy",
    }


def test_every_setting_is_documented() -> None:
    readme = (PROJECT_DIR / "README.md").read_text()
    missing = [name for name in Settings.model_fields if f"`RAG_{name.upper()}`" not in readme]
    assert missing == []


def test_a_look_before_adding_and_an_audit_afterwards(run: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    look = read(run("ingest", str(SAMPLES), "broken.pdf", "--preflight", "--json", status=1))
    assert {
        "model", "chunk_tokens", "overlap_tokens", "documents", "chunks", "tokens", "new_tokens", "languages",
        "seconds", "disk_bytes", "free_bytes", "cost", "host",
    } <= set(look)  # fmt: skip
    *good, broken = look["documents"]
    assert [each["error"] for each in good] == [None] * 4 and "is damaged" in broken["error"]
    assert read(run("documents", "--json"))["documents"] == []
    shown = run("ingest", str(SAMPLES), "--preflight", "--chunk-tokens", "64")
    assert "Time: about" in shown.stdout and "Nothing was added." in shown.stderr
    run("ingest", str(SAMPLES), "--preflight", "--chunk-tokens", "5000", status=2)

    added = read(run("ingest", str(SAMPLES), "--json"))["documents"]
    assert [each["tokens"] for each in added] == [each["tokens"] for each in good]
    again = read(run("ingest", str(SAMPLES), "--chunk-tokens", "64", "--json"))["documents"]
    assert [each["status"] for each in again] == ["replaced"] * 4
    audit = read(run("documents", "audit", "--json"))
    assert (audit["documents"], audit["findings"], audit["problem"]) == (4, [], None)
    assert "Nothing to mend." in run("documents", "audit").stdout


def test_why_a_passage_is_missing(run: Run, tmp_path: Path) -> None:
    for number, text in enumerate(NEWS):
        (tmp_path / f"{number}.txt").write_text(text)
    run("ingest", *(f"{number}.txt" for number in range(len(NEWS))))
    missing = ("search", "国际争端", "--why", NEWS[3])
    told = read(run(*missing, "-k", "1", "--json"))
    assert set(told) == {"question", "mode", "k", "is_there", "reason", "ways", "notices"}
    (way,) = told["ways"]
    assert (way["passage"]["text"], way["chunks"], way["in_pool"]) == (NEWS[3], len(NEWS), True)
    assert 1 < way["rank"] == way["dense_rank"] <= len(NEWS)
    assert told["reason"] == (
        f"It is number {way['rank']}, and 1 are asked for: raise the number of passages to {way['rank']}."
    )
    shown = read(run("search", "国际争端", "-k", str(way["rank"]), "--json"))["passages"][-1]
    assert (shown["text"], shown["score"]) == (NEWS[3], way["score"])
    filtered = run(*missing, "--where", '{"document": "0.txt"}').stdout
    assert filtered.startswith("The filter on document leaves it out")
    assert 'left out by {"document": "0.txt"}' in filtered
    absent = read(run("search", "国际争端", "--why", "Zebras graze at dawn", "--json"))
    assert absent["is_there"] is False and "no such text" in absent["reason"]
    run("search", "国际争端", "--why", " ", status=2)


def test_the_commands_and_programs_shown_find_the_same(run: Run, tmp_path: Path, models_dir: Path) -> None:
    (tmp_path / "it's.txt").write_text("Say “hello” to the $HOME of all -k options.")
    (tmp_path / "other.md").write_text("# Other\n\nSay hello too.")
    run("ingest", "it's.txt", "other.md")
    query = Query("-k it's $HOME?", k=3, where={"document": "it's.txt"}, contains="$HOME", min_similarity=0.1)
    program, subcommand, *words = shlex.split(command("default", query))
    assert program == "rag"
    found = read(run(subcommand, "--json", *words))
    assert [passage["name"] for passage in found["passages"]] == ["it's.txt"]
    done = subprocess.run(
        [sys.executable, "-c", python("default", query)],
        env=environment(tmp_path / "store", models_dir),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("1 it's.txt None 0.")


def test_a_files_name_cannot_forge_a_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a\nadded      b.txt\u202e\x1b[2J.txt").write_text("An apple is red.")
    told = run("ingest", *(each.name for each in tmp_path.glob("a*.txt"))).stderr
    assert [line for line in told.splitlines() if line.startswith("added")] == [told.splitlines()[0]]
    assert "\u202e" not in told and "\x1b" not in told
    commands = (
        ["documents"],
        ["search", "apple"],
        ["ask", "apple"],
        ["documents", "audit"],
    )
    for each in commands:
        done = run(*each)
        assert "b.txt" in done.stdout + done.stderr or "audit" in each
        assert not {"\u202e", "\x1b"} & set(done.stdout + done.stderr)
        assert not [line for line in done.stdout.splitlines() if line.startswith("added")]
