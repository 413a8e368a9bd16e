"""Which records are wanted: the filter builder of the search, or JSON, and a text they contain."""

import json

import streamlit as st

from rag.catalog import Collection, RecordFilter
from rag.filters import parsed_where
from rag.ui import filter_builder
from rag.ui.session import engine
from rag.ui.telling import errors_told
from rag.ui.text import t


def record_filter(present: Collection, prefix: str) -> RecordFilter | None:
    """The filter, folded away until someone wants it; None while what is written is none.

    `prefix` tells the widgets of one place from those of another.
    """
    facets = engine().catalog.facets(present.id)
    prefix = f"{prefix}-{present.id}"
    for key, value in filter_builder.defaults(facets, prefix).items():
        st.session_state.setdefault(key, value)
    with st.expander(t("Filter"), icon=":material/filter_alt:", key=f"{prefix}-filter"):
        contains = st.text_input(t("Must contain"), key=f"{prefix}-contains")
        if not st.toggle(t("Write the filter as JSON"), key=f"{prefix}-as-json"):
            where = filter_builder.build(facets, prefix).where()
            if where:
                st.code(json.dumps(where, ensure_ascii=False), language="json", wrap_lines=True)
            return RecordFilter(where, contains or None)
        text = st.text_area(
            t("Filter as JSON"), placeholder='{"type": {"$in": ["pdf"]}}', key=f"{prefix}-json"
        )
        with errors_told():
            wanted = RecordFilter(parsed_where(text), contains or None)
            wanted.condition()
            return wanted
    return None
