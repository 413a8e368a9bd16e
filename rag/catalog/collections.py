"""Collections: a name, the model it belongs to, and the index that holds its vectors."""

import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from rag.catalog.database import Database
from rag.documents import Fingerprint
from rag.errors import UsageError

DEFAULT_NAME = "default"


@dataclass(frozen=True, slots=True)
class Collection:
    """A set of documents embedded by one model; `hnsw` holds the index options that were chosen."""

    id: str
    name: str
    fingerprint: Fingerprint
    hnsw: Mapping[str, str | int | float]
    index_name: str
    created_at: str


class Collections:
    """The collections in the catalogue."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, name: str, fingerprint: Fingerprint, *, hnsw: Mapping[str, str | int | float] | None = None
    ) -> Collection:
        """Add a collection. Raises UsageError if the name is empty or taken."""
        name = _checked(name)
        identity = secrets.token_hex(8)
        row = (
            identity,
            name,
            fingerprint.to_json(),
            json.dumps(hnsw or {}),
            f"passage-{identity}-1",
            datetime.now(UTC).isoformat(timespec="seconds"),
        )
        with _unique(name), self._database.transaction() as connection:
            connection.execute("insert into collections values (?, ?, ?, ?, ?, ?)", row)
        return self.get(name)

    def all(self) -> list[Collection]:
        """Every collection, by name."""
        rows = self._database.connection.execute("select * from collections order by name")
        return [_collection(row) for row in rows]

    def find(self, name: str) -> Collection | None:
        """The collection of this name or id, or None."""
        row = self._database.connection.execute(
            "select * from collections where name = ?1 or id = ?1", (name,)
        ).fetchone()
        return _collection(row) if row else None

    def get(self, name: str) -> Collection:
        """The collection of this name or id. Raises UsageError if there is none."""
        if collection := self.find(name):
            return collection
        names = ", ".join(each.name for each in self.all()) or "–"
        raise UsageError(
            "There is no collection named “{name}”. There are: {names}. "
            "Create one with: rag collections create NAME",
            name=name,
            names=names,
        )

    def rename(self, collection: Collection, name: str) -> None:
        """Give a collection another name. Raises UsageError if the name is empty or taken."""
        name = _checked(name)
        with _unique(name), self._database.transaction() as connection:
            connection.execute("update collections set name = ? where id = ?", (name, collection.id))

    def delete(self, collection: Collection) -> None:
        """Remove a collection whose documents are gone, with its jobs and conversations."""
        with self._database.transaction() as connection:
            connection.execute("delete from collections where id = ?", (collection.id,))


def _checked(name: str) -> str:
    name = name.strip()
    if not name or len(name) > 200:
        raise UsageError("A collection's name has between 1 and 200 characters.")
    return name


@contextmanager
def _unique(name: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise UsageError(
            "There is a collection named “{name}” already. Choose another name.", name=name
        ) from error


def _collection(row: sqlite3.Row) -> Collection:
    return Collection(
        id=row["id"],
        name=row["name"],
        fingerprint=Fingerprint.from_json(row["fingerprint"]),
        hnsw=json.loads(row["hnsw"]),
        index_name=row["index_name"],
        created_at=row["created_at"],
    )
