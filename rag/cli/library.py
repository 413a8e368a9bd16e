"""rag documents and check: what is in a collection."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from rag.cli.audit import audit
from rag.cli.common import collection_option, json_option, note, one_line, open_engine, print_json, say
from rag.errors import UsageError

if TYPE_CHECKING:
    from rag.documents import Document


@click.group(invoke_without_command=True)
@collection_option
@json_option
@click.pass_context
def documents(context: click.Context, collection: str | None, as_json: bool) -> None:
    """List the documents of a collection, or delete some."""
    context.obj = collection
    if context.invoked_subcommand:
        return
    with open_engine() as engine:
        found = engine.catalog.documents.all(engine.collection(collection).id)
    if as_json:
        print_json({"documents": [_document_row(document) for document in found]})
        return
    for document in found:
        pages = f", {document.pages} pages" if document.pages else ""
        name = one_line(document.name)
        say(f"{document.id}  {document.status:<8}  {name}  ({document.chunks} chunks{pages})")
        for notice in (*document.warnings, *([document.error] if document.error else [])):
            say(f"    {one_line(str(notice))}")
    if not found:
        note("There are no documents yet. Add some with: rag ingest PATH")


@documents.command("delete")
@click.argument("ids", nargs=-1, required=True)
@collection_option
@json_option
@click.pass_obj
def delete_documents(
    from_group: str | None, ids: Sequence[str], collection: str | None, as_json: bool
) -> None:
    """Delete documents by id, and tell what a look for what is left of them found."""
    from dataclasses import asdict

    from rag.ingestion.receipts import receipt_notices

    receipts = []
    with open_engine() as engine:
        found = engine.collection(collection or from_group)
        for document_id in ids:
            if engine.catalog.documents.get(document_id).collection_id != found.id:
                raise UsageError(
                    "Document {id} is not in the collection “{name}”. Nothing was deleted.",
                    id=document_id,
                    name=found.name,
                )
        for document_id in ids:
            receipts.append(engine.delete_document(document_id))
            for notice in receipt_notices(receipts[-1]):
                note(str(notice))
    if as_json:
        print_json({"deleted": [asdict(each) | {"clean": each.clean} for each in receipts]})
    if not all(each.clean for each in receipts):
        raise SystemExit(1)


documents.add_command(audit)


@click.command()
@click.option("--repair", is_flag=True, help="Put right what differs; nothing is embedded again.")
@json_option
def check(repair: bool, as_json: bool) -> None:
    """Compare indexes and originals with the catalogue; exit status 1 if they differ."""
    from dataclasses import asdict

    with open_engine() as engine:
        report = engine.check(repair=repair)
    if as_json:
        print_json({"clean": report.clean, **asdict(report)})
    else:
        for each in report.collections:
            found = "clean" if each.clean else _differences(asdict(each))
            say(f"{one_line(each.collection)}: {each.chunks} chunks, {found}")
        for name in report.missing_originals:
            say(f"{one_line(name)}: the file is gone; its text can still be searched. Add it again.")
        if report.unfinished or report.unused_originals:
            click.echo(
                f"{report.unfinished} documents or records were being added, changed or deleted, "
                f"{report.unused_originals} files are not needed."
            )
    if not report.clean:
        if not repair:
            note("Put it right with: rag check --repair")
        raise SystemExit(1)


def _differences(report: dict[str, Any]) -> str:
    counts = {key.replace("_", " "): count for key, count in report.items() if isinstance(count, int)}
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count and name != "chunks")


def _document_row(document: "Document") -> dict[str, Any]:
    return {
        "id": document.id,
        "name": document.name,
        "status": document.status,
        "pages": document.pages,
        "chunks": document.chunks,
        "bytes": document.bytes,
        "added_at": document.added_at,
        "warnings": [str(warning) for warning in document.warnings],
        "error": str(document.error) if document.error else None,
        "metadata": dict(document.metadata),
    }
