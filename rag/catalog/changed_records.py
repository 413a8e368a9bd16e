"""Records that were changed by hand, until both indexes are known to hold what the catalogue says of them."""

import sqlite3
from collections.abc import Iterable, Sequence

from rag.catalog.database import Database


def mark_changed(connection: sqlite3.Connection, collection_id: str, ids: Iterable[str]) -> None:
    """Note, in the transaction that changes them, that the indexes may hold something else of these."""
    connection.executemany(
        "insert or ignore into changed_records (id, collection_id) values (?, ?)",
        [(each, collection_id) for each in ids],
    )


class ChangedRecords:
    """The ids of the records whose rows in the indexes may not be what the catalogue says."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, collection_id: str) -> set[str]:
        """Those of a collection."""
        rows = self._database.connection.execute(
            "select id from changed_records where collection_id = ?", (collection_id,)
        )
        return {row[0] for row in rows}

    def count(self) -> int:
        """How many there are in all collections."""
        return int(self._database.connection.execute("select count(*) from changed_records").fetchone()[0])

    def forget(self, ids: Sequence[str]) -> None:
        """The indexes hold what the catalogue says of these."""
        with self._database.transaction() as connection:
            connection.executemany("delete from changed_records where id = ?", [(each,) for each in ids])
