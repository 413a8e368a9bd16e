"""Where the records that pass a filter stand, found out once and kept as long as no record comes or goes."""

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.catalog.chunks import Chunks
from rag.catalog.database import Database
from rag.catalog.documents import Documents
from rag.catalog.where import Condition

MOST_KEPT = 4  # filters; a hundred thousand places take 0.8 MB
ORDINAL_BITS = 32

Places = NDArray[np.int64]  # in order: a document's row and, in the lower bits, a chunk's ordinal


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """The places as long as the chunks were of `generation`."""

    generation: int
    places: Places


class RecordPlaces:
    """Reads all records for each new filter, in whichever page it is first asked for."""

    def __init__(self, database: Database, documents: Documents, chunks: Chunks) -> None:
        self._database = database
        self._documents = documents
        self._chunks = chunks
        self._kept: dict[tuple[str, Condition], _Kept] = {}
        self._lock = threading.Lock()

    def of(self, collection_id: str, wanted: Condition) -> Places:
        """The places of the records of a collection that pass."""
        generation, key = self._documents.generation, (collection_id, wanted)
        with self._lock:
            kept = self._kept.pop(key, None)
        if kept is None or kept.generation != generation:
            kept = _Kept(generation, self._read(collection_id, wanted))
        with self._lock:
            self._kept[key] = kept
            for oldest in list(self._kept)[:-MOST_KEPT]:
                del self._kept[oldest]
        return kept.places

    def _read(self, collection_id: str, wanted: Condition) -> Places:
        passes = self._chunks.simplified(collection_id, wanted)
        rows = self._database.connection.execute(
            f"select (d.rowid << {ORDINAL_BITS}) | c.ordinal from documents d "
            "cross join chunks c on c.document_id = d.id "
            f"where d.collection_id = ? and d.status = 'ready' and {passes.sql} "
            "order by d.rowid, c.ordinal",
            (collection_id, *passes.values),
        )
        return np.fromiter((row[0] for row in rows), np.int64)


def place_of(document_row: int, ordinal: int) -> int:
    """One place as a number."""
    return document_row << ORDINAL_BITS | ordinal


def parts_of(place: int) -> tuple[int, int]:
    """A document's row and a chunk's ordinal."""
    return place >> ORDINAL_BITS, place & ((1 << ORDINAL_BITS) - 1)
