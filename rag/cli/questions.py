"""rag search and rag ask."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from rag.cli.common import (
    Command,
    collection_option,
    harmless,
    json_option,
    note,
    one_line,
    open_engine,
    print_json,
    say,
)
from rag.cli.why import explain, passage_row

if TYPE_CHECKING:
    from rag.engine import Engine
    from rag.retrieval import Query, SearchResult


def _where(_context: click.Context, _parameter: click.Parameter, text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        where = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"not JSON: {error}") from error
    if not isinstance(where, dict):
        raise click.BadParameter('should be an object, like {"page": {"$lte": 3}}')
    return where or None


def _question_options(command: Command) -> Command:
    options = (
        collection_option,
        click.option("-k", type=click.IntRange(1, 100), help="How many passages."),
        click.option(
            "--mode", type=click.Choice(["dense", "keyword", "hybrid"]), default="hybrid", show_default=True
        ),
        click.option(
            "--where", callback=_where, metavar="JSON", help='Metadata filter, like {"type": "pdf"}.'
        ),
        click.option("--contains", metavar="TEXT", help="Only passages with exactly this text."),
        click.option(
            "--min-similarity", type=click.FloatRange(-1, 1), help="Leave out passages below this cosine."
        ),
        click.option(
            "--diversity",
            type=click.FloatRange(0, 1),
            default=0.0,
            show_default=True,
            help="How much a passage loses by being like one before it.",
        ),
        click.option(
            "--reranker",
            metavar="ID",
            help="What reorders the best passages, like dashscope:qwen3-rerank, or none; else RAG_RERANKER.",
        ),
        json_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.argument("question", required=False, default="")
@click.option(
    "--picture",
    type=click.File("rb"),
    metavar="FILE",
    help="Search for what looks like this picture, in place of a QUESTION.",
)
@click.option(
    "--why", metavar="TEXT", help="Tell why the passage with this text is missing, and what would show it."
)
@_question_options
def search(
    question: str,
    picture: BinaryIO | None,
    why: str | None,
    collection: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Find the passages for QUESTION, or those like a picture.

    Words in double quotes must stand in a passage as they are: rag search 'the "grace period" for fines'.
    """
    if question and picture:
        raise click.UsageError("Say either QUESTION or --picture FILE, not both.")
    if why is not None and picture:
        raise click.UsageError("--why explains a QUESTION, not a picture.")
    with open_engine() as engine:
        data = picture.read() if picture else None
        query = _query(engine, question, picture=data, **options)
        if why is not None:
            explain(engine, engine.collection(collection), query, why, as_json=as_json)
            return
        found = engine.search(engine.collection(collection), query)
    if as_json:
        print_json(_found_json(found))
    else:
        _print_passages(found)


@click.command()
@click.argument("question")
@_question_options
@click.option("--model", metavar="ID", help="The chat model, like ollama:qwen3:8b, or extractive.")
def ask(question: str, collection: str | None, as_json: bool, model: str | None, **options: Any) -> None:
    """Answer QUESTION from the documents, with citations."""
    from rag.answering import Answer
    from rag.retrieval import SearchResult

    with open_engine() as engine:
        query = _query(engine, question, **options)
        for event in engine.ask(engine.collection(collection), query, chat_model=model):
            if isinstance(event, SearchResult):
                found = event
            elif isinstance(event, Answer):
                answer = event
            elif not as_json:
                click.echo(harmless(event), err=True, nl=False)
    if as_json:
        print_json(
            {
                "answer": answer.text,
                "answered": answer.answered,
                "citations": [asdict(citation) for citation in answer.citations],
                "passages": _found_json(found)["passages"],
                "model": answer.model,
                "reranker": found.reranker,
                "seconds": {**found.seconds, **answer.seconds},
                "notices": [str(notice) for notice in (*found.notices, *answer.notices)],
            }
        )
        return
    note("")
    say(answer.text)
    for notice in answer.notices:
        note(str(notice))
    _print_passages(found)


def _query(
    engine: "Engine", question: str, *, k: int | None, min_similarity: float | None, **options: Any
) -> "Query":
    from rag.retrieval import Query

    settings = engine.settings
    least = settings.min_similarity if min_similarity is None else min_similarity
    return Query(question, k=k or settings.top_k, min_similarity=least, **options)


def _found_json(found: "SearchResult") -> dict[str, Any]:
    return {
        "question": found.question,
        "mode": found.mode,
        "reranker": found.reranker,
        "passages": list(map(passage_row, found.passages)),
        "seconds": dict(found.seconds),
        "notices": [str(notice) for notice in found.notices],
    }


def _print_passages(found: "SearchResult") -> None:
    for notice in found.notices:
        note(str(notice))
    if not found.passages:
        note("Nothing was found.")
    for passage in found.passages:
        place = passage.name + (f", page {passage.page_label or passage.page}" if passage.page else "")
        heading = " › ".join(passage.headings)
        cosine = "" if passage.cosine is None else f"  cosine {passage.cosine:.3f}"
        relevance = "" if passage.relevance is None else f"  relevance {passage.relevance:.0%}"
        reranked = "" if passage.rerank_score is None else f"  rerank score {passage.rerank_score:.3f}"
        say(f"\n[{passage.rank}] {one_line(place)}{cosine}{relevance}{reranked}")
        if heading:
            say(f"    {one_line(heading)}")
        say("    " + passage.text.replace("\n", "\n    "))
