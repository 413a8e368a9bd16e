"""Connections to the catalogue's file that tell in our words what the disk does to a statement."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rag.errors import StoreError

# A disk that is full, failing or locked, and a damaged file; all else is a mistake of our own.
OF_THE_DISK = frozenset({
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY,
})  # fmt: skip


class Connection(sqlite3.Connection):
    """One thread's connection; `folder` is named where the disk stands in the way."""

    folder = Path()

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """As in sqlite3, but for StoreError."""
        try:
            return super().execute(sql, parameters)
        except sqlite3.DatabaseError as error:
            self._tell(error)
            raise

    def executemany(self, sql: str, rows: Iterable[Any], /) -> sqlite3.Cursor:
        """As in sqlite3, but for StoreError."""
        try:
            return super().executemany(sql, rows)
        except sqlite3.DatabaseError as error:
            self._tell(error)
            raise

    def _tell(self, error: sqlite3.DatabaseError) -> None:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in OF_THE_DISK:  # the rest of it is a detail
            raise unusable(self.folder, error) from error


def unusable(folder: Path, reason: object) -> StoreError:
    """What is said of a data folder that the disk does not let us use."""
    return StoreError(
        "The data folder {folder} cannot be used: {reason}. "
        "Check its permissions and free space, or set RAG_DATA_DIR to another folder.",
        folder=folder,
        reason=reason,
    )
