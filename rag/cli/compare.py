"""rag compare: how alike texts are to an embedder, or to several."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from rag.cli.common import json_option, note, open_engine, print_json, tell_where_texts_go
from rag.documents import readable

if TYPE_CHECKING:
    from rag.embedders.base import Vectors
    from rag.likeness import Likeness, Measures, TextsCompared


@click.command()
@click.argument("texts", nargs=-1, metavar="TEXT…")
@click.option("--query", default="", metavar="Q", help="Sort the texts by their similarity to this.")
@click.option(
    "--embedder",
    "embedders",
    multiple=True,
    metavar="ID",
    help="The model, like ollama:bge-m3; repeat it to compare several. Else RAG_EMBEDDER.",
)
@click.option("--file", type=click.File("rb"), metavar="F", help="Read the texts from F, one a line.")
@json_option
def compare(
    texts: tuple[str, ...], query: str, embedders: tuple[str, ...], file: BinaryIO | None, as_json: bool
) -> None:
    """Compare texts with a query and with each other by cosine similarity and Euclidean distance."""
    if texts and file:
        raise click.UsageError("Say either TEXT… or --file F, not both.")
    lines = _lines(file) if file else texts
    with open_engine() as engine:
        chosen = embedders or (engine.settings.embedder,)
        for embedder in dict.fromkeys(chosen):
            tell_where_texts_go(engine, embedder)
        compared = engine.compare_texts(query, lines, chosen)
    if as_json:
        print_json(_as_json(compared))
    else:
        _print(compared)
    if any(each.error for each in compared.likenesses):
        raise SystemExit(1)


def _lines(file: BinaryIO) -> Sequence[str]:
    from rag.loaders.encodings import decode

    return decode(file.read()).text.splitlines()


def _as_json(compared: "TextsCompared") -> dict[str, Any]:
    return {
        "query": compared.query or None,
        "texts": compared.texts,
        "embedders": [_row(each, has_query=bool(compared.query)) for each in compared.likenesses],
    }


def _row(likeness: "Likeness", *, has_query: bool) -> dict[str, Any]:
    found = likeness.measures
    readings = found.readings if found else ()
    of_texts = readings[1:] if has_query else readings
    return {
        "embedder": likeness.embedder,
        "dimension": found.dimension if found else None,
        "window": found.window if found else None,
        "tokens": [reading.tokens for reading in of_texts],
        "cut": [reading.cut for reading in of_texts],
        "query_tokens": readings[0].tokens if readings and has_query else None,
        "query_cut": readings[0].cut if readings and has_query else None,
        "query_cosine": found.query_cosine.tolist() if found else [],
        "query_euclid": found.query_euclid.tolist() if found else [],
        "cosine": found.cosine.tolist() if found else [],
        "euclid": found.euclid.tolist() if found else [],
        "error": str(likeness.error) if likeness.error else None,
    }


def _print(compared: "TextsCompared") -> None:
    for number, likeness in enumerate(compared.likenesses):
        if number:
            click.echo()
        if likeness.measures is None:
            note(f"{likeness.embedder}: {likeness.error}")
            continue
        _print_measures(compared, likeness.embedder, likeness.measures)


def _print_measures(compared: "TextsCompared", embedder: str, found: "Measures") -> None:
    window = f"{found.window:,} tokens at once" if found.window else "window unknown"
    click.echo(f"{embedder}  {found.dimension} dimensions, {window}")
    labels, first = compared.labels, 1 if compared.query else 0
    if compared.query:
        click.echo(readable(f"\ncosine  Euclid  tokens        Q   {compared.query}"))
        order = found.nearest_first
    else:
        click.echo("\ntokens")
        order = list(range(len(compared.texts)))
    for text in order:
        scores = f"{found.query_cosine[text]:6.3f}  {found.query_euclid[text]:6.3f}  " if first else ""
        tokens = f"{found.readings[text + first].tokens:6}"
        click.echo(readable(f"{scores}{tokens}  {labels[text + first]:>7}   {compared.texts[text]}"))
    for label, reading in zip(labels, found.readings, strict=True):
        if reading.cut:
            note(f"{label} is longer than the window. Not read: {reading.cut}")
    _print_matrix("cosine", labels, found.cosine)
    _print_matrix("Euclid", labels, found.euclid)


def _print_matrix(name: str, labels: Sequence[str], matrix: "Vectors") -> None:
    click.echo(f"\n{name:<6}" + "".join(f"{label:>7}" for label in labels))
    for label, row in zip(labels, matrix, strict=True):
        click.echo(f"{label:<6}" + "".join(f"{value:7.3f}" for value in row))
