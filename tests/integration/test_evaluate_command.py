"""rag evaluate: a test set in a collection of its own, and questions to a collection that is there."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from rag.settings import PROJECT_DIR
from tests.commands import Run, read

DOCUMENTS = (
    {"id": "leave", "title": "Annual leave", "text": "Everyone has 25 days of paid leave a year."},
    {"id": "餐", "title": "食堂", "text": "食堂每天中午十一点半开门，供应热菜和米饭。"},
    {"id": "bikes/1", "title": "", "text": "Bicycles are parked behind the building. " * 60},
    {"id": "empty", "title": "", "text": " "},
)
QUERIES = (
    {"id": "q1", "text": "How many holidays do I get?"},
    {"id": "q2", "text": "几点可以吃午饭？"},
    {"id": "q3", "text": "Where do I leave my bicycle?"},
    {"id": "q4", "text": "Who is the director?"},
)
QRELS = "qid\tdocid\trel\nq1\tleave\t1\nq2\t餐\t1\nq3\tbikes/1\t2\nq3\tgone\t1\n"


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """The options that name a test set's three files."""
    _write(tmp_path / "corpus.jsonl", DOCUMENTS)
    _write(tmp_path / "queries.jsonl", QUERIES)
    (tmp_path / "qrels.tsv").write_text(QRELS, "utf-8")
    return ["--corpus", "corpus.jsonl", "--queries", "queries.jsonl", "--qrels", "qrels.tsv"]


def _write(path: Path, rows: tuple[dict[str, Any], ...]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def test_a_test_set_follows_the_contract(run: Run, files: list[str], tmp_path: Path) -> None:
    done = run("evaluate", *files, "--per-query", "each.jsonl", "--json")
    report = read(done)
    assert (report["queries"], report["skipped"], report["documents"]) == (3, 1, 4)
    assert report["chunks"] == 5  # the long text is three, the empty one none
    assert (report["mode"], report["depth"]) == ("hybrid", 100)
    assert report["embedder"] == "builtin:multilingual-e5-small"
    assert set(report["seconds"]) == {"index", "search", "median_search"}
    assert report["mrr@10"] == 1
    assert report["recall@10"] == pytest.approx(2.5 / 3)  # one of the two for q3 is not in the corpus
    assert set(report["intervals"]) == {"ndcg@10", "recall@5", "recall@10", "mrr@10"}
    assert "1 of 4 relevant documents are not in corpus.jsonl" in done.stderr
    rows = [json.loads(line) for line in (tmp_path / "each.jsonl").read_text("utf-8").splitlines()]
    assert [(row["id"], row["found"][0]) for row in rows] == [
        ("q1", "leave"),
        ("q2", "餐"),
        ("q3", "bikes/1"),
    ]
    assert rows[1]["question"] == "几点可以吃午饭？" and rows[1]["relevant"] == {"餐": 1}
    assert not (tmp_path / "store").exists()  # the people's own collections are left alone


def test_keywords_alone_and_fewer_questions(run: Run, files: list[str]) -> None:
    done = run("evaluate", *files, "--mode", "keyword", "--limit", "1")
    assert done.stdout.startswith("ndcg@10    0.000  (95 %: 0.000–0.000)\n")  # “holidays” is in no document
    assert (
        "1 questions (1 skipped), 4 documents, 5 chunks; keyword, builtin:multilingual-e5-small"
        in done.stdout
    )


def test_the_documented_commands(run: Run, tmp_path: Path) -> None:
    guide = (PROJECT_DIR / "docs" / "evaluation.md").read_text("utf-8")
    for name, content in re.findall(r"^```\w+ (\S+)\n(.*?)^```", guide, re.M | re.S):
        (tmp_path / name).write_text(content, "utf-8")
    (tmp_path / "data").symlink_to(PROJECT_DIR / "data")
    said = {}
    for block in re.findall(r"^```sh\n(.*?)^```", guide, re.M | re.S):
        for command in block.splitlines():
            said[command] = run(*shlex.split(command)[1:], RAG_CHAT_MODEL="extractive").stdout
    by_meaning = said["rag evaluate --questions questions.jsonl"]
    assert "mrr@10     1.000" in by_meaning and "4 questions (0 skipped), 4 documents" in by_meaning
    each = [json.loads(line) for line in (tmp_path / "each.jsonl").read_text("utf-8").splitlines()]
    assert [row["mode"] for row in each] == ["keyword"] * 4
    assert (
        "9 questions (0 skipped)"
        in said["rag evaluate --generate 5 --mode hybrid --mode dense --mode keyword"]
    )
    report = json.loads(said["rag evaluate --chunk-tokens 128 --chunk-tokens 256 --json"])
    assert [each["name"] for each in report["systems"]] == ["hybrid · 128 tokens", "hybrid · 256 tokens"]
    assert report["systems"][1]["differences"]["ndcg@10"]["low"] <= 0 and report["collection"] == "default"

    (tmp_path / "questions.jsonl").write_text('\n{"question": "When?", "document": "gone.txt"}\n')
    wrong = run("evaluate", "--questions", "questions.jsonl", status=2)
    assert "questions.jsonl, line 2: the collection “default” has no document “gone.txt”" in wrong.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--corpus", "corpus.jsonl"], "Say --corpus, --queries and --qrels"),
        (["--queries", "queries.jsonl"], "Say --corpus, --queries and --qrels"),
        (
            ["--corpus", "c", "--queries", "q", "--qrels", "r", "--mode", "dense", "--mode", "keyword"],
            "one --mode",
        ),
        (
            ["--corpus", "c", "--queries", "q", "--qrels", "r", "--reranker", "none", "--reranker", "x:y"],
            "one --reranker",
        ),
        (["--corpus", "c", "--queries", "q", "--qrels", "r", "-c", "default"], "Say --corpus"),
        (["--questions", "questions.jsonl", "--generate", "5"], "Say one of --questions"),
        (["--keep"], "--keep is for the questions of --questions"),
        ([], "“default” has no question whose answer is known"),
        (["--questions", "gone.jsonl", "--per-query", "no/folder"], "no/folder cannot be written"),
    ],
)
def test_wrong_usage(options: list[str], said: str, run: Run) -> None:
    assert said in run("evaluate", *options, status=2).stderr
