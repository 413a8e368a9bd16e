"""rag evaluate: how well questions find the documents that answer them."""

import json
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from rag.cli.common import collection_option, json_option, note, open_engine, print_json, show_progress

if TYPE_CHECKING:
    from rag.evaluation import CorpusDocument, Evaluation, QuestionSet

_file = click.Path(path_type=Path)


@click.command()
@click.option("--corpus", type=_file, metavar="F", help='The documents: {"id", "title", "text"} a line.')
@click.option("--queries", type=_file, metavar="F", help='The questions: {"id", "text"} a line.')
@click.option("--qrels", type=_file, metavar="F", help="The judgements: a table of qid, docid and rel.")
@click.option(
    "--questions",
    type=_file,
    metavar="F",
    help='In place of these three: {"question", "document"} a line, asked of a collection you have.',
)
@collection_option
@click.option("--embedder", metavar="ID", help="The model for --corpus; else RAG_EMBEDDER.")
@click.option(
    "--mode", type=click.Choice(["dense", "keyword", "hybrid"]), default="hybrid", show_default=True
)
@click.option(
    "-k",
    "--depth",
    type=click.IntRange(1, 100),
    default=100,
    show_default=True,
    help="How many passages to find for a question.",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N questions.")
@click.option("--per-query", type=_file, metavar="F", help="Write what every question found to this file.")
@json_option
def evaluate(
    corpus: Path | None,
    queries: Path | None,
    qrels: Path | None,
    questions: Path | None,
    collection: str | None,
    embedder: str | None,
    per_query: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Measure how well questions find the documents that answer them.

    On a test set, in a collection that is gone afterwards: --corpus, --queries and --qrels. On your own
    documents: --questions, and -c for the collection.
    """
    with ExitStack() as stack:
        out = stack.enter_context(_written(per_query)) if per_query else None
        if questions and not (corpus or queries or qrels or embedder):
            report, evaluation = _own_documents(questions, collection, **options)
        elif corpus and queries and qrels and not (questions or collection):
            report, evaluation = _test_set(corpus, queries, qrels, embedder, **options)
        else:
            raise click.UsageError(
                "Say --corpus, --queries and --qrels (and --embedder), or --questions (and -c)."
            )
        if out:
            _write_results(out, evaluation)
    if as_json:
        print_json(report)
    else:
        _print_report(report)
    for notice, times in evaluation.notices.items():
        note(f"{times} ×: {notice}")


def _own_documents(
    path: Path, collection: str | None, *, limit: int | None, mode: Any, depth: int
) -> tuple[dict[str, Any], "Evaluation"]:
    from functools import partial

    from rag.evaluation import evaluate as run
    from rag.evaluation import read_questions

    with open_engine() as engine:
        found = engine.collection(collection)
        ready = [each for each in engine.catalog.documents.all(found.id) if each.status == "ready"]
        asked = read_questions(path, ready, found.name).first(limit)
        evaluation = run(
            partial(engine.search, found), asked, mode=mode, depth=depth, on_progress=_questions_done
        )
    report = _report(evaluation, mode=mode, depth=depth, embedder=found.fingerprint.id, documents=len(ready))
    report["chunks"] = sum(document.chunks for document in ready)
    report["collection"] = found.name
    return report, evaluation


def _test_set(
    corpus: Path,
    queries: Path,
    qrels: Path,
    embedder: str | None,
    *,
    limit: int | None,
    mode: Any,
    depth: int,
) -> tuple[dict[str, Any], "Evaluation"]:
    from rag.evaluation import evaluate as run
    from rag.evaluation import index_corpus, read_corpus, read_judged_queries
    from rag.settings import load_settings

    documents = read_corpus(corpus)
    asked = read_judged_queries(queries, qrels).first(limit)
    _note_missing(asked, documents, corpus)
    with index_corpus(load_settings(), documents, embedder=embedder, on_progress=_documents_done) as index:
        evaluation = run(index.search, asked, mode=mode, depth=depth, on_progress=_questions_done)
    report = _report(evaluation, mode=mode, depth=depth, embedder=index.embedder, documents=len(documents))
    report["chunks"] = index.chunks
    report["seconds"]["index"] = index.seconds
    return report, evaluation


def _report(
    evaluation: "Evaluation", *, mode: str, depth: int, embedder: str, documents: int
) -> dict[str, Any]:
    times = [result.seconds for result in evaluation.results]
    return {
        **evaluation.means(),
        "intervals": evaluation.intervals(),
        "queries": len(evaluation.results),
        "skipped": evaluation.skipped,
        "documents": documents,
        "mode": mode,
        "depth": depth,
        "embedder": embedder,
        "notices": dict(evaluation.notices),
        "seconds": {"search": sum(times), "median_search": statistics.median(times)},
    }


def _note_missing(asked: "QuestionSet", documents: list["CorpusDocument"], corpus: Path) -> None:
    there = {document.id for document in documents}
    wanted = {key for each in asked.questions for key, grade in each.relevance.items() if grade > 0}
    if missing := wanted - there:
        note(f"{len(missing)} of {len(wanted)} relevant documents are not in {corpus}: counted as not found.")


def _questions_done(done: int, total: int) -> None:
    show_progress(f"{done} of {total} questions")


def _documents_done(done: int, total: int) -> None:
    show_progress(f"{done} of {total} documents")


@contextmanager
def _written(path: Path) -> Iterator[IO[str]]:
    """A file opened before the long work begins. Raises UsageError."""
    from rag.errors import UsageError

    try:
        file = path.open("w", encoding="utf-8")
    except OSError as error:
        raise UsageError(
            "{path} cannot be written: {reason}. Choose another file.",
            path=path,
            reason=error.strerror or error,
        ) from error
    with file:
        yield file


def _write_results(out: IO[str], evaluation: "Evaluation") -> None:
    for result in evaluation.results:
        row = {
            "id": result.question.id,
            "question": result.question.text,
            **result.metrics,
            "relevant": dict(result.question.relevance),
            "found": result.ranking[:10],
            "mode": result.mode,
            "seconds": result.seconds,
        }
        out.write(json.dumps(row, ensure_ascii=False) + "\n")


def _print_report(report: dict[str, Any]) -> None:
    for metric, (low, high) in report["intervals"].items():
        click.echo(f"{metric:<10} {report[metric]:.3f}  (95 %: {low:.3f}–{high:.3f})")
    seconds = report["seconds"]
    indexing = f"{seconds['index']:.1f} s to index, " if "index" in seconds else ""
    click.echo(
        f"{report['queries']} questions ({report['skipped']} skipped), {report['documents']} documents, "
        f"{report['chunks']} chunks; {report['mode']}, {report['embedder']}; "
        f"{indexing}{1000 * seconds['median_search']:.0f} ms a question"
    )
