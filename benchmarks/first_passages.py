"""How soon a question's passages are there: `python -m benchmarks.first_passages FOLDER QUESTION…`.

Ingests a folder, then times each question end to end in the engine (embedding, both indexes, ranking), the
model loaded, as it is in the running app.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from rag.engine import open_engine
from rag.retrieval import Query
from rag.settings import load_settings


def main() -> None:
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    with tempfile.TemporaryDirectory() as folder, open_engine(load_settings(data_dir=folder)) as engine:
        collection = engine.collection()
        for path in sorted(Path(sys.argv[1]).iterdir()):
            with path.open("rb") as source:
                list(engine.intake.run([engine.intake.add(collection, path.name, source)]))
        chunks = sum(document.chunks for document in engine.catalog.documents.all(collection.id))
        engine.search(collection, Query("warm up"))
        times = []
        for question in sys.argv[2:]:
            started = time.perf_counter()
            engine.search(collection, Query(question))
            times.append(1000 * (time.perf_counter() - started))
    median, worst = statistics.median(times), max(times)
    print(f"{chunks} chunks, {len(times)} questions: median {median:.0f} ms, worst {worst:.0f} ms")


if __name__ == "__main__":
    main()
