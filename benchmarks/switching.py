"""A model changed and changed back, asked all along: `python -m benchmarks.switching CORPUS.jsonl`.

CORPUS has one {"title", "text"} a line; its first MOST texts become the collection. Told are the seconds of
building and of both swaps, the questions that were answered meanwhile with their slowest, and whether every
answer after the way back is exactly the one before.
"""

import io
import json
import sys
import tempfile
import threading
import time
from pathlib import Path

from rag.catalog import Collection
from rag.engine import Engine, open_engine
from rag.retrieval import Query
from rag.settings import load_settings

MOST = 5000
PER_FILE = 250
QUESTIONS = 50
OTHER = "builtin:all-minilm-l6-v2"


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    rows = [json.loads(line) for line in Path(sys.argv[1]).read_text("utf-8").splitlines()[:MOST]]
    questions = [row["title"] or row["text"][:80] for row in rows[:: max(1, len(rows) // QUESTIONS)]]
    with tempfile.TemporaryDirectory() as folder, open_engine(load_settings(data_dir=folder)) as engine:
        fill(engine, rows)
        collection = engine.collection()
        chunks = sum(document.chunks for document in engine.catalog.documents.all(collection.id))
        before = answers(engine, questions)
        asking = Asking(engine, questions)
        asking.start()
        times = []
        for step in (
            lambda: engine.switching.build(engine.collection(), OTHER),
            lambda: engine.switching.swap(engine.collection()),
            lambda: engine.switching.swap(engine.collection()),
        ):
            started = time.perf_counter()
            step()
            times.append(time.perf_counter() - started)
        asking.stop()
        same = answers(engine, questions) == before
    print(f"{chunks} chunks, {collection.fingerprint.id} to {OTHER} and back")
    print("build {:.1f} s, swap {:.2f} s, swap back {:.2f} s".format(*times))
    print(f"{len(asking.seconds)} questions answered meanwhile, the slowest in {max(asking.seconds):.2f} s")
    print(f"after the way back every answer is {'exactly the same' if same else 'NOT THE SAME'}")


def fill(engine: Engine, rows: list[dict[str, str]]) -> None:
    """Files of PER_FILE texts each."""
    jobs = []
    for start in range(0, len(rows), PER_FILE):
        part = rows[start : start + PER_FILE]
        text = "".join(
            f"## {row['title'] or start + place}\n\n{row['text']}\n\n" for place, row in enumerate(part)
        )
        jobs.append(engine.intake.add(engine.collection(), f"{start}.md", io.BytesIO(text.encode())))
    if any(job.state != "done" for job in engine.intake.run(jobs)):
        raise SystemExit("a file could not be added")


def answers(engine: Engine, questions: list[str]) -> list[list[tuple[str, float]]]:
    """The passages of every question, with their scores."""
    collection: Collection = engine.collection()
    return [
        [(passage.chunk_id, passage.score) for passage in engine.search(collection, Query(question)).passages]
        for question in questions
    ]


class Asking(threading.Thread):
    """Asks one question after the other until it is stopped; `seconds` are those of each."""

    def __init__(self, engine: Engine, questions: list[str]) -> None:
        super().__init__(name="asking")
        self._engine = engine
        self._questions = questions
        self._stopped = threading.Event()
        self.seconds: list[float] = []

    def run(self) -> None:
        while not self._stopped.is_set():
            for question in self._questions:
                started = time.perf_counter()
                found = self._engine.search(self._engine.collection(), Query(question))
                self.seconds.append(time.perf_counter() - started)
                if not found.passages:
                    raise SystemExit(f"nothing was found for {question!r}")
                if self._stopped.is_set():
                    return

    def stop(self) -> None:
        self._stopped.set()
        self.join()


if __name__ == "__main__":
    main()
