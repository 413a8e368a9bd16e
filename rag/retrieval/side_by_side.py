"""One question in every mode at once, and where each passage stands in the others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from rag.documents import Notice
from rag.errors import ProviderError, StoreError
from rag.retrieval import POOL, Mode, Query, SearchResult

MODES: tuple[Mode, ...] = ("dense", "keyword", "hybrid")


@dataclass(frozen=True, slots=True)
class SideBySide:
    """What each mode found, or why it found nothing; by mode.

    `ranks` are each passage's ranks by mode, by chunk id, among the first POOL of a mode.
    """

    results: Mapping[Mode, SearchResult]
    failures: Mapping[Mode, Notice]
    ranks: Mapping[str, Mapping[Mode, int]]


def side_by_side(search: Callable[[Query], SearchResult], query: Query) -> SideBySide:
    """The question of `query` in every mode; a mode that fails leaves the others alone. Raises UsageError."""
    results: dict[Mode, SearchResult] = {}
    failures: dict[Mode, Notice] = {}
    ranks: dict[str, dict[Mode, int]] = {}
    for mode in MODES:
        try:
            found = search(replace(query, mode=mode, k=POOL))
        except (ProviderError, StoreError) as error:
            failures[mode] = Notice.of(error)
            continue
        for passage in found.passages:
            ranks.setdefault(passage.chunk_id, {})[mode] = passage.rank
        results[mode] = replace(found, passages=found.passages[: query.k])
    return SideBySide(results, failures, ranks)
