"""rag ingest: files and folders on their way into a collection."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rag.cli.common import (
    collection_option,
    json_option,
    key_values,
    note,
    one_line,
    open_engine,
    print_json,
    show_progress,
    tell_where_texts_go,
)
from rag.cli.folders import Source, Sources, find_sources, find_vanished, names_of, planned_rows
from rag.cli.preflight import chosen_size, preflight_options, show_preflight
from rag.errors import DocumentError

if TYPE_CHECKING:
    from rag.catalog import Collection, Job
    from rag.documents import ChunkSize
    from rag.engine import Engine


@dataclass(frozen=True)
class How:
    """What files are added with: metadata, and the size of their chunks unless that is as usual."""

    metadata: dict[str, Any]
    chunk_size: "ChunkSize | None"


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
@preflight_options
@json_option
def ingest(
    paths: Sequence[Path],
    collection: str | None,
    meta: dict[str, Any],
    passwords: Sequence[str],
    prune: bool,
    dry_run: bool,
    preflight: bool,
    chunk_tokens: int | None,
    overlap_tokens: int | None,
    as_json: bool,
) -> None:
    """Add files and folders to a collection; the same file twice changes nothing.

    Of a folder, what is new is added, what has changed replaces its earlier version, and what has vanished is
    told. Links that lead out of a folder are not followed.
    """
    started = time.perf_counter()
    sources = find_sources(paths, prune=prune)
    for each in sources.skipped():
        note(one_line(f"{'skipped':<10} {each['name']}: {each['reason']}"))
    with open_engine() as engine:
        engine.intake.try_passwords(passwords)
        found = _planned(engine, collection) if dry_run else engine.collection(collection)
        size = chosen_size(engine, found, chunk_tokens, overlap_tokens) if found else None
        if preflight and found:
            files = [(name, path) for name, path, _ in sources.files]
            show_preflight(engine, found, files, size, as_json=as_json)
            return
        if dry_run or found is None:
            listed = _plan(engine, found, sources, How(meta, size))
        else:
            listed = _carry_out(engine, found, sources, How(meta, size), prune=prune)
    for name in listed["vanished"]:
        note(f"{'removed' if name in listed['removed'] else 'vanished':<10} {one_line(name)}")
    if listed["vanished"] and not prune:
        note("What has vanished from its folder is still in the library. To remove it, add --prune.")
    if as_json:
        print_json({**listed, "skipped": sources.skipped(), "seconds": time.perf_counter() - started})
    if any(row["status"] == "failed" for row in listed["documents"]):
        raise SystemExit(1)


def _planned(engine: "Engine", name: str | None) -> "Collection | None":
    """The collection, not made if there is none yet. Raises UsageError."""
    from rag.catalog import DEFAULT_NAME

    found = engine.catalog.collections.find(name or DEFAULT_NAME)
    return found if found or name in (None, DEFAULT_NAME) else engine.catalog.collections.get(str(name))


def _plan(engine: "Engine", collection: "Collection | None", sources: Sources, how: How) -> dict[str, Any]:
    """What would be done, found out without changing anything."""
    planned = planned_rows(engine, collection, sources, how.metadata, how.chunk_size)
    rows = [_told(_ingest_row(row)) for row in planned]
    gone = find_vanished(engine.catalog, collection, sources)
    return {"documents": rows, "vanished": names_of(gone), "removed": []}


def _carry_out(
    engine: "Engine", collection: "Collection", sources: Sources, how: How, *, prune: bool
) -> dict[str, Any]:
    from rag.ingestion.receipts import receipt_notices

    tell_where_texts_go(engine, collection.fingerprint.id)
    places = {name: place for place, (name, _, _) in enumerate(sources.files)}
    rows = sorted(_ingest_all(engine, collection, sources, how), key=lambda row: places.get(row["name"], -1))
    gone = find_vanished(engine.catalog, collection, sources)
    if prune:
        for document in gone:
            receipt = engine.delete_document(document.id)
            if not receipt.clean:
                note("\n".join(map(str, receipt_notices(receipt))))
    return {"documents": rows, "vanished": names_of(gone), "removed": names_of(gone) if prune else []}


def _ingest_all(
    engine: "Engine", collection: "Collection", sources: Sources, how: How
) -> Iterator[dict[str, Any]]:
    queued: list[int] = []
    try:
        for name, error in sources.unreadable():
            yield _told(_ingest_row({"name": name, "status": "failed", "error": str(error)}))
        for source in sources.files:
            try:
                queued.append(_add(engine, collection, source, how))
            except DocumentError as error:
                yield _told(_ingest_row({"name": source[0], "status": "failed", "error": str(error)}))
        started = time.perf_counter()
        for job in engine.intake.run(queued, _show_progress):
            row = _job_row(engine, job, time.perf_counter() - started)
            started = time.perf_counter()
            yield _told(row)
    finally:
        for job_id in queued:
            engine.intake.cancel(job_id)


def _add(
    engine: "Engine",
    collection: "Collection",
    source: Source,
    how: How,
) -> int:
    from rag.ingestion.folders import cannot_be_opened

    name, path, folder = source
    try:
        if path.exists() and not path.is_file():
            raise DocumentError("{path} is not a file. Copy what it gives to a file first.", path=path)
        with path.open("rb") as content:
            return engine.intake.add(
                collection,
                name,
                content,
                metadata=how.metadata,
                folder=folder,
                chunk_size=how.chunk_size,
            )
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
    error = f": {row['error']}" if row["error"] else ""
    note(one_line(f"{row['status']:<10} {row['name']}{error}"))
    for warning in row["warnings"]:
        note(one_line(f"           {warning}"))
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
