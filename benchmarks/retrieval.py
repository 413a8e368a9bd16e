"""Retrieval in its three modes: `python -m benchmarks.retrieval [--embedder ID] CORPUS QUERIES QRELS …`.

Three files make a set, in the forms that `rag evaluate` reads; more sets may follow. Every corpus is indexed
once. Told are the metrics with their 95 % intervals, and how far hybrid is ahead of the other two, question
by question: an interval that holds 0 means that the difference may be chance.
"""

import argparse
import itertools
import statistics
from pathlib import Path
from typing import get_args

from rag.evaluation import (
    METRICS,
    bootstrap_interval,
    evaluate,
    index_corpus,
    read_corpus,
    read_judged_queries,
)
from rag.retrieval import Mode
from rag.settings import load_settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="CORPUS QUERIES QRELS")
    parser.add_argument("--embedder", metavar="ID", help="the model; else RAG_EMBEDDER")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N questions of a set")
    chosen = parser.parse_args()
    if len(chosen.files) % 3:
        parser.error("three files make a set: CORPUS QUERIES QRELS")
    sets = [tuple(chosen.files[at : at + 3]) for at in range(0, len(chosen.files), 3)]
    for corpus, same in itertools.groupby(sorted(sets), key=lambda files: files[0]):
        with index_corpus(load_settings(), read_corpus(corpus), embedder=chosen.embedder) as index:
            print(
                f"\n{corpus}: {index.documents} documents, {index.chunks} chunks, indexed in "
                f"{index.seconds:.1f} s by {index.embedder}"
            )
            for _, queries, qrels in same:
                questions = read_judged_queries(queries, qrels).first(chosen.limit)
                found = {mode: evaluate(index.search, questions, mode=mode) for mode in get_args(Mode)}
                print(f"\n{queries}: {len(questions.questions)} questions, {questions.skipped} skipped")
                for mode, evaluation in found.items():
                    median = statistics.median(result.seconds for result in evaluation.results)
                    figures = (_figure(metric, evaluation.values(metric)) for metric in METRICS)
                    print(f"{mode:<8} {'  '.join(figures)}  {1000 * median:.0f} ms a question")
                    for notice, times in evaluation.notices.items():
                        print(f"         {times} × {notice}")
                hybrid = found["hybrid"].values("ndcg@10")
                for mode in ("dense", "keyword"):
                    pairs = zip(hybrid, found[mode].values("ndcg@10"), strict=True)
                    print(f"hybrid − {mode:<8} {_figure('ndcg@10', [one - other for one, other in pairs])}")


def _figure(metric: str, values: list[float]) -> str:
    low, high = bootstrap_interval(values)
    return f"{metric} {statistics.fmean(values):.3f} ({low:.3f}–{high:.3f})"


if __name__ == "__main__":
    main()
