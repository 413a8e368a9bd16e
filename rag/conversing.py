"""Conversations: asking within one, and keeping every turn as it was shown."""

import json
import logging
import queue
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace

from rag.answering import EXTRACTIVE, Answer, Citation
from rag.catalog import Conversation
from rag.documents import Notice, Passage
from rag.engine import Engine
from rag.errors import RagError
from rag.retrieval import Query, SearchResult

log = logging.getLogger(__name__)

SAVE_SECONDS = 1.0  # how often a growing answer is saved
HISTORY_TURNS = 3
PASSAGES_FIRST_SECONDS = 1.0  # a model on this machine takes every core: the passages are shown before


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer with all that was shown; the passages' text survives their document.

    `state` is "writing", "done", "stopped" or "failed"; `searched` is the question that was searched where
    it differs from the one asked; `seconds` is how long the whole answer took.
    """

    question: str
    text: str = ""
    state: str = "writing"
    answered: bool = False
    model: str = ""
    searched: str | None = None
    seconds: float = 0.0
    passages: tuple[Passage, ...] = ()
    citations: tuple[Citation, ...] = ()
    notices: tuple[Notice, ...] = ()
    error: Notice | None = None
    id: int = field(default=0, compare=False)

    def to_json(self) -> str:
        """The answer's side of the turn; the question is kept beside it."""
        row = asdict(self)
        del row["question"], row["id"]
        row["notices"] = [notice.to_row() for notice in self.notices]
        row["error"] = self.error.to_row() if self.error else None
        return json.dumps(row, ensure_ascii=False)

    @classmethod
    def from_json(cls, question: str, text: str, turn_id: int) -> "Turn":
        row = json.loads(text)
        row["passages"] = tuple(
            Passage(**{**each, "headings": tuple(each["headings"])}) for each in row["passages"]
        )
        row["citations"] = tuple(Citation(**each) for each in row["citations"])
        row["notices"] = tuple(map(Notice.from_row, row["notices"]))
        row["error"] = Notice.from_row(row["error"]) if row["error"] else None
        return cls(question=question, id=turn_id, **row)


def turns(engine: Engine, conversation_id: str, limit: int = 50) -> list[Turn]:
    """The last turns of a conversation, oldest first."""
    rows = engine.catalog.conversations.turns(conversation_id, limit)
    return [Turn.from_json(row.question, row.answer, row.id) for row in rows]


def converse(
    engine: Engine, conversation: Conversation, query: Query, *, chat_model: str | None = None
) -> Generator[Turn, None, None]:
    """Ask within a conversation: the turn with its passages, then as it grows, then finished.

    It is saved from its first moment on; closing the iterator stops the model and keeps what was written.
    An error ends the turn as "failed" with the reason instead of being raised.
    """
    history = [
        (turn.question, turn.text) for turn in turns(engine, conversation.id, HISTORY_TURNS) if turn.answered
    ]
    turn = Turn(query.question)
    store = engine.catalog.conversations
    turn = replace(turn, id=store.add_turn(conversation.id, query.question, turn.to_json()))
    started = saved = time.perf_counter()
    try:
        collection = engine.collection(conversation.collection_id)
        with closing(engine.ask(collection, query, chat_model=chat_model, history=history)) as events:
            for event in events:
                turn = _after(turn, event)
                now = time.perf_counter()
                turn = replace(turn, seconds=now - started)
                if not isinstance(event, str) or now - saved >= SAVE_SECONDS:
                    store.update_turn(turn.id, turn.to_json())
                    saved = now
                yield turn
    except RagError as error:
        turn = replace(turn, state="failed", error=Notice.of(error))
        yield turn
    except Exception as error:
        log.exception("answering")
        turn = replace(turn, state="failed", error=_unexpected(error))
        yield turn
    finally:
        if turn.state == "writing":
            turn = replace(turn, state="stopped")
        store.update_turn(turn.id, turn.to_json())


def _unexpected(error: Exception) -> Notice:
    return Notice(
        "Something unexpected went wrong: {reason}. Try again; if it happens again, report it.",
        {"reason": f"{type(error).__name__}: {error}"},
    )


class LiveTurn:
    """A turn that is answered in a thread of its own, so that whoever watches can leave at any moment.

    Iterating gives the turn whenever it has grown, and None after `beat` seconds in which it has not.
    """

    def __init__(
        self, engine: Engine, conversation: Conversation, query: Query, *, beat: float = 0.2
    ) -> None:
        self._store = engine.catalog.conversations
        self._turns = converse(engine, conversation, query)
        self._beat = beat
        self._latest: Turn | None = None
        self._grown: queue.SimpleQueue[Turn | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._seen = threading.Event()
        threading.Thread(target=self._run, name="passage-answer", daemon=True).start()

    def __iter__(self) -> Iterator[Turn | None]:
        while True:
            try:
                turn = self._grown.get(timeout=self._beat)
            except queue.Empty:
                yield None
                continue
            if turn is None:
                return
            self._latest = turn
            yield turn
            self._seen.set()

    def stop(self) -> None:
        """Keep what is there and end; the model is let go with its next piece, or its time-out."""
        self._stopped.set()
        if self._latest and self._latest.state == "writing":
            self._store.update_turn(self._latest.id, replace(self._latest, state="stopped").to_json())

    def _run(self) -> None:
        try:
            with closing(self._turns):
                for turn in self._turns:
                    if self._stopped.is_set():
                        break
                    self._grown.put(turn)
                    self._seen.wait(PASSAGES_FIRST_SECONDS)
        finally:
            self._grown.put(None)


def _after(turn: Turn, event: SearchResult | str | Answer) -> Turn:
    if isinstance(event, str):
        return replace(turn, text=turn.text + event)
    if isinstance(event, SearchResult):
        return replace(
            turn,
            passages=event.passages,
            notices=event.notices,
            searched=event.question if event.question != turn.question else None,
        )
    return replace(
        turn,
        text=event.text,
        state="done",
        answered=event.answered,
        model=event.model or EXTRACTIVE,
        citations=event.citations,
        notices=(*turn.notices, *event.notices),
    )
