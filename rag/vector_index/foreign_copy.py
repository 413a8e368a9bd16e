"""A Chroma folder copied: to open one writes to it, and somebody else's must stay as it is."""

import re
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

from rag.errors import StoreError, UsageError

DATABASE = "chroma.sqlite3"
FILES = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-journal")  # what SQLite needs after a crash, too
HEADER = b"SQLite format 3\0"
MOST_BYTES = 20 << 30
ROUNDS = 3
TICK_SECONDS = 0.1  # a file that changes twice in one tick of the system's clock may show one change alone
_SEGMENT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

State: TypeAlias = Mapping[Path, tuple[int, int]]


def chroma_folder(path: Path) -> Path:
    """The folder that holds Chroma's database. Raises UsageError where there is none, StoreError."""
    folder = path
    try:
        folder = path.expanduser().absolute()
        folder = folder.parent if folder.name == DATABASE else folder
        names = sorted(each.name for each in folder.iterdir())
        below = sorted(str(each.parent) for each in folder.glob(f"*/{DATABASE}"))
    except (OSError, ValueError, RuntimeError) as error:  # what is typed may be no path at all
        raise cannot_be_opened(folder, getattr(error, "strerror", None) or error) from error
    if DATABASE in names:
        return folder
    if any(each.startswith("chroma-") and each.endswith(".parquet") for each in names):
        raise UsageError(
            "{folder} was written by Chroma before 0.4, which kept other files. "
            "Bring it up to date with Chroma's own chroma-migrate first.",
            folder=folder,
        )
    if below:
        raise UsageError(
            "{folder} is no Chroma folder: it holds no {file}. There is one in: {below}",
            folder=folder,
            file=DATABASE,
            below=", ".join(below),
        )
    raise UsageError(
        "{folder} is no Chroma folder: it holds no {file}. Check the path.", folder=folder, file=DATABASE
    )


def cannot_be_opened(folder: Path, reason: object) -> UsageError:
    """What is said of a folder that the operating system does not give out."""
    return UsageError(
        "The folder {folder} cannot be opened: {reason}. Check the path and its permissions.",
        folder=folder,
        reason=reason,
    )


def size_of(folder: Path) -> int:
    """The bytes that a copy needs."""
    return sum(size for size, _ in _state(folder).values())


def copy_folder(folder: Path, target: Path) -> None:
    """Copy what Chroma reads to an empty folder, all as it was at one moment. Raises StoreError.

    The files are only read, so that nothing in the folder changes, whoever has it open.
    """
    for _ in range(ROUNDS):
        before = _settled(folder)
        _check_room(folder, sum(size for size, _ in before.values()), target)
        try:
            for path in before:
                copy = target / path.relative_to(folder)
                copy.parent.mkdir(exist_ok=True)
                shutil.copyfile(path, copy)
        except FileNotFoundError:
            pass  # it has just changed: the states differ
        except OSError as error:
            raise StoreError(
                "{folder} cannot be copied to {target}: {reason}. Check the permissions and the free space.",
                folder=folder,
                target=target.parent,
                reason=error.strerror or error,
            ) from error
        if _state(folder) == before and not _is_fresh(before):
            _check_database(target / DATABASE, folder)
            return
        for each in target.iterdir():
            shutil.rmtree(each) if each.is_dir() else each.unlink()
    raise StoreError(
        "{folder} is being written to: it changed while it was copied. Stop the program that uses it, or "
        "open its Chroma server instead.",
        folder=folder,
    )


def remove_vectors(target: Path, names: frozenset[str]) -> None:
    """Take the vector files of these collections out of a copy: without them the texts can be read."""
    query = (
        "select segments.id from segments join collections on collections.id = segments.collection "
        "where segments.scope = 'VECTOR' and collections.name = ?"
    )
    with closing(sqlite3.connect(target / DATABASE)) as connection:
        found = [row[0] for name in names for row in connection.execute(query, (name,))]
    for segment in found:
        shutil.rmtree(target / segment, ignore_errors=True)


def _state(folder: Path) -> State:
    """The files with their sizes in bytes and times of change in nanoseconds."""
    state = {}
    for path in _files(folder):
        try:
            found = path.stat()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise cannot_be_opened(path, error.strerror or error) from error
        state[path] = found.st_size, found.st_mtime_ns
    return state


def _settled(folder: Path) -> State:
    """The files as they are once they have been left alone for a moment, or after that moment."""
    state = _state(folder)
    if not _is_fresh(state):
        return state
    time.sleep(TICK_SECONDS)
    return _state(folder)


def _is_fresh(state: State) -> bool:
    """Whether a file has changed just now."""
    newest = max((changed for _, changed in state.values()), default=0) / 1e9
    return 0 <= time.time() - newest < TICK_SECONDS


def _files(folder: Path) -> Iterator[Path]:
    """The database, and the vector files in the folders that Chroma names by UUIDs; nothing else."""
    yield from (path for name in FILES if (path := folder / name).is_file())
    try:
        for segment in sorted(folder.iterdir()):
            if _SEGMENT.fullmatch(segment.name) and segment.is_dir() and not segment.is_symlink():
                yield from (path for path in sorted(segment.iterdir()) if path.is_file())
    except FileNotFoundError:
        return
    except OSError as error:
        raise cannot_be_opened(folder, error.strerror or error) from error


def _check_room(folder: Path, size: int, target: Path) -> None:
    free = shutil.disk_usage(target).free
    if size > MOST_BYTES:
        raise StoreError(
            "{folder} has {size} MB, and at most {most} MB are copied. Start a Chroma server on it, and open "
            "that: chroma run --path {folder}",
            folder=folder,
            size=size >> 20,
            most=MOST_BYTES >> 20,
        )
    if 2 * size > free:  # the copy grows when Chroma brings it up to date
        raise StoreError(
            "A copy of {folder} needs {needed} MB in {target}, where {free} MB are free. Free some space.",
            folder=folder,
            needed=2 * size >> 20,
            target=target.parent,
            free=free >> 20,
        )


def _check_database(database: Path, folder: Path) -> None:
    """Raises StoreError where the copied database is damaged or not Chroma's."""
    with database.open("rb") as file:
        header = file.read(len(HEADER))
    try:
        with closing(sqlite3.connect(database)) as connection:
            found = {str(row[0]) for row in connection.execute("select name from sqlite_master")}
            whole = header == HEADER and connection.execute("pragma quick_check(1)").fetchone()[0] == "ok"
    except sqlite3.Error:
        whole, found = False, set()
    if not whole:
        raise StoreError(
            "{path} is damaged: SQLite cannot read it. Use a copy of it from before, if there is one.",
            path=folder / DATABASE,
        )
    if not {"collections", "segments", "embeddings", "embedding_metadata"} <= found:
        raise StoreError("{path} is not Chroma's database. Check the path.", path=folder / DATABASE)
