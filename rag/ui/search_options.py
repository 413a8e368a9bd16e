"""How to search: how many passages, from which documents, how near."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import streamlit as st

from rag.documents import Document
from rag.filters import Filters
from rag.retrieval import Query
from rag.ui.session import engine
from rag.ui.text import t

TYPE_NAMES = {"pdf": "PDF", "docx": "Word", "html": "HTML", "md": "Markdown"}


@dataclass(frozen=True, slots=True)
class Options:
    """What was chosen beside the question."""

    k: int
    filters: Filters
    contains: str | None
    min_similarity: float | None

    def query(self, question: str) -> Query:
        """The question with these options."""
        return Query(
            question,
            k=self.k,
            where=self.filters.where(),
            contains=self.contains,
            min_similarity=self.min_similarity,
        )


def type_name(kind: str) -> str:
    """What people call a type of file."""
    return t("Text") if kind == "txt" else TYPE_NAMES.get(kind, kind)


def choose(documents: Sequence[Document]) -> Options:
    """The options as widgets, folded away until someone wants them."""
    settings = engine().settings
    with st.expander(t("Search options"), icon=":material/tune:"):
        k = st.slider(t("Number of passages"), 1, 20, settings.top_k)
        names = {document.id: document.name for document in documents}
        chosen = st.multiselect(
            t("Only these documents"),
            list(names),
            format_func=names.__getitem__,
            placeholder=t("All documents"),
        )
        kinds = sorted({document.kind for document in documents})
        types = st.multiselect(
            t("Only these types"),
            kinds,
            format_func=type_name,
            placeholder=t("All types"),
        )
        filters = Filters(
            documents=chosen,
            types=types,
            pages=_pages(documents),
            added=_days(documents),
            own=_own(documents),
        )
        contains = st.text_input(t("Must contain")).strip() or None
        least = st.slider(
            t("Minimum similarity"),
            0.0,
            1.0,
            settings.min_similarity or 0.0,
            0.01,
            help=t("At 0, nothing is filtered out."),
        )
    return Options(k, filters, contains, least or None)


def _pages(documents: Sequence[Document]) -> tuple[int, int] | None:
    most = max((document.pages or 0 for document in documents), default=0)
    if most < 2:
        return None
    first, last = st.slider(t("Pages"), 1, most, (1, most))
    return None if (first, last) == (1, most) else (first, last)


def _days(documents: Sequence[Document]) -> tuple[date, date] | None:
    days = sorted({datetime.fromisoformat(document.added_at).date() for document in documents})
    if len(days) < 2:
        return None
    first, last = st.slider(t("Added between"), days[0], days[-1], (days[0], days[-1]))
    return None if (first, last) == (days[0], days[-1]) else (first, last)


def _own(documents: Sequence[Document]) -> dict[str, str | int | float | bool]:
    """The keys the documents were given with --meta, each with the values there are."""
    values: dict[str, set[str | int | float | bool]] = {}
    for document in documents:
        for key, value in document.metadata.items():
            values.setdefault(key, set()).add(value)
    own = {}
    for key in sorted(values):
        chosen = st.selectbox(key, sorted(values[key], key=str), index=None, placeholder=t("Any"))
        if chosen is not None:
            own[key] = chosen
    return own
