"""How to search: how many passages, from which documents, how near."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from rag.catalog import Facets
from rag.errors import UsageError
from rag.filters import parsed_where
from rag.rerankers import NO_RERANKER
from rag.retrieval import POOL, Query
from rag.retrieval.reranking import RERANKED
from rag.ui import filter_builder
from rag.ui.markdown import plain
from rag.ui.session import collection, engine
from rag.ui.text import t, tell, tn


@dataclass(frozen=True, slots=True)
class Options:
    """What was chosen beside the question; `is_valid` is false while a filter is written that is none."""

    k: int
    where: Mapping[str, Any] | None
    contains: str | None
    min_similarity: float | None
    rerank: bool = True
    is_valid: bool = True

    def query(self, question: str, picture: bytes | None = None) -> Query:
        """The question, or the picture in its place, with these options."""
        return Query(
            question,
            k=self.k,
            where=self.where,
            contains=self.contains,
            min_similarity=self.min_similarity,
            picture=picture,
            reranker=None if self.rerank else NO_RERANKER,
        )


def choose() -> Options:
    """The options as widgets, folded away until someone wants them; what was chosen stays for the session."""
    settings = engine().settings
    facets = engine().catalog.facets(collection().id)
    if not facets.documents:
        return Options(settings.top_k, None, None, settings.min_similarity)
    defaults = _defaults(facets)
    changed = {key for key, value in defaults.items() if st.session_state.setdefault(key, value) != value}
    active = len(changed - _replaced(facets))
    label = t("Search options · {n} active", n=active) if active else t("Search options")
    with st.expander(label, icon=":material/tune:", key="search-options"):
        k = st.number_input(t("Number of passages"), 1, POOL, key="search-k", persist_state="session")
        where, is_valid = _filter(facets)
        contains = st.text_input(t("Must contain"), key="search-contains", persist_state="session").strip()
        least = st.slider(
            t("Minimum similarity"),
            0.0,
            1.0,
            step=0.01,
            help=t("At 0, nothing is filtered out."),
            key="search-least",
            persist_state="session",
        )
        rerank = _rerank()
        if active:
            st.button(t("Clear"), icon=":material/close:", type="tertiary", on_click=_clear, args=(defaults,))
    return Options(k, where, contains or None, least or None, rerank, is_valid)


def _rerank() -> bool:
    """Whether to rerank; a choice only where there is a reranker."""
    reranker = engine().models.reranker_id
    if reranker is None:
        return True
    return st.toggle(
        t("Rerank the passages"),
        key="search-rerank",
        help=t("{model} reads the best {n} together with the question.", model=reranker, n=RERANKED),
        persist_state="session",
    )


def _clear(defaults: Mapping[str, Any]) -> None:
    st.session_state.update(defaults)


def _defaults(facets: Facets) -> dict[str, Any]:
    """Every widget's key and the value it has while nobody has touched it."""
    settings = engine().settings
    return {
        "search-k": settings.top_k,
        "search-contains": "",
        "search-least": max(0.0, settings.min_similarity or 0.0),
        **({"search-rerank": True} if engine().models.reranker_id else {}),
        "search-as-json": False,
        "search-json": "",
        **filter_builder.defaults(facets),
    }


def _replaced(facets: Facets) -> set[str]:
    """The widgets that do not count: those of the form where JSON is written, else the JSON."""
    if st.session_state["search-as-json"]:
        return {*filter_builder.defaults(facets), "search-json"}
    return {"search-json"}


def _filter(facets: Facets) -> tuple[Mapping[str, Any] | None, bool]:
    """The filter that was built or written, and whether it is one."""
    if st.session_state["search-as-json"]:
        where, is_valid = _written()
    else:
        where, is_valid = filter_builder.build(facets).where(), True
        st.session_state["search-built"] = where
        if where:
            st.caption(t("The filter as JSON, to copy"))
            st.code(json.dumps(where, ensure_ascii=False), language="json", wrap_lines=True)
    st.toggle(
        t("Write the filter as JSON"), key="search-as-json", persist_state="session", on_change=_take_over
    )
    if where:
        passing = len(engine().catalog.chunks.matching(collection().id, where, None))
        st.caption(tn("One passage passes the filter.", "{n} passages pass the filter.", passing))
    return where, is_valid


def _take_over() -> None:
    """What was built is where the writing begins."""
    built = st.session_state.get("search-built")
    if st.session_state["search-as-json"]:
        st.session_state["search-json"] = json.dumps(built, ensure_ascii=False, indent=1) if built else ""


def _written() -> tuple[Mapping[str, Any] | None, bool]:
    text = st.text_area(
        t("Filter as JSON"),
        placeholder='{"type": {"$in": ["pdf"]}}',
        height=160,
        key="search-json",
        persist_state="session",
    )
    try:
        return parsed_where(text), True
    except UsageError as error:
        st.error(plain(tell(error)), icon=":material/error:")
        return None, False
