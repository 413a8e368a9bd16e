"""rag backup, restore and export: what Passage holds, kept elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rag.cli.common import json_option, note, open_engine, print_json, show_progress
from rag.errors import UsageError

if TYPE_CHECKING:
    from rag.catalog import Catalog

_file = click.argument("file", type=click.Path(path_type=Path))


@click.command()
@_file
@click.option("--force", is_flag=True, help="Replace FILE if it is there already.")
@json_option
def backup(file: Path, force: bool, as_json: bool) -> None:
    """Write everything in the data folder to FILE, also while the app runs.

    Documents, passages, vectors and conversations are in it; model files and rag.toml with its keys are not.
    """
    from rag.keeping import back_up

    with _catalog() as catalog:
        done = back_up(catalog, file, force=force, on_progress=_show)
    if as_json:
        row = {"file": str(done.path), "bytes": done.bytes, "originals": done.originals}
        print_json({**row, "lost": done.lost})
    note(f"{done.path}: {done.originals} files and all that is known of them, {done.bytes / 1e6:.1f} MB.")
    note("Model files and rag.toml, where keys are kept, are not in it.")
    _tell_lost(done.lost)


@click.command()
@_file
@click.option("--replace", is_flag=True, help="Move what is in the data folder aside first.")
@json_option
def restore(file: Path, replace: bool, as_json: bool) -> None:
    """Fill the data folder from the backup FILE, after verifying all of it; stop the app first."""
    from rag.keeping import restore as restore_from
    from rag.settings import load_settings

    data_dir = load_settings().data_dir
    done = restore_from(data_dir, file, replace=replace, on_progress=_show)
    note("Building the indexes …")
    with open_engine() as engine:
        engine.check(repair=True)
        are_waiting = engine.catalog.jobs.any_waiting()
    aside = str(done.aside) if done.aside else None
    if as_json:
        row = {"folder": str(data_dir), "documents": done.documents, "aside": aside, "lost": done.lost}
        print_json(row)
    note(f"Restored {done.documents} documents to {data_dir}.")
    if aside:
        note(f"What was there before is in {aside}: delete it when you do not need it any more.")
    if are_waiting:
        note(
            "Files were still on their way in when the backup was taken. They are added when the app starts."
        )
    if done.lost:
        note(f"{done.lost} original files had been lost before the backup was taken.")


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("-c", "--collection", metavar="NAME", help="One collection; else all of them.")
@click.option("--force", is_flag=True, help="Replace an earlier export in DIR.")
@json_option
def export(folder: Path, collection: str | None, force: bool, as_json: bool) -> None:
    """Write documents.jsonl, chunks.jsonl and originals/ to the folder DIR, also while the app runs."""
    from rag.keeping import export as export_to

    with _catalog() as catalog:
        chosen = [catalog.collections.get(collection)] if collection else catalog.collections.all()
        done = export_to(catalog, folder, collections=chosen, force=force)
    if as_json:
        row = {"folder": str(done.folder), "documents": done.documents, "chunks": done.chunks}
        print_json({**row, "lost": done.lost})
    note(f"Exported {done.documents} documents and {done.chunks} chunks to {done.folder}.")
    _tell_lost(done.lost)


@contextmanager
def _catalog() -> Iterator["Catalog"]:
    """The catalogue, to be read. Raises UsageError where there is none."""
    from rag.catalog import Catalog
    from rag.settings import load_settings

    data_dir = load_settings().data_dir
    if not (data_dir / "catalog.sqlite3").is_file():
        raise UsageError("There are no documents in {folder} yet. Is RAG_DATA_DIR right?", folder=data_dir)
    catalog = Catalog(data_dir)
    try:
        yield catalog
    finally:
        catalog.close()


def _show(done: int, total: int) -> None:
    show_progress(f"{done} of {total} files")


def _tell_lost(names: tuple[str, ...]) -> None:
    """Say which originals could not be had; exit status 1 if there are any."""
    if names:
        note(f"The original files of these are missing or damaged in the data folder: {', '.join(names)}.")
        note("Their text is there. Add them again if you have them.")
        raise SystemExit(1)
