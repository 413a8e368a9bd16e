"""What dropped a chunk from a search and what would bring it in, in one sentence."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag.catalog import Catalog, StoredChunk
from rag.documents import Notice, Passage
from rag.retrieval import POOL, Mode, Query


@dataclass(frozen=True, slots=True)
class Way:
    """How far one chunk came; a rank counts from 1 and is None where it has none.

    `dense_rank` is exact and among all `chunks`; `keyword_rank` is among those that share a word with the
    question. `left_out_by` are the conditions that the chunk does not meet, `lacks` is the quoted phrase that
    it does not hold; `in_pool` tells whether it was among the candidates that are scored together. The three
    ranks of `mode` are among the first POOL: with all options, without the minimum similarity, and without
    the filters and quotes either, as is `score`. `rank_without_reranker` is with all options but that one,
    None also where no reranker worked.
    """

    passage: Passage
    mode: Mode
    chunks: int
    dense_rank: int | None
    keyword_rank: int | None
    left_out_by: Sequence[str]
    lacks: str | None
    in_pool: bool
    rank: int | None
    rank_without_minimum: int | None
    rank_without_filters: int | None
    rank_without_reranker: int | None
    score: float | None


def conditions(query: Query) -> list[Mapping[str, Any]]:
    """The conditions of a filter that all must hold."""
    where = query.where or {}
    if set(where) == {"$and"}:
        return list(where["$and"])
    return [where] if where else []


def left_out_by(catalog: Catalog, query: Query, chunk: StoredChunk) -> tuple[str, ...]:
    """The filter's conditions that a chunk does not meet, as JSON. Raises UsageError for a bad filter."""
    failed = [each for each in conditions(query) if not catalog.chunks.passes(chunk.id, each)]
    if query.contains and query.contains not in chunk.chunk.text:
        failed.append({"$contains": query.contains})
    return tuple(json.dumps(each, ensure_ascii=False) for each in failed)


def reason(way: Way, query: Query) -> Notice:
    """The first thing that dropped a chunk, and the next step."""
    if way.left_out_by:
        return _filtered(way)
    if way.lacks is not None:
        return Notice(
            "It does not have “{phrase}” word for word, which other passages do: ask without the quotes.",
            {"phrase": way.lacks},
        )
    if way.rank is not None and way.rank <= query.k:
        return Notice("It was found: it is number {rank}.", {"rank": way.rank})
    if (least := query.min_similarity) is not None and _is_below(way, least):
        return _too_far(way, query)
    if way.rank is not None and (before := way.rank_without_reranker) and before <= query.k:
        return Notice(
            "The reranker put it from number {before} to number {rank}: raise the number of passages to "
            "{rank}, or search without the reranker.",
            {"before": before, "rank": way.rank},
        )
    if way.rank is not None:
        return Notice(
            "It is number {rank}, and {k} are asked for: raise the number of passages to {rank}.",
            {"rank": way.rank, "k": query.k},
        )
    if way.in_pool:
        return Notice(
            "It was among the candidates, but is not among the first {pool}. Ask with more words that stand "
            "in it, or filter by its document.",
            {"pool": POOL},
        )
    if way.mode == "keyword":
        return _too_few_words(way)
    return _no_candidate(way)


def _filtered(way: Way) -> Notice:
    keys = ", ".join(dict.fromkeys(key for each in way.left_out_by for key in _keys(json.loads(each))))
    if way.rank_without_filters is None:
        return Notice(
            "The filter on {keys} leaves it out, and without the filters it is not among the first {pool}.",
            {"keys": keys, "pool": POOL},
        )
    return Notice(
        "The filter on {keys} leaves it out: change or clear that filter. Without filters it is number "
        "{rank}.",
        {"keys": keys, "rank": way.rank_without_filters},
    )


def _keys(where: Mapping[str, Any]) -> Iterator[str]:
    for key, wanted in where.items():
        if key in ("$and", "$or"):
            for each in wanted:
                yield from _keys(each)
        else:
            yield key


def _is_below(way: Way, least: float) -> bool:
    cosine = way.passage.cosine
    return way.rank is None and cosine is not None and cosine < least


def _too_far(way: Way, query: Query) -> Notice:
    cosine = way.passage.cosine or 0.0
    values: dict[str, str | int | Notice] = {
        "cosine": f"{cosine:.3f}",
        "least": f"{query.min_similarity or 0.0:.2f}",
        "lower": f"{math.floor(cosine * 100) / 100:.2f}",
    }
    if way.rank_without_minimum is None:
        return Notice(
            "Its similarity of {cosine} is below the minimum of {least}, and without a minimum it is not "
            "among the first {pool} either. Ask with words that stand in it.",
            values | {"pool": POOL},
        )
    if way.rank_without_minimum > query.k:
        return Notice(
            "Its similarity of {cosine} is below the minimum of {least}: lower the minimum to {lower} and "
            "raise the number of passages to {rank}.",
            values | {"rank": way.rank_without_minimum},
        )
    return Notice(
        "Its similarity of {cosine} is below the minimum of {least}: lower the minimum to {lower}.", values
    )


def _too_few_words(way: Way) -> Notice:
    if way.keyword_rank is None:
        return Notice(
            "It shares no word with the question: use a word that stands in it, or search by meaning."
        )
    return Notice(
        "It is number {keyword} by keywords, and the first {pool} count: ask with more words that stand in "
        "it.",
        {"keyword": way.keyword_rank, "pool": POOL},
    )


def _no_candidate(way: Way) -> Notice:
    if way.dense_rank is None:
        return Notice("It has no vector, so meaning cannot find it. Run: rag check --repair")
    values = {"dense": way.dense_rank, "chunks": way.chunks, "pool": POOL}
    if way.dense_rank <= POOL:
        return Notice(
            "It is number {dense} of {chunks} by meaning, but the index of meanings missed it. Set a filter: "
            "filtered passages are compared one by one.",
            values,
        )
    if way.mode == "dense":
        return Notice(
            "It is number {dense} of {chunks} by meaning, and the first {pool} count: ask in words that mean "
            "more nearly what it says, or search with keywords too.",
            values,
        )
    if way.keyword_rank is None:
        return Notice(
            "It shares no word with the question and is number {dense} of {chunks} by meaning, where the "
            "first {pool} count: use a word that stands in it.",
            values,
        )
    return Notice(
        "It is number {dense} of {chunks} by meaning and number {keyword} by keywords, where the first "
        "{pool} count: ask with more words that stand in it.",
        values | {"keyword": way.keyword_rank},
    )
