"""rag collections: sets of documents, each with a model and an index of its own."""

from typing import TYPE_CHECKING, Any

import click

from rag.cli.common import json_option, key_values, note, open_engine, print_json

if TYPE_CHECKING:
    from rag.catalog import Collection
    from rag.engine import Engine


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def collections(context: click.Context, as_json: bool) -> None:
    """List the collections, or create, rename, delete or show one."""
    if context.invoked_subcommand:
        return
    with open_engine() as engine:
        rows = [_collection_row(engine, each) for each in engine.catalog.collections.all()]
    if as_json:
        print_json({"collections": rows})
        return
    for row in rows:
        click.echo(f"{row['name']}  {row['documents']} documents, {row['chunks']} chunks  {row['embedder']}")
    if not rows:
        note("There are no collections yet. The first rag ingest makes one.")


@collections.command()
@click.argument("name")
@click.option("--embedder", metavar="ID", help="The model, like builtin:multilingual-e5-small.")
@click.option(
    "--hnsw", multiple=True, metavar="K=V", callback=key_values, help="An option of Chroma's index."
)
def create(name: str, embedder: str | None, hnsw: dict[str, Any]) -> None:
    """Make a collection NAME."""
    with open_engine() as engine:
        engine.create_collection(name, embedder=embedder, hnsw=hnsw)
    note(f"Created “{name}”.")


@collections.command()
@click.argument("name")
@click.argument("new_name")
def rename(name: str, new_name: str) -> None:
    """Give collection NAME another name."""
    with open_engine() as engine:
        engine.catalog.collections.rename(engine.catalog.collections.get(name), new_name)
    note(f"“{name}” is now “{new_name}”.")


@collections.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(name: str, yes: bool) -> None:
    """Delete collection NAME with all its documents."""
    with open_engine() as engine:
        collection = engine.catalog.collections.get(name)
        if not yes:
            click.confirm(f"Delete “{name}” and all its documents?", abort=True, err=True)
        engine.delete_collection(collection)
    note(f"Deleted “{name}”.")


@collections.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show collection NAME: its model, its index options, its size."""
    with open_engine() as engine:
        row = _collection_row(engine, engine.catalog.collections.get(name))
    if as_json:
        print_json(row)
        return
    for key, value in row.items():
        click.echo(f"{key}: {value}")


def _collection_row(engine: "Engine", collection: "Collection") -> dict[str, Any]:
    found = engine.catalog.documents.all(collection.id)
    return {
        "name": collection.name,
        "id": collection.id,
        "embedder": collection.fingerprint.id,
        "dimension": collection.fingerprint.dimension,
        "hnsw": dict(collection.hnsw),
        "documents": sum(document.status == "ready" for document in found),
        "chunks": sum(document.chunks for document in found),
        "created_at": collection.created_at,
    }
