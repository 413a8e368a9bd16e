"""rag documents and check: what is in a collection."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from rag.cli.common import collection_option, json_option, note, open_engine, print_json
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
        click.echo(f"{document.id}  {document.status:<8}  {document.name}  ({document.chunks} chunks{pages})")
        for notice in (*document.warnings, *([document.error] if document.error else [])):
            click.echo(f"    {notice}")
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


@click.command()
@collection_option
@click.option("--repair", is_flag=True, help="Rebuild an index that differs; nothing is embedded again.")
@json_option
def check(collection: str | None, repair: bool, as_json: bool) -> None:
    """Compare the indexes with the catalogue; exit status 1 if they differ."""
    from dataclasses import asdict

    with open_engine() as engine:
        chosen = [engine.collection(collection)] if collection else engine.catalog.collections.all()
        reports = [engine.check(each, repair=repair) for each in chosen]
    clean = all(report.clean for report in reports)
    if as_json:
        print_json({"clean": clean, "collections": [asdict(report) for report in reports]})
    else:
        for report in reports:
            click.echo(f"{report.collection}: {report.chunks} chunks, {'clean' if report.clean else report}")
    if not clean:
        raise SystemExit(1)


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
