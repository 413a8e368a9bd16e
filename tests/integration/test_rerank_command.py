"""rag search, ask and evaluate with a reranker on a local server."""

import json
from pathlib import Path

import pytest

from tests.commands import Run, read
from tests.provider_server import OPENAI_RERANK, ProviderServer

TEXTS = {"a.txt": "the cat sat there all day", "b.txt": "what is it", "c.txt": "a dog in the garden"}


@pytest.fixture
def variables(provider_server: ProviderServer, run: Run, tmp_path: Path) -> dict[str, str]:
    """Settings of a collection with three documents and of a reranker that likes shared words."""
    set_to = {
        "RAG_EMBEDDER": "openai:m",
        "RAG_OPENAI_BASE_URL": f"{provider_server.url}/v1",
        "RAG_CHAT_MODEL": "extractive",
        "RAG_RERANKER": "openai:reranker",
    }
    for name, text in TEXTS.items():
        (tmp_path / name).write_text(text)
    run("ingest", *TEXTS, **set_to)
    return set_to


def test_search_and_ask(run: Run, variables: dict[str, str], provider_server: ProviderServer) -> None:
    found = read(run("search", "the garden dog", "--json", **variables))
    assert found["reranker"] == "openai:reranker"
    assert set(found["seconds"]) == {"embed", "search", "rerank"}
    scores = {passage["name"]: passage["rerank_score"] for passage in found["passages"]}
    assert list(scores.items()) == [
        ("c.txt", pytest.approx(3 / 5)),
        ("a.txt", pytest.approx(1 / 8)),
        ("b.txt", 0),
    ]
    assert all(passage["cosine"] is not None and passage["score"] for passage in found["passages"])
    printed = run("search", "the garden dog", **variables).stdout
    assert "rerank score 0.600" in printed
    asked = read(run("ask", "the garden dog", "--json", **variables))
    assert asked["reranker"] == "openai:reranker"
    assert asked["passages"][0]["rerank_score"] == pytest.approx(3 / 5)
    told = run("search", "the garden dog", "-k", "1", "--why", TEXTS["b.txt"], **variables).stdout
    assert "reranker         from number " in told and "rerank score     0.000" in told
    sent = len(provider_server.requests)
    without = read(run("search", "the garden dog", "--reranker", "none", "--json", **variables))
    assert (without["reranker"], {each["rerank_score"] for each in without["passages"]}) == (None, {None})
    assert OPENAI_RERANK not in [request.path for request in provider_server.requests[sent:]]
    assert "no reranker nobody" in run("search", "x", "--reranker", "nobody", status=2, **variables).stderr


def test_evaluate_compares_with_and_without(run: Run, variables: dict[str, str], tmp_path: Path) -> None:
    lines = [
        {"question": "the garden dog", "document": "c.txt"},
        {"question": "what is", "document": "b.txt"},
    ]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, lines)))
    both = ("--reranker", "none", "--reranker", "openai:reranker")
    report = read(run("evaluate", "--questions", "q.jsonl", *both, "--json", **variables))
    assert [each["reranker"] for each in report["systems"]] == ["none", "openai:reranker"]
    assert [each["name"] for each in report["systems"]] == ["hybrid", "hybrid · openai:reranker"]
    assert report["systems"][1]["mrr@10"] == 1.0
    as_set = read(run("evaluate", "--questions", "q.jsonl", "--json", **variables))
    assert (as_set["reranker"], as_set["mrr@10"]) == ("openai:reranker", 1.0)


def test_evaluate_on_a_test_set(run: Run, variables: dict[str, str], tmp_path: Path) -> None:
    rows = [{"id": name, "title": "", "text": text} for name, text in TEXTS.items()]
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "queries.jsonl").write_text(json.dumps({"id": "q", "text": "the garden dog"}))
    (tmp_path / "qrels.tsv").write_text("qid\tdocid\trel\nq\tc.txt\t1\n")
    files = ("--corpus", "corpus.jsonl", "--queries", "queries.jsonl", "--qrels", "qrels.tsv")
    report = read(run("evaluate", *files, "--json", **variables))
    assert (report["reranker"], report["mrr@10"]) == ("openai:reranker", 1.0)
    assert "reranked by openai:reranker" in run("evaluate", *files, **variables).stdout
    plain = read(run("evaluate", *files, "--reranker", "none", "--json", **variables))
    assert plain["reranker"] == "none"
