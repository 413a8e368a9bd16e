"""rag collections: sets of documents, each with a model and an index of its own."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from rag.cli.common import (
    json_option,
    key_values,
    note,
    one_line,
    open_engine,
    print_json,
    say,
    show_progress,
    tell_where_texts_go,
)

if TYPE_CHECKING:
    from rag.catalog import Collection
    from rag.engine import Engine
    from rag.switching import QuestionCompared


hnsw_option = click.option(
    "--hnsw",
    multiple=True,
    metavar="K=V",
    callback=key_values,
    help="An option of Chroma's index, like space=l2 or ef_search=200; repeat it for several.",
)


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def collections(context: click.Context, as_json: bool) -> None:
    """List the collections, or create, configure, rename, copy, merge, delete or show one."""
    if context.invoked_subcommand:
        return
    with open_engine() as engine:
        rows = [_collection_row(engine, each) for each in engine.catalog.collections.all()]
    if as_json:
        print_json({"collections": rows})
        return
    for row in rows:
        name = one_line(row["name"])
        say(f"{name}  {row['documents']} documents, {row['chunks']} chunks  {row['embedder']}")
    if not rows:
        note("There are no collections yet. The first rag ingest makes one.")


@collections.command()
@click.argument("name")
@click.option("--embedder", metavar="ID", help="The model, like builtin:multilingual-e5-small.")
@hnsw_option
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
@hnsw_option
def configure(name: str, hnsw: dict[str, Any]) -> None:
    """Change options of collection NAME's index, in effect at once: ef_search, sync_threshold …"""
    if not hnsw:
        raise click.UsageError("Say what to change, like --hnsw ef_search=200.")
    with open_engine() as engine:
        engine.workbench.collections.configure(engine.catalog.collections.get(name), hnsw)
    note(f"“{name}” is configured.")


@collections.command()
@click.argument("name")
@click.argument("new_name")
@hnsw_option
def copy(name: str, new_name: str, hnsw: dict[str, Any]) -> None:
    """Copy collection NAME, without embedding anything, into an index with other options if told."""
    with open_engine() as engine:
        engine.workbench.collections.copy(
            engine.catalog.collections.get(name),
            new_name,
            hnsw=hnsw,
            on_progress=lambda done, total: show_progress(f"{done} of {total} documents"),
        )
    note(f"“{new_name}” is a copy of “{name}”.")


@collections.command()
@click.argument("name")
@click.argument("into")
@json_option
def merge(name: str, into: str, as_json: bool) -> None:
    """Copy what collection NAME has into collection INTO of the same model; NAME stays."""
    with open_engine() as engine:
        named = engine.catalog.collections.get
        merged = engine.workbench.collections.merge(
            named(name),
            named(into),
            lambda done, total: show_progress(f"{done} of {total} documents"),
        )
    if as_json:
        print_json(asdict(merged))
    note(f"Copied {merged.documents} documents with {merged.records} records into “{into}”.")
    for present in merged.present:
        note(f"{present}: its content is there already")
    for old, new in merged.renamed.items():
        note(f"{old} is “{new}” there, where its name was taken")


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


@collections.command()
@click.argument("name")
@click.option("--embedder", metavar="ID", help="The other model, like builtin:all-minilm-l6-v2.")
@click.option("--keep-present", is_flag=True, help="Build and compare only; go on searching as before.")
@click.option("--swap", is_flag=True, help="Search in the other index from now on: forth, or back.")
@click.option("--remove", is_flag=True, help="Remove the index that is not searched.")
@json_option
def switch(
    name: str, embedder: str | None, keep_present: bool, swap: bool, remove: bool, as_json: bool
) -> None:
    """Change the model of collection NAME; the present index stays beside the new one until removed."""
    if (embedder is not None) + swap + remove != 1 or (keep_present and not embedder):
        raise click.UsageError("Say one of --embedder ID (with --keep-present or without), --swap, --remove.")
    with open_engine() as engine:
        collection = engine.catalog.collections.get(name)
        switching = engine.switching
        compared: list[QuestionCompared] = []
        if embedder:
            documents = engine.catalog.documents.all(collection.id)
            tell_where_texts_go(engine, embedder, sum(document.tokens for document in documents))
            switching.build(
                collection, embedder, lambda done, total: show_progress(f"{done} of {total} chunks")
            )
            questions = engine.catalog.conversations.questions(collection.id)
            compared = switching.compare(collection, questions)
        if remove:
            switching.remove(collection)
        elif not keep_present:
            switching.swap(collection)
        row = _collection_row(engine, engine.catalog.collections.get(name))
    if as_json:
        print_json({**row, "compared": [asdict(each) for each in compared]})
        return
    for each in compared:
        click.echo(f"{each.shared:4.0%} the same passages: {each.question}")
    note(
        f"“{name}” is searched by {row['embedder']}; beside it: {row['other_embedder'] or 'no other index'}."
    )


@collections.command()
@json_option
def chroma(as_json: bool) -> None:
    """Ask Chroma whether it answers: its version, its heartbeat, its rows a call, its indexes."""
    with open_engine() as engine:
        facts = asdict(engine.workbench.browsing.chroma())
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        click.echo(f"{key}: {value}")


def _collection_row(engine: "Engine", collection: "Collection") -> dict[str, Any]:
    found = engine.catalog.documents.all(collection.id)
    other = engine.catalog.collections.other_index(collection)
    return {
        "name": collection.name,
        "id": collection.id,
        "embedder": collection.fingerprint.id,
        "dimension": collection.fingerprint.dimension,
        "other_embedder": other.fingerprint.id if other else None,
        "hnsw": dict(collection.hnsw),
        "documents": sum(document.status == "ready" for document in found),
        "chunks": sum(document.chunks for document in found),
        "created_at": collection.created_at,
    }
