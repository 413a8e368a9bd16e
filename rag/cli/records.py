"""rag records: the records of a collection, one by one and page by page, and what is near them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from rag.cli.common import collection_option, json_option, note, one_line, open_engine, print_json
from rag.cli.records_changing import CHANGING

if TYPE_CHECKING:
    from rag.workbench import QueryResult, Record

SHOWN = 100  # letters of a text in a line


def _filter(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Any:
    from rag.filters import parsed_where

    return parsed_where(text) if text else None


where_option = click.option(
    "--where", metavar="JSON", callback=_filter, help='A filter in Chroma\'s form, {"year": {"$gt": 2020}}.'
)
contains_option = click.option(
    "--contains", metavar="TEXT", help="Only records whose text holds this, case and all."
)


@click.group()
def records() -> None:
    """See, add, edit, delete and query the records of a collection."""


for command in CHANGING:
    records.add_command(command)


@records.command("list")
@collection_option
@click.option("-n", "most", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@click.option("--after", metavar="ID", help="Those that come after this record.")
@click.option("--before", metavar="ID", help="Those that come before this record.")
@click.option("--last", is_flag=True, help="Those at the end.")
@where_option
@contains_option
@json_option
def list_records(
    collection: str | None,
    most: int,
    after: str | None,
    before: str | None,
    last: bool,
    where: dict[str, Any] | None,
    contains: str | None,
    as_json: bool,
) -> None:
    """List records page by page: the next page comes after the last record of this one."""
    from rag.catalog import RecordFilter

    if bool(after) + bool(before) + last > 1:
        raise click.UsageError("Say one of --after ID, --before ID, --last.")
    with open_engine() as engine:
        page = engine.workbench.browsing.page(
            engine.collection(collection),
            RecordFilter(where, contains),
            after=after,
            before=before,
            from_end=last,
            most=most,
        )
    _show(page.records, as_json, has_before=page.has_before, has_after=page.has_after)
    if page.has_after and not as_json:
        note(f"There are more: --after {page.records[-1].id}")


@records.command()
@collection_option
@click.option("-n", "most", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many.")
@json_option
def peek(collection: str | None, most: int, as_json: bool) -> None:
    """Show the first records."""
    with open_engine() as engine:
        page = engine.workbench.browsing.page(engine.collection(collection), most=most)
    _show(page.records, as_json)


@records.command()
@collection_option
@where_option
@contains_option
@json_option
def count(collection: str | None, where: dict[str, Any] | None, contains: str | None, as_json: bool) -> None:
    """Count the records, all or those that pass a filter."""
    from rag.catalog import RecordFilter

    with open_engine() as engine:
        found = engine.workbench.browsing.count(engine.collection(collection), RecordFilter(where, contains))
    if as_json:
        print_json({"count": found})
    else:
        click.echo(found)


@records.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@collection_option
@click.option("--vector", is_flag=True, help="Their vectors too.")
@json_option
def get(ids: Sequence[str], collection: str | None, vector: bool, as_json: bool) -> None:
    """Show records by their ids."""
    with open_engine() as engine:
        found = engine.collection(collection)
        details = [engine.workbench.browsing.detail(found, each) for each in ids]
    rows = [
        record_row(each.record) | ({"norm": each.norm, "vector": each.vector.tolist()} if vector else {})
        for each in details
    ]
    if as_json:
        print_json({"records": rows})
        return
    for row in rows:
        for key, value in row.items():
            click.echo(f"{key}: {value}")
        click.echo()


@records.command()
@click.argument("text", required=False, default="")
@click.option("--vector", metavar="JSON", help="Look for this vector, a JSON list of numbers.")
@collection_option
@click.option("-n", "most", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many.")
@where_option
@contains_option
@json_option
def query(
    text: str,
    vector: str | None,
    collection: str | None,
    most: int,
    where: dict[str, Any] | None,
    contains: str | None,
    as_json: bool,
) -> None:
    """Find what is nearest to TEXT or to a vector, with the raw distance and the cosine similarity."""
    from rag.workbench import RecordQuery
    from rag.workbench.given import parse_vector

    numbers = parse_vector(vector) if vector is not None else None
    wanted = RecordQuery(text, numbers, most, where, contains)
    with open_engine() as engine:
        found = engine.workbench.browsing.query(engine.collection(collection), wanted)
    _show_hits(found, as_json)


@records.command()
@click.argument("record_id", metavar="ID")
@collection_option
@click.option("-n", "most", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many.")
@json_option
def nearest(record_id: str, collection: str | None, most: int, as_json: bool) -> None:
    """Find the records nearest to one by its vector."""
    with open_engine() as engine:
        found = engine.workbench.browsing.nearest(engine.collection(collection), record_id, n=most)
    _show_hits(found, as_json)


def record_row(record: "Record") -> dict[str, Any]:
    """A record as JSON has it."""
    row = asdict(record)
    row["heading"] = " › ".join(row.pop("headings")) or None
    return row


def _show(found: Sequence["Record"], as_json: bool, **more: bool) -> None:
    if as_json:
        print_json({"records": [record_row(each) for each in found], **more})
        return
    for each in found:
        click.echo(f"{each.id}  {one_line(each.name)}  {_line(each.text)}")
    if not found:
        note("There are no records.")


def _show_hits(found: "QueryResult", as_json: bool) -> None:
    if as_json:
        hits = [
            {"rank": each.rank, "distance": each.distance, "cosine": each.cosine, **record_row(each.record)}
            for each in found.hits
        ]
        print_json({"space": found.space, "exact": found.is_exact, "results": hits})
        return
    if not found.hits:
        note("There are no records.")
        return
    click.echo(f"rank  distance ({found.space})  cosine  record")
    width = len(f"distance ({found.space})")
    for each in found.hits:
        measures = f"{each.rank:4}  {each.distance:{width}.4f}  {each.cosine:6.4f}"
        click.echo(f"{measures}  {each.record.id}  {_line(each.record.text)}")


def _line(text: str) -> str:
    whole = one_line(" ".join(text.split()))
    return whole if len(whole) <= SHOWN else f"{whole[: SHOWN - 1]}…"
