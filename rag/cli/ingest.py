"""rag ingest: files and folders on their way into a collection."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rag.cli.common import (
    collection_option,
    json_option,
    key_values,
    note,
    open_engine,
    print_json,
    show_progress,
    tell_where_texts_go,
)
from rag.cli.folders import Source, Sources, find_sources, find_vanished, names_of, planned_rows
from rag.errors import DocumentError

if TYPE_CHECKING:
    from rag.catalog import Collection, Job
    from rag.engine import Engine


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@collection_option
@click.option(
    "--meta", multiple=True, metavar="K=V", callback=key_values, help="Metadata to filter by later."
)
@click.option("--prune", is_flag=True, help="Remove the documents whose files have vanished from a folder.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@click.option(
    "--password",
    "passwords",
    multiple=True,
    metavar="PW",
    help="Tried on files that need one; may be given several times.",
)
@json_option
def ingest(
    paths: Sequence[Path],
    collection: str | None,
    meta: dict[str, Any],
    passwords: Sequence[str],
    prune: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Add files and folders to a collection; the same file twice changes nothing.

    Of a folder, what is new is added, what has changed replaces its earlier version, and what has vanished is
    told.
    """
    started = time.perf_counter()
    sources = find_sources(paths, prune=prune)
    with open_engine() as engine:
        engine.try_passwords(passwords)
        if dry_run:
            listed = _plan(engine, collection, sources, meta)
        else:
            listed = _carry_out(engine, collection, sources, meta, prune=prune)
    for name in listed["vanished"]:
        note(f"{'removed' if name in listed['removed'] else 'vanished':<10} {name}")
    if listed["vanished"] and not prune:
        note("What has vanished from its folder is still in the library. To remove it, add --prune.")
    if as_json:
        print_json({**listed, "seconds": time.perf_counter() - started})
    if any(row["status"] == "failed" for row in listed["documents"]):
        raise SystemExit(1)


def _plan(engine: "Engine", collection: str | None, sources: Sources, meta: dict[str, Any]) -> dict[str, Any]:
    """What would be done, found out without changing anything."""
    from rag.catalog import DEFAULT_NAME

    found = engine.catalog.collections.find(collection or DEFAULT_NAME)
    if found is None and collection not in (None, DEFAULT_NAME):
        engine.catalog.collections.get(str(collection))
    rows = [_told(_ingest_row(row)) for row in planned_rows(engine, found, sources, meta)]
    gone = find_vanished(engine.catalog, found, sources)
    return {"documents": rows, "vanished": names_of(gone), "removed": []}


def _carry_out(
    engine: "Engine", collection: str | None, sources: Sources, meta: dict[str, Any], *, prune: bool
) -> dict[str, Any]:
    from rag.ingestion.receipts import receipt_notices

    found = engine.collection(collection)
    tell_where_texts_go(engine, found.fingerprint.id)
    rows = list(_ingest_all(engine, found, sources, meta))
    gone = find_vanished(engine.catalog, found, sources)
    if prune:
        for document in gone:
            receipt = engine.delete_document(document.id)
            if not receipt.clean:
                note("\n".join(map(str, receipt_notices(receipt))))
    return {"documents": rows, "vanished": names_of(gone), "removed": names_of(gone) if prune else []}


def _ingest_all(
    engine: "Engine", collection: "Collection", sources: Sources, meta: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    queued: list[int] = []
    try:
        for name, error in sources.unreadable():
            yield _told(_ingest_row({"name": name, "status": "failed", "error": str(error)}))
        for source in sources.files:
            try:
                queued.append(_add(engine, collection, source, meta))
            except DocumentError as error:
                yield _told(_ingest_row({"name": source[0], "status": "failed", "error": str(error)}))
        started = time.perf_counter()
        for job in engine.run_jobs(queued, _show_progress):
            row = _job_row(engine, job, time.perf_counter() - started)
            started = time.perf_counter()
            yield _told(row)
    finally:
        for job_id in queued:
            engine.cancel(job_id)


def _add(
    engine: "Engine",
    collection: "Collection",
    source: Source,
    meta: dict[str, Any],
) -> int:
    from rag.ingestion.folders import cannot_be_opened

    name, path, folder = source
    try:
        if path.exists() and not path.is_file():
            raise DocumentError("{path} is not a file. Copy what it gives to a file first.", path=path)
        with path.open("rb") as content:
            return engine.add_file(collection, name, content, metadata=meta, folder=folder)
    except OSError as error:
        raise cannot_be_opened(path, error.strerror or error) from error


def _show_progress(job: "Job") -> None:
    left = job.seconds_left(time.time())
    wait = f", about {left:.0f} s left" if left else ""
    show_progress(f"{job.name}: {job.stage} {job.done}/{job.total}{wait}")


def _ingest_row(values: dict[str, Any]) -> dict[str, Any]:
    empty = {"name": "", "id": None, "status": "", "pages": None, "chunks": 0, "tokens": 0}
    return {**empty, "warnings": [], "error": None, "seconds": 0.0, **values}


def _told(row: dict[str, Any]) -> dict[str, Any]:
    note(f"{row['status']:<10} {row['name']}" + (f": {row['error']}" if row["error"] else ""))
    for warning in row["warnings"]:
        note(f"           {warning}")
    return row


def _job_row(engine: "Engine", job: "Job", seconds: float) -> dict[str, Any]:
    values: dict[str, Any] = {"name": job.name, "id": job.document_id, "seconds": seconds}
    values["status"] = job.status or "failed"
    values["error"] = str(job.error) if job.error else None
    document = engine.catalog.documents.find(job.document_id or "")
    if document:  # a later file of this name may have taken its place
        values |= {"pages": document.pages, "chunks": document.chunks, "tokens": document.tokens}
        values["warnings"] = [str(warning) for warning in document.warnings]
    return _ingest_row(values)
