"""The page of the collections: what Chroma holds, record by record, and everything it can be asked to do."""

import streamlit as st

from rag.ui.collection_actions import actions
from rag.ui.collection_list import create_form, listing
from rag.ui.record_changes import add_form, deleted_records
from rag.ui.record_query import query
from rag.ui.record_table import browse
from rag.ui.session import collection
from rag.ui.telling import errors_told, show_done
from rag.ui.text import t


def page() -> None:
    """See and steer the collections, their records, and what is near what."""
    st.title(t("Collections"), anchor=False)
    st.caption(
        t(
            "Look into what is indexed and change it record by record. Every change is kept in the catalogue "
            "first, then in both indexes."
        )
    )
    with st.container():  # so that the tabs keep their place, and the one that is open
        show_done()
    whole, records, near = st.tabs([t("Collections"), t("Records"), t("Query")])
    with whole:
        listing()
        actions(collection())
        create_form()
    with records:
        _records()
    with near:
        _query()


@st.fragment  # turning a page runs nothing else
def _records() -> None:
    with errors_told():
        present = collection()
        browse(present)
        add_form(present)
        deleted_records(present)


@st.fragment
def _query() -> None:
    with errors_told():
        query(collection())
