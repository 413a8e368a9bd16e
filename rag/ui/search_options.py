"""How to search: how many passages, from which documents, how near."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import streamlit as st

from rag.documents import Document
from rag.filters import Filters
from rag.retrieval import Query
from rag.ui.facts import type_name
from rag.ui.markdown import plain
from rag.ui.session import engine
from rag.ui.text import t


@dataclass(frozen=True, slots=True)
class Options:
    """What was chosen beside the question."""

    k: int
    filters: Filters
    contains: str | None
    min_similarity: float | None

    def query(self, question: str, picture: bytes | None = None) -> Query:
        """The question, or the picture in its place, with these options."""
        return Query(
            question,
            k=self.k,
            where=self.filters.where(),
            contains=self.contains,
            min_similarity=self.min_similarity,
            picture=picture,
        )


def choose(documents: Sequence[Document]) -> Options:
    """The options as widgets, folded away until someone wants them; what was chosen stays for the session."""
    settings = engine().settings
    if not documents:
        return Options(settings.top_k, Filters(), None, settings.min_similarity)
    defaults = _defaults(documents)
    active = sum(st.session_state.setdefault(key, value) != value for key, value in defaults.items())
    label = t("Search options · {n} active", n=active) if active else t("Search options")
    with st.expander(label, icon=":material/tune:", key="search-options"):
        k = st.slider(t("Number of passages"), 1, 20, key="search-k", persist_state="session")
        filters = Filters(
            documents=_documents(documents),
            types=_types(documents),
            pages=_pages(documents),
            added=_days(documents),
            own=_own(documents),
        )
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
        if active:
            st.button(t("Clear"), icon=":material/close:", type="tertiary", on_click=_clear, args=(defaults,))
    return Options(k, filters, contains or None, least or None)


def _clear(defaults: Mapping[str, Any]) -> None:
    st.session_state.update(defaults)


def _defaults(documents: Sequence[Document]) -> dict[str, Any]:
    """Every widget's key and the value it has while nobody has touched it."""
    settings = engine().settings
    defaults: dict[str, Any] = {
        "search-k": min(20, settings.top_k),
        "search-documents": [],
        "search-types": [],
        "search-contains": "",
        "search-least": max(0.0, settings.min_similarity or 0.0),
    }
    if (most := _most_pages(documents)) > 1:
        defaults[f"search-pages-{most}"] = (1, most)
    if len(days := _all_days(documents)) > 1:
        defaults[f"search-days-{days[0]}-{days[-1]}"] = (days[0], days[-1])
    return defaults | {f"search-own-{key}": None for key in _own_values(documents)}


def _documents(documents: Sequence[Document]) -> list[str]:
    names = {document.id: document.name for document in documents}
    _keep_known("search-documents", names)
    return st.multiselect(
        t("Only these documents"),
        list(names),
        format_func=names.__getitem__,
        placeholder=t("All documents"),
        key="search-documents",
        persist_state="session",
    )


def _types(documents: Sequence[Document]) -> list[str]:
    kinds = sorted({document.kind for document in documents})
    _keep_known("search-types", kinds)
    return st.multiselect(
        t("Only these types"),
        kinds,
        format_func=type_name,
        placeholder=t("All types"),
        key="search-types",
        persist_state="session",
    )


def _keep_known(key: str, options: Container[str]) -> None:
    """Takes from a choice what is no longer there."""
    chosen = st.session_state[key]
    if not all(each in options for each in chosen):
        st.session_state[key] = [each for each in chosen if each in options]


def _most_pages(documents: Sequence[Document]) -> int:
    return max((document.pages or 0 for document in documents), default=0)


def _pages(documents: Sequence[Document]) -> tuple[int, int] | None:
    most = _most_pages(documents)
    if most < 2:
        return None
    first, last = _range(t("Pages"), 1, most, key=f"search-pages-{most}")
    return None if (first, last) == (1, most) else (first, last)


def _all_days(documents: Sequence[Document]) -> list[date]:
    return sorted({datetime.fromisoformat(document.added_at).date() for document in documents})


def _days(documents: Sequence[Document]) -> tuple[date, date] | None:
    days = _all_days(documents)
    if len(days) < 2:
        return None
    first, last = _range(t("Added between"), days[0], days[-1], key=f"search-days-{days[0]}-{days[-1]}")
    return None if (first, last) == (days[0], days[-1]) else (first, last)


def _range(label: str, least: Any, most: Any, *, key: str) -> tuple[Any, Any]:
    first, last = st.slider(label, least, most, key=key, persist_state="session")
    return first, last


def _own_values(documents: Sequence[Document]) -> dict[str, list[str | int | float | bool]]:
    """The keys the documents were given with --meta, each with the values there are."""
    values: dict[str, set[str | int | float | bool]] = {}
    for document in documents:
        for key, value in document.metadata.items():
            values.setdefault(key, set()).add(value)
    return {key: sorted(values[key], key=str) for key in sorted(values)}


def _own(documents: Sequence[Document]) -> dict[str, str | int | float | bool]:
    own = {}
    for key, values in _own_values(documents).items():
        if st.session_state[f"search-own-{key}"] not in values:
            st.session_state[f"search-own-{key}"] = None
        chosen = st.selectbox(
            plain(key),
            values,
            index=None,
            placeholder=t("Any"),
            key=f"search-own-{key}",
            persist_state="session",
        )
        if chosen is not None:
            own[key] = chosen
    return own
