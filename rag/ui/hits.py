"""What a query of records found, with the raw distance beside the similarity."""

import streamlit as st

from rag.ui.hnsw_fields import space_meaning
from rag.ui.markdown import plain
from rag.ui.text import t
from rag.workbench import QueryResult


def hits_table(found: QueryResult, *, key: str) -> None:
    """The records, nearest first, and what the numbers are."""
    distance = t("Distance ({space})", space=found.space)
    rows = [
        {
            t("Rank"): each.rank,
            distance: round(each.distance, 6),
            t("Cosine similarity"): round(each.cosine, 6),
            t("The text"): " ".join(each.record.text.split()),
            t("Document"): each.record.name,
            t("Id"): each.record.id,
        }
        for each in found.hits
    ]
    with st.container(key=key):
        st.dataframe(rows, hide_index=True, width="stretch")
    how = (
        t("All records were compared one by one.")
        if found.is_exact
        else t("Found by Chroma's index, with its own distances.")
    )
    st.caption(plain(f"{space_meaning(found.space)}. {how}"))
