"""Conversations: questions and answers, kept with the passages they rested on."""

import secrets
import sqlite3
import time
from dataclasses import astuple, dataclass

from rag.catalog.database import Database

TITLE_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Conversation:
    """A row of questions to one collection; `updated_at` is in seconds since the epoch."""

    id: str
    collection_id: str
    title: str
    updated_at: float


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A question and its answer; `answer` is the JSON of what was shown, passages included."""

    id: int
    question: str
    answer: str


class Conversations:
    """The conversations in the catalogue."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, collection_id: str, question: str) -> Conversation:
        """Open a conversation titled after its first question."""
        identity = secrets.token_urlsafe(12)
        title = " ".join(question.split())
        if len(title) > TITLE_LENGTH:
            title = title[: TITLE_LENGTH - 1] + "…"
        started = Conversation(identity, collection_id, title, time.time())
        with self._database.transaction() as connection:
            connection.execute("insert into conversations values (?, ?, ?, ?)", astuple(started))
        return started

    def recent(self, limit: int = 50) -> list[Conversation]:
        """The conversations last used, newest first."""
        rows = self._database.connection.execute(
            "select * from conversations order by updated_at desc limit ?", (limit,)
        )
        return [Conversation(**dict(row)) for row in rows]

    def find(self, conversation_id: str) -> Conversation | None:
        """The conversation of this id, or None."""
        row = self._database.connection.execute(
            "select * from conversations where id = ?", (conversation_id,)
        ).fetchone()
        return Conversation(**dict(row)) if row else None

    def delete(self, conversation_id: str) -> None:
        """Forget a conversation."""
        with self._database.transaction() as connection:
            connection.execute("delete from conversations where id = ?", (conversation_id,))

    def add_turn(self, conversation_id: str, question: str, answer: str) -> int:
        """Write a question and the answer so far; the turn's id, for `update_turn`."""
        now = time.time()
        with self._database.transaction() as connection:
            connection.execute("update conversations set updated_at = ? where id = ?", (now, conversation_id))
            cursor = connection.execute(
                "insert into messages (conversation_id, question, answer, updated_at) "
                "values (?, ?, ?, ?) returning id",
                (conversation_id, question, answer, now),
            )
            return int(cursor.fetchone()[0])

    def update_turn(self, turn_id: int, answer: str) -> None:
        """Replace the answer of a turn."""
        with self._database.transaction() as connection:
            connection.execute(
                "update messages set answer = ?, updated_at = ? where id = ?", (answer, time.time(), turn_id)
            )

    def turns(self, conversation_id: str, limit: int = 50) -> list[StoredTurn]:
        """The last turns of a conversation, oldest first."""
        rows: list[sqlite3.Row] = self._database.connection.execute(
            "select id, question, answer from messages where conversation_id = ? order by id desc limit ?",
            (conversation_id, limit),
        ).fetchall()
        return [StoredTurn(**dict(row)) for row in reversed(rows)]

    def questions(self, collection_id: str, limit: int = 50) -> list[str]:
        """What was asked of a collection, the latest first, each question once."""
        rows = self._database.connection.execute(
            "select m.question from messages m join conversations c on c.id = m.conversation_id "
            "where c.collection_id = ? group by m.question order by max(m.id) desc limit ?",
            (collection_id, limit),
        )
        return [row[0] for row in rows]
