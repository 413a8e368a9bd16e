"""rag search --why: why a passage is missing."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from rag.cli.common import note, one_line, print_json, say

if TYPE_CHECKING:
    from rag.catalog import Collection
    from rag.documents import Passage
    from rag.engine import Engine
    from rag.retrieval import Query
    from rag.retrieval.explaining import WhyNot
    from rag.retrieval.reasons import Way


def explain(engine: "Engine", collection: "Collection", query: "Query", text: str, *, as_json: bool) -> None:
    """Print what became of a text in a search."""
    from rag.retrieval.wanted import Wanted

    told = engine.why_not(collection, query, Wanted(text))
    if as_json:
        print_json(_told_json(told))
        return
    for notice in told.notices:
        note(str(notice))
    say(str(told.reason))
    for way in told.ways:
        _print_way(way, told.k)


def passage_row(passage: "Passage") -> dict[str, Any]:
    """A passage as JSON has it."""
    row = asdict(passage)
    row["heading"] = " › ".join(row.pop("headings")) or None
    return row


def _told_json(told: "WhyNot") -> dict[str, Any]:
    return {
        "question": told.question,
        "mode": told.mode,
        "k": told.k,
        "is_there": told.is_there,
        "reason": str(told.reason),
        "ways": [{**asdict(way), "passage": passage_row(way.passage)} for way in told.ways],
        "notices": [str(notice) for notice in told.notices],
    }


def _print_way(way: "Way", k: int) -> None:
    passage = way.passage
    page = f", page {passage.page_label or passage.page}" if passage.page else ""
    say(f"\n{one_line(passage.name + page)}")
    stages = {
        "by meaning": f"number {way.dense_rank} of {way.chunks}" if way.dense_rank else "no vector",
        "by keywords": f"number {way.keyword_rank}" if way.keyword_rank else "no word in common",
        "filters": f"left out by {', '.join(way.left_out_by)}" if way.left_out_by else "passed",
        "candidates": "yes" if way.in_pool else "no",
        **_reranker(way),
        f"result ({way.mode})": f"number {way.rank}, and {k} are asked for" if way.rank else "not ranked",
        "cosine": "–" if passage.cosine is None else f"{passage.cosine:.3f}",
        "relevance": "–" if passage.relevance is None else f"{passage.relevance:.0%}",
        "keyword score": "–" if passage.keyword_score is None else f"{passage.keyword_score:.2f}",
        "rerank score": "–" if passage.rerank_score is None else f"{passage.rerank_score:.3f}",
    }
    for name, what in stages.items():
        click.echo(f"    {name:<16} {what}")
    say("    " + passage.text.replace("\n", "\n    "))


def _reranker(way: "Way") -> dict[str, str]:
    """What the reranker did, where one worked."""
    if way.rank_without_reranker is None:
        return {}
    if way.passage.rerank_score is None:
        return {"reranker": "not read: too far down, or a picture"}
    return {"reranker": f"from number {way.rank_without_reranker} to number {way.rank or '–'}"}
