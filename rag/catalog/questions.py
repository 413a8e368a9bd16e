"""Questions to evaluate a collection with, what answers them, and the results that were kept."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias, cast

from rag.catalog.database import Database
from rag.catalog.vectors import text_hash

Origin: TypeAlias = Literal["typed", "imported", "generated"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """How well a stretch of a document's text answers a question: `grade` 0 is not at all.

    A document is known by its id, the SHA-256 of its content and its name, so that it is found again after
    it was replaced. `quote` is the text that was judged, None where all of the document was.
    """

    document_id: str
    name: str
    sha256: str
    quote: str | None
    grade: int = 1


@dataclass(frozen=True, slots=True)
class StoredQuestion:
    """A question of a collection's set; `made_by` is the model that generated it, "" for a person."""

    id: str
    text: str
    origin: Origin
    made_by: str
    judgements: tuple[Judgement, ...]

    @property
    def is_judged(self) -> bool:
        """Whether something that answers it is known."""
        return any(judgement.grade > 0 for judgement in self.judgements)


class Questions:
    """The question sets in the catalogue, one a collection; they go with it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        collection_id: str,
        text: str,
        *,
        origin: Origin,
        made_by: str = "",
        judgements: Iterable[Judgement] = (),
    ) -> str:
        """Keep a question with what is known to answer it; its id."""
        identity = secrets.token_hex(8)
        row = (identity, collection_id, text, origin, made_by, _now())
        with self._database.transaction() as connection:
            connection.execute("insert into questions values (?, ?, ?, ?, ?, ?)", row)
            connection.executemany(_JUDGE, [_row(identity, each) for each in judgements])
        return identity

    def all(self, collection_id: str) -> list[StoredQuestion]:
        """The questions of a collection with their judgements, in the order they came."""
        connection = self._database.connection
        judgements: dict[str, list[Judgement]] = {}
        for row in connection.execute(
            "select j.* from judgements j join questions q on q.id = j.question_id where q.collection_id = ?",
            (collection_id,),
        ):
            judged = Judgement(row["document_id"], row["name"], row["sha256"], row["quote"], row["grade"])
            judgements.setdefault(row["question_id"], []).append(judged)
        rows = connection.execute(
            "select * from questions where collection_id = ? order by rowid", (collection_id,)
        )
        return [
            StoredQuestion(
                row["id"],
                row["text"],
                cast(Origin, row["origin"]),
                row["made_by"],
                tuple(judgements.get(row["id"], ())),
            )
            for row in rows
        ]

    def remove(self, question_ids: Sequence[str]) -> None:
        """Forget questions with their judgements."""
        with self._database.transaction() as connection:
            connection.executemany("delete from questions where id = ?", [(each,) for each in question_ids])

    def judge(self, question_id: str, judgement: Judgement, *, replacing: Iterable[Judgement] = ()) -> None:
        """Keep a judgement in place of others. Nothing happens if the question is gone."""
        with self._database.transaction() as connection:
            self._forget(question_id, replacing)
            known = connection.execute("select 1 from questions where id = ?", (question_id,)).fetchone()
            if known:
                connection.execute(_JUDGE, _row(question_id, judgement))

    def unjudge(self, question_id: str, judgements: Iterable[Judgement]) -> None:
        """Forget judgements of a question."""
        with self._database.transaction():
            self._forget(question_id, judgements)

    def save_evaluation(self, collection_id: str, started_at: str, result: str) -> str:
        """Keep a result as JSON with its collection; its id."""
        row = (secrets.token_hex(8), collection_id, started_at, result)
        with self._database.transaction() as connection:
            connection.execute("insert into evaluations values (?, ?, ?, ?)", row)
        return row[0]

    def evaluations(self, collection_id: str, limit: int = 20) -> list[tuple[str, str]]:
        """The last results of a collection, newest first: each its id and its JSON."""
        rows = self._database.connection.execute(
            "select id, result from evaluations where collection_id = ? "
            "order by started_at desc, rowid desc limit ?",
            (collection_id, limit),
        )
        return [(row["id"], row["result"]) for row in rows]

    def remove_evaluation(self, evaluation_id: str) -> None:
        """Forget a result."""
        with self._database.transaction() as connection:
            connection.execute("delete from evaluations where id = ?", (evaluation_id,))

    def _forget(self, question_id: str, judgements: Iterable[Judgement]) -> None:
        self._database.connection.executemany(
            "delete from judgements where question_id = ? and document_id = ? and text_hash = ?",
            [(question_id, each.document_id, text_hash(each.quote or "")) for each in judgements],
        )


_JUDGE = "insert or replace into judgements values (?, ?, ?, ?, ?, ?, ?)"


def _row(question_id: str, judgement: Judgement) -> tuple[object, ...]:
    document_id, name, sha256, quote, grade = astuple(judgement)
    return (question_id, document_id, name, sha256, text_hash(quote or ""), quote, grade)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
