"""Copies of the catalogue, taken while Passage runs, and what a copy needs beside it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from rag.catalog.database import MIGRATIONS, Database
from rag.errors import StoreError

SCHEMA_VERSION = len(MIGRATIONS)
_NEEDED = """
select sha256 from documents where status <> 'deleting'
union select c.picture from chunks c join documents d on d.id = c.document_id
    where d.status <> 'deleting' and c.picture is not null
union select r.picture from deleted_records r join documents d on d.id = r.document_id
    where d.status <> 'deleting' and r.picture is not null
union select sha256 from jobs where state in ('queued', 'running')
"""


def copy_database(database: Database, path: Path) -> None:
    """Write the catalogue as it is at this moment to a new file; others go on writing meanwhile.

    VACUUM INTO reads one snapshot, and leaves out the pages of what was deleted, which SQLite's backup API
    would copy. Raises StoreError.
    """
    with _mapped(path), closing(sqlite3.connect(database.path, isolation_level=None)) as connection:
        connection.execute("vacuum into ?", (str(path),))


def needed_originals(path: Path) -> frozenset[str]:
    """The digests of the originals and pictures that a copy's documents and waiting jobs need.

    Raises StoreError where it is damaged.
    """
    with _mapped(path), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return frozenset(row[0] for row in connection.execute(_NEEDED))


def bring_up_to_date(path: Path) -> int:
    """Give a copy this version's schema, after a look at the whole file; its documents. Raises StoreError."""
    with _mapped(path), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        found = connection.execute("pragma quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(found)
    Database(path).close()
    with _mapped(path), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return int(connection.execute("select count(*) from documents where status = 'ready'").fetchone()[0])


@contextmanager
def _mapped(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(
            "The copy of the catalogue in {folder} cannot be used: {reason}. Free some space or take another "
            "backup.",
            folder=path.parent,
            reason=error,
        ) from error
