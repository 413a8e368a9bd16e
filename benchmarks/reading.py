"""How long files take to be read, and questions meanwhile: `python -m benchmarks.reading FILE_OR_FOLDER…`.

The samples are searched over and over, first alone, then while a worker process reads the files one after
another, as it does in the running app. Text recognition, where its extra is installed, is part of reading.
"""

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.files import files_of
from rag.engine import Engine, open_engine
from rag.errors import DocumentError
from rag.loaders import Parser
from rag.retrieval import Query
from rag.settings import load_settings

QUIET_SECONDS = 5.0
PAUSE_SECONDS = 0.05
FEWEST = 20  # searches


def read(parser: Parser, paths: list[Path]) -> None:
    """Print what each file took."""
    for path in paths:
        started = time.perf_counter()
        try:
            parsed = parser.parse(path, path.name)
        except DocumentError as error:
            print(f"{'refused':>22}  {path.name}: {error}")
            continue
        seconds = time.perf_counter() - started
        letters = sum(len(section.text) for section in parsed.sections)
        print(f"{seconds:7.2f} s {parsed.pages or 1:4} pages {letters:8} characters  {path.name}", flush=True)


def search_until(engine: Engine, is_over: Callable[[], bool]) -> list[float]:
    """Milliseconds that each search took."""
    collection = engine.collection()
    times: list[float] = []
    while not is_over() or len(times) < FEWEST:
        started = time.perf_counter()
        engine.search(collection, Query(f"How many books may {len(times)} people borrow?"))
        times.append(1000 * (time.perf_counter() - started))
        time.sleep(PAUSE_SECONDS)
    return times


def main() -> None:
    paths = files_of(sys.argv[1:])
    if not paths:
        raise SystemExit(__doc__)
    with (
        tempfile.TemporaryDirectory() as folder,
        open_engine(load_settings(data_dir=folder)) as engine,
        Parser(engine.settings, in_background=True) as parser,
    ):
        engine.intake.add_samples(engine.collection())
        list(engine.intake.run([job.id for job in engine.catalog.jobs.recent(engine.collection().id)]))
        engine.search(engine.collection(), Query("warm up"))
        end = time.perf_counter() + QUIET_SECONDS
        alone = search_until(engine, lambda: time.perf_counter() > end)
        reading = threading.Thread(target=read, args=(parser, paths))
        started = time.perf_counter()
        reading.start()
        meanwhile = search_until(engine, lambda: not reading.is_alive())
        seconds = time.perf_counter() - started
    print(f"{len(paths)} files in {seconds:.1f} s")
    for name, times in (("alone", alone), ("meanwhile", meanwhile)):
        most = statistics.quantiles(times, n=20, method="inclusive")[-1]
        print(
            f"{len(times)} searches {name}: median {statistics.median(times):.0f} ms, 95 % within {most:.0f}"
        )


if __name__ == "__main__":
    main()
