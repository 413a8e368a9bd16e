"""What was found when a document's text was looked through, kept so that this is done once."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from rag.catalog.database import Database
from rag.languages import Language


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """A document's text: letters and digits, passages longer than a model's window, and its sketch.

    `too_long` was counted for the model whose fingerprint's key is `cut_for`; `garbling` names what is wrong
    with the characters, if anything; `languages` are shares. `version` is that of the method.
    """

    version: int
    cut_for: str
    letters: int
    pictures: int
    too_long: int
    garbling: str | None
    languages: Mapping[Language, float]
    sketch: NDArray[np.uint32]


class Examinations:
    """The examinations in the catalogue; they go with their documents."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, document_id: str, examined: Examined) -> None:
        """Keep one, in place of an earlier one. Nothing happens if the document is gone."""
        findings = asdict(examined)
        sketch = np.ascontiguousarray(findings.pop("sketch"), "<u4").tobytes()
        version, cut_for = findings.pop("version"), findings.pop("cut_for")
        with self._database.transaction() as connection:
            connection.execute(
                "insert or replace into examinations select id, ?, ?, ?, ? from documents where id = ?",
                (version, cut_for, json.dumps(findings), sketch, document_id),
            )

    def of(self, collection_id: str) -> Iterator[tuple[str, Examined]]:
        """Those of a collection's ready documents, each with its document's id, the oldest document first."""
        rows = self._database.connection.execute(
            "select e.* from examinations e join documents d on d.id = e.document_id "
            "where d.collection_id = ? and d.status = 'ready' order by d.added_at, d.rowid",
            (collection_id,),
        )
        for row in rows:
            sketch = np.frombuffer(row["sketch"], "<u4")
            findings = json.loads(row["findings"])
            yield row["document_id"], Examined(row["version"], row["cut_for"], **findings, sketch=sketch)
