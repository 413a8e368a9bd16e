"""rag ingest, documents and check: what is in a collection."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rag.cli.audit import audit
from rag.cli.common import (
    collection_option,
    json_option,
    key_values,
    note,
    open_engine,
    print_json,
    show_progress,
)
from rag.cli.preflight import chosen_size, preflight_options, show_preflight
from rag.errors import DocumentError, UsageError

if TYPE_CHECKING:
    from rag.catalog import Collection, Job
    from rag.documents import ChunkSize, Document
    from rag.engine import Engine


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@collection_option
@click.option(
    "--meta", multiple=True, metavar="K=V", callback=key_values, help="Metadata to filter by later."
)
@preflight_options
@json_option
def ingest(
    paths: Sequence[Path],
    collection: str | None,
    meta: dict[str, Any],
    preflight: bool,
    chunk_tokens: int | None,
    overlap_tokens: int | None,
    as_json: bool,
) -> None:
    """Add files and folders to a collection; the same file twice changes nothing."""
    started = time.perf_counter()
    with open_engine() as engine:
        found = engine.collection(collection)
        size = chosen_size(engine, found, chunk_tokens, overlap_tokens)
        if preflight:
            show_preflight(engine, found, _all_files(paths), size, as_json=as_json)
            return
        rows = list(_ingest_all(engine, found, paths, meta, size))
    if as_json:
        print_json({"documents": rows, "seconds": time.perf_counter() - started})
    if any(row["status"] == "failed" for row in rows):
        raise SystemExit(1)


def _ingest_all(
    engine: "Engine",
    collection: "Collection",
    paths: Sequence[Path],
    meta: dict[str, Any],
    size: "ChunkSize | None",
) -> Iterator[dict[str, Any]]:
    queued: list[int] = []
    try:
        for name, path in _all_files(paths):
            try:
                queued.append(_add(engine, collection, name, path, meta, size))
            except DocumentError as error:
                yield _ingest_row({"name": name, "status": "failed", "error": str(error)})
                note(f"failed     {name}: {error}")
        started = time.perf_counter()
        for job in engine.run_jobs(queued, _show_progress):
            row = _job_row(engine, job, time.perf_counter() - started)
            started = time.perf_counter()
            note(f"{row['status']:<10} {row['name']}" + (f": {row['error']}" if row["error"] else ""))
            for warning in row["warnings"]:
                note(f"           {warning}")
            yield row
    finally:
        for job_id in queued:
            engine.cancel(job_id)


def _add(
    engine: "Engine",
    collection: "Collection",
    name: str,
    path: Path,
    meta: dict[str, Any],
    size: "ChunkSize | None",
) -> int:
    try:
        if path.exists() and not path.is_file():
            raise DocumentError("{path} is not a file. Copy what it gives to a file first.", path=path)
        with path.open("rb") as source:
            return engine.add_file(collection, name, source, metadata=meta, chunk_size=size)
    except OSError as error:
        raise DocumentError(
            "{path} cannot be opened: {reason}. Check the path and its permissions.",
            path=path,
            reason=error.strerror or error,
        ) from error


def _all_files(paths: Sequence[Path]) -> list[tuple[str, Path]]:
    found = list(_files(paths))
    if not found:
        raise UsageError("There are no files in {paths}.", paths=", ".join(map(str, paths)))
    return found


def _files(paths: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """Every file with the name it gets: inside a folder, its path from there; hidden ones are left out."""
    for path in paths:
        if not path.is_dir():
            yield path.name, path
            continue
        for inside in sorted(path.rglob("*")):
            name = inside.relative_to(path)
            if inside.is_file() and not any(part.startswith(".") for part in name.parts):
                yield name.as_posix(), inside


def _show_progress(job: "Job") -> None:
    left = job.seconds_left(time.time())
    wait = f", about {left:.0f} s left" if left else ""
    show_progress(f"{job.name}: {job.stage} {job.done}/{job.total}{wait}")


def _ingest_row(values: dict[str, Any]) -> dict[str, Any]:
    empty = {"name": "", "id": None, "status": "", "pages": None, "chunks": 0, "tokens": 0}
    return {**empty, "warnings": [], "error": None, "seconds": 0.0, **values}


def _job_row(engine: "Engine", job: "Job", seconds: float) -> dict[str, Any]:
    values: dict[str, Any] = {"name": job.name, "id": job.document_id, "seconds": seconds}
    values["status"] = job.status or "failed"
    values["error"] = str(job.error) if job.error else None
    document = engine.catalog.documents.find(job.document_id or "")
    if document:  # a later file of this name may have taken its place
        values |= {"pages": document.pages, "chunks": document.chunks, "tokens": document.tokens}
        values["warnings"] = [str(warning) for warning in document.warnings]
    return _ingest_row(values)


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
@click.pass_obj
def delete_documents(from_group: str | None, ids: Sequence[str], collection: str | None) -> None:
    """Delete documents by id; nothing of them is left."""
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
            engine.delete_document(document_id)
            note(f"Deleted {document_id}.")


documents.add_command(audit)


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
