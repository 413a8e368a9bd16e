"""Collections: a name, the model it belongs to, and the index that holds its vectors."""

import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rag.catalog.database import Database
from rag.documents import Fingerprint
from rag.errors import UsageError

DEFAULT_NAME = "default"

Vector: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Collection:
    """A set of documents embedded by one model; `hnsw` holds the index options that were chosen."""

    id: str
    name: str
    fingerprint: Fingerprint
    hnsw: Mapping[str, str | int | float]
    index_name: str
    created_at: str


@dataclass(frozen=True, slots=True)
class OtherIndex:
    """A second index of a collection, by another model: being built, or the one used before."""

    fingerprint: Fingerprint
    index_name: str
    is_complete: bool

    def of(self, collection: Collection) -> Collection:
        """The collection as it would be with this index."""
        return replace(collection, fingerprint=self.fingerprint, index_name=self.index_name)


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

    def set_hnsw(self, collection: Collection, hnsw: Mapping[str, str | int | float]) -> Collection:
        """Choose other options for a collection's indexes."""
        with self._database.transaction() as connection:
            connection.execute(
                "update collections set hnsw = ? where id = ?", (json.dumps(dict(hnsw)), collection.id)
            )
        return self.get(collection.id)

    def new_index_name(self, collection: Collection) -> str:
        """A name that no index of the collection had before."""
        return f"passage-{collection.id}-{secrets.token_hex(4)}"

    def index_names(self) -> set[str]:
        """The names of all indexes, second ones too."""
        rows = self._database.connection.execute(
            "select index_name from collections union select index_name from other_indexes"
        )
        return {row[0] for row in rows}

    def replace_index(self, index_name: str, new_name: str) -> bool:
        """Search in another index, of the same model, in place of this one; whether there was this one."""
        with self._database.transaction() as connection:
            connection.execute("delete from deleted_rows where index_name = ?", (index_name,))
            replaced = [
                connection.execute(
                    f"update {table} set index_name = ? where index_name = ?", (new_name, index_name)
                ).rowcount
                for table in ("collections", "other_indexes")
            ]
        return any(replaced)

    def add_deleted_rows(self, index_name: str, rows: int) -> None:
        """Note that rows were taken out of an index, which does not shrink by that."""
        with self._database.transaction() as connection:
            connection.execute(
                "insert into deleted_rows values (?1, ?2) on conflict do update set rows = rows + ?2",
                (index_name, rows),
            )

    def deleted_rows(self, index_name: str) -> int:
        """How many rows were taken out of an index since it was built."""
        row = self._database.connection.execute(
            "select rows from deleted_rows where index_name = ?", (index_name,)
        ).fetchone()
        return int(row[0]) if row else 0

    def other_index(self, collection: Collection) -> OtherIndex | None:
        """The collection's second index, if it has one."""
        row = self._database.connection.execute(
            "select * from other_indexes where collection_id = ?", (collection.id,)
        ).fetchone()
        if row is None:
            return None
        fingerprint = Fingerprint.from_json(row["fingerprint"])
        return OtherIndex(fingerprint, row["index_name"], bool(row["complete"]))

    def add_other_index(self, collection: Collection, fingerprint: Fingerprint) -> OtherIndex:
        """Begin a second index; the collection must have none yet."""
        index_name = self.new_index_name(collection)
        with self._database.transaction() as connection:
            connection.execute(
                "insert into other_indexes values (?, ?, ?, 0)",
                (collection.id, fingerprint.to_json(), index_name),
            )
        return OtherIndex(fingerprint, index_name, False)

    def complete_other_index(self, collection: Collection, *, is_complete: bool = True) -> None:
        """Note whether the second index holds everything."""
        with self._database.transaction() as connection:
            connection.execute(
                "update other_indexes set complete = ? where collection_id = ?", (is_complete, collection.id)
            )

    def swap_indexes(self, collection: Collection, other: OtherIndex) -> None:
        """Make the second index the one that is searched, and the present one the second."""
        with self._database.transaction() as connection:
            connection.execute(
                "update collections set fingerprint = ?, index_name = ? where id = ?",
                (other.fingerprint.to_json(), other.index_name, collection.id),
            )
            connection.execute(
                "update other_indexes set fingerprint = ?, index_name = ? where collection_id = ?",
                (collection.fingerprint.to_json(), collection.index_name, collection.id),
            )

    def remove_other_index(self, collection: Collection) -> None:
        """Forget the second index, with the vectors that no index uses any more."""
        with self._database.transaction() as connection:
            connection.execute("delete from other_indexes where collection_id = ?", (collection.id,))
            used = connection.execute(
                "select fingerprint from collections union select fingerprint from other_indexes"
            ).fetchall()
            keys = [Fingerprint.from_json(row[0]).key for row in used]
            marks = ",".join("?" * len(keys))
            connection.execute(f"delete from vectors where fingerprint not in ({marks})", keys)

    def canaries(self) -> list[tuple[Fingerprint, Vector]]:
        """The models that were used, each with the vector it gave the canary text."""
        rows = self._database.connection.execute("select fingerprint, vector from canaries")
        return [(Fingerprint.from_json(row[0]), np.frombuffer(row[1], "<f4")) for row in rows]

    def add_canary(self, fingerprint: Fingerprint, vector: Vector) -> None:
        """Keep what a model gave the canary text."""
        with self._database.transaction() as connection:
            connection.execute(
                "insert or ignore into canaries values (?, ?)",
                (fingerprint.to_json(), np.ascontiguousarray(vector, "<f4").tobytes()),
            )

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
