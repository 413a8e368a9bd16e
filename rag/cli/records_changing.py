"""rag records add, edit, delete, undo, deleted, compact: what changes the records of a collection."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from rag.cli.common import collection_option, json_option, key_values, note, open_engine, print_json

meta_option = click.option(
    "--meta", multiple=True, metavar="K=V", callback=key_values, help="Metadata of the record."
)
vector_option = click.option(
    "--vector", metavar="JSON", help="Its vector, a JSON list of numbers; else its text is embedded."
)


@click.command()
@click.argument("text")
@collection_option
@meta_option
@vector_option
@json_option
def add(text: str, collection: str | None, meta: dict[str, Any], vector: str | None, as_json: bool) -> None:
    """Write a record by hand; those of a collection are in its document “Written by hand”."""
    with open_engine() as engine:
        record_id = engine.workbench.editing.add(
            engine.collection(collection), text, metadata=meta, vector=_numbers(vector)
        )
    _tell(record_id, "Added", as_json)


@click.command()
@click.argument("record_id", metavar="ID")
@collection_option
@click.option("--text", metavar="TEXT", help="Another text, which is embedded.")
@meta_option
@click.option("--remove-meta", multiple=True, metavar="K", help="Take these metadata of its own away.")
@vector_option
@click.option("--embed", is_flag=True, help="Embed its text in place of a vector that was given.")
@json_option
def edit(
    record_id: str,
    collection: str | None,
    text: str | None,
    meta: dict[str, Any],
    remove_meta: Sequence[str],
    vector: str | None,
    embed: bool,
    as_json: bool,
) -> None:
    """Change the text, the metadata or the vector of record ID."""
    if text is None and not (meta or remove_meta or embed) and vector is None:
        raise click.UsageError("Say what to change: --text, --meta, --remove-meta, --vector or --embed.")
    if embed and vector is not None:
        raise click.UsageError("Say either --vector or --embed.")
    with open_engine() as engine:
        found = engine.collection(collection)
        present = engine.workbench.browsing.get(found, [record_id])[0].own_metadata
        kept = {key: value for key, value in present.items() if key not in remove_meta}
        engine.workbench.editing.edit(
            found, record_id, text=text, metadata={**kept, **meta}, vector=_numbers(vector), embed=embed
        )
    _tell(record_id, "Changed", as_json)


@click.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@collection_option
@json_option
def delete(ids: Sequence[str], collection: str | None, as_json: bool) -> None:
    """Delete records; they can be brought back until the collection is compacted."""
    with open_engine() as engine:
        deletion = engine.workbench.editing.delete(engine.collection(collection), ids)
    if as_json:
        print_json(asdict(deletion))
    note(f"Deleted {len(deletion.ids)}. Bring them back with: rag records undo {deletion.number}")


@click.command()
@click.argument("number", type=int, required=False)
@collection_option
@json_option
def undo(number: int | None, collection: str | None, as_json: bool) -> None:
    """Bring back what deletion NUMBER took, or the last one."""
    with open_engine() as engine:
        deletion = engine.workbench.editing.undo(engine.collection(collection), number)
    if as_json:
        print_json(asdict(deletion))
    note(f"Brought back {len(deletion.ids)}.")


@click.command()
@collection_option
@json_option
def deleted(collection: str | None, as_json: bool) -> None:
    """List the deletions that can be undone."""
    with open_engine() as engine:
        found = engine.workbench.editing.deletions(engine.collection(collection))
    if as_json:
        print_json({"deletions": [asdict(each) for each in found]})
        return
    for each in found:
        click.echo(f"{each.number}  {each.deleted_at}  {', '.join(each.ids)}")
    if not found:
        note("There are no deleted records.")


@click.command()
@collection_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def compact(collection: str | None, yes: bool, as_json: bool) -> None:
    """Forget the deleted records for good, and write the index without their room."""
    with open_engine() as engine:
        found = engine.collection(collection)
        count = sum(len(each.ids) for each in engine.workbench.editing.deletions(found))
        if count and not yes:
            click.confirm(f"Forget {count} deleted records for good?", abort=True, err=True)
        purged = engine.workbench.editing.compact(found)
    if as_json:
        print_json({"purged": purged})
    note(f"Forgot {purged} deleted records; the index is written anew.")


CHANGING = (add, edit, delete, undo, deleted, compact)


def _numbers(vector: str | None) -> Sequence[float] | None:
    from rag.workbench.given import parse_vector

    return None if vector is None else parse_vector(vector)


def _tell(record_id: str, done: str, as_json: bool) -> None:
    if as_json:
        print_json({"id": record_id})
    else:
        click.echo(record_id)
        note(f"{done} {record_id}.")
