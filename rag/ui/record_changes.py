"""Records written by hand, and the deleted ones that can be brought back."""

from datetime import datetime

import streamlit as st
from babel.dates import format_datetime

from rag.catalog import Collection
from rag.ui.session import engine
from rag.ui.telling import done, errors_told
from rag.ui.text import language, t, tn
from rag.workbench.given import parse_metadata, parse_vector


def add_form(present: Collection) -> None:
    """A record with an automatic or a given vector."""
    with st.expander(t("Write a record"), icon=":material/add:", key="write-record"):
        st.caption(t("It goes into the document “Written by hand” of this collection."))
        with st.form("add-record", border=False, clear_on_submit=False):
            text = st.text_area(t("The text"), key="add-text", height=120)
            metadata = st.text_input(t("Metadata, as JSON"), key="add-metadata", placeholder='{"year": 2026}')
            vector = st.text_input(
                t("Vector, as a JSON list of numbers"),
                key="add-vector",
                placeholder="[0.1, -0.2, 0.3]",
                help=t("Leave it empty for the vector of the text. A given one is brought to length 1."),
            )
            is_added = st.form_submit_button(t("Add the record"), type="primary")
        if is_added:
            with errors_told():
                with st.spinner(t("Embedding …")):
                    record_id = engine().workbench.editing.add(
                        present,
                        text,
                        metadata=parse_metadata(metadata),
                        vector=parse_vector(vector) if vector.strip() else None,
                    )
                done(t("The record {id} is added.", id=record_id))


def deleted_records(present: Collection) -> None:
    """What was deleted and can be brought back, or be forgotten for good."""
    editing = engine().workbench.editing
    deletions = editing.deletions(present)
    if not deletions:
        return
    count = sum(len(each.ids) for each in deletions)
    with st.expander(t("Deleted records · {n}", n=count), icon=":material/restore_from_trash:"):
        for each in deletions:
            row = st.container(horizontal=True, vertical_alignment="center")
            when = format_datetime(datetime.fromisoformat(each.deleted_at), "short", locale=language())
            row.caption(f"{when} · {tn('One record', '{n} records', len(each.ids))}")
            if row.button(t("Bring back"), key=f"undo-{each.number}", icon=":material/undo:"):
                with errors_told():
                    editing.undo(present, each.number)
                    done(t("The records are back."))
            st.caption(" ".join(editing.deleted(each)[0].chunk.text.split())[:200])
        with st.popover(t("Compact"), icon=":material/delete_forever:", type="tertiary"):
            st.markdown(t("Forget the deleted records for good and write the index anew without their room?"))
            if st.button(t("Forget them"), key="compact", type="primary"):
                with errors_told():
                    with st.spinner(t("Writing the index …")):
                        purged = editing.compact(present)
                    done(tn("One record is gone for good.", "{n} records are gone for good.", purged))
