"""rag evaluate: how well questions find the documents that answer them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import click

from rag.cli.common import collection_option, json_option, note, print_json
from rag.cli.evaluate_report import print_report

_file = click.Path(path_type=Path)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a collection of one's own is to be evaluated, as the options say."""

    collection: str | None
    questions: Path | None
    queries: Path | None
    qrels: Path | None
    generate: int | None
    keep: bool
    embedders: tuple[str, ...]
    modes: tuple[Any, ...]
    sizes: tuple[int, ...]
    rerankers: tuple[str, ...]


@click.command()
@click.option("--corpus", type=_file, metavar="F", help='The documents: {"id", "title", "text"} a line.')
@click.option("--queries", type=_file, metavar="F", help='The questions: {"id", "text"} a line.')
@click.option("--qrels", type=_file, metavar="F", help="The judgements: a table of qid, docid and rel.")
@click.option(
    "--questions",
    type=_file,
    metavar="F",
    help='Questions about a collection you have: {"question", "document"} or {"question", "text"} a line, '
    "or a CSV file with such columns.",
)
@click.option(
    "--generate",
    type=click.IntRange(min=1),
    metavar="N",
    help="Make N questions from the documents, keep them, and ask all that are kept.",
)
@click.option(
    "--keep", is_flag=True, help="Keep the questions of the files with the collection, then ask all."
)
@collection_option
@click.option(
    "--embedder",
    "embedders",
    multiple=True,
    metavar="ID",
    help="The model; else the collection's. Repeat it.",
)
@click.option(
    "--mode",
    "modes",
    type=click.Choice(["dense", "keyword", "hybrid"]),
    multiple=True,
    default=("hybrid",),
    show_default=True,
    help="How to search. Repeat it to compare; the first is what others are compared with.",
)
@click.option(
    "--chunk-tokens",
    "sizes",
    type=click.IntRange(min=32),
    multiple=True,
    metavar="N",
    help="Cut the documents anew, for this alone. Repeat it; 32 at least.",
)
@click.option(
    "--reranker",
    "rerankers",
    multiple=True,
    metavar="ID",
    help="What reorders the best passages, or none; else RAG_RERANKER. Repeat it to compare.",
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
    embedders: tuple[str, ...],
    modes: tuple[Any, ...],
    sizes: tuple[int, ...],
    rerankers: tuple[str, ...],
    per_query: Path | None,
    as_json: bool,
    limit: int | None,
    depth: int,
    **own: Any,
) -> None:
    """Measure how well questions find what answers them.

    On your own documents: the questions that are kept with a collection (-c), or those of --questions, or of
    --queries and --qrels. On a test set, in a collection that is gone afterwards: --corpus, --queries and
    --qrels.
    """
    _check(corpus, queries, qrels, (embedders, modes, rerankers), sizes, own)
    with ExitStack() as stack:
        out = stack.enter_context(_written(per_query)) if per_query else None
        if corpus and queries and qrels:
            from rag.cli.evaluate_test_set import evaluate_test_set

            embedder = embedders[0] if embedders else None
            report, rows, notices = evaluate_test_set(
                corpus,
                queries,
                qrels,
                embedder,
                limit=limit,
                mode=modes[0],
                depth=depth,
                reranker=rerankers[0] if rerankers else None,
            )
        else:
            from rag.cli.evaluate_own import evaluate_own

            wanted = Wanted(
                **own,
                queries=queries,
                qrels=qrels,
                embedders=embedders,
                modes=modes,
                sizes=sizes,
                rerankers=rerankers,
            )
            report, rows, notices = evaluate_own(wanted, limit=limit, depth=depth)
        if out:
            out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if as_json:
        print_json(report)
    else:
        print_report(report)
    for notice, times in notices.items():
        note(f"{times} ×: {notice}")


def _check(
    corpus: Path | None,
    queries: Path | None,
    qrels: Path | None,
    choices: Sequence[Sequence[str]],
    sizes: Sequence[int],
    own: dict[str, Any],
) -> None:
    """Raises click.UsageError for options that do not go together."""
    files = (queries is not None, qrels is not None)
    several = any(len(each) > 1 for each in choices) or sizes
    if len(set(files)) == 2 or (corpus and (not all(files) or any(own.values()) or several)):
        raise click.UsageError(
            "Say --corpus, --queries and --qrels (one --embedder, one --mode, one --reranker), or -c with "
            "--questions, --queries and --qrels, --generate, or alone for what is kept."
        )
    if sum((own["questions"] is not None, any(files), own["generate"] is not None)) > 1:
        raise click.UsageError("Say one of --questions, --generate, and --queries with --qrels.")
    if own["keep"] and not (own["questions"] or any(files)):
        raise click.UsageError("--keep is for the questions of --questions, or of --queries and --qrels.")


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
