"""One record: its text and metadata to change, its vector to copy, and what is near it."""

import json

import streamlit as st

from rag.catalog import Collection
from rag.ui.hits import hits_table
from rag.ui.markdown import plain
from rag.ui.session import engine
from rag.ui.telling import done, errors_told
from rag.ui.text import t, tn
from rag.workbench import Record, RecordDetail
from rag.workbench.given import parse_metadata, parse_vector

FIRST_VALUES = 8


def detail(present: Collection, record_id: str) -> None:
    """A record, whole."""
    with errors_told():
        found = engine().workbench.browsing.detail(present, record_id)
        with st.container(border=True, key="record"):
            _facts(found.record)
            _edit(present, found.record)
            _vector(found)
            _neighbours(present, record_id)
            _delete(present, record_id)


def _facts(record: Record) -> None:
    st.markdown(f"**{plain(record.name)}**")
    facts = [t("Id: {id}", id=record.id), tn("one token", "{n} tokens", record.tokens)]
    facts += [t("page {n}", n=record.page)] if record.page else []
    facts += [t("changed by hand")] if record.edited_at else []
    facts += [t("vector given by hand")] if record.has_given_vector else []
    st.caption(plain(" · ".join(facts)))
    if record.headings:
        st.caption(plain(" › ".join(record.headings)))
    others = {key: value for key, value in record.metadata.items() if key not in record.own_metadata}
    if others:
        st.caption(plain(t("Metadata of its document: {metadata}", metadata=_json(others))))


def _edit(present: Collection, record: Record) -> None:
    with st.form(f"record-{record.id}-{record.edited_at}", border=False):
        text = st.text_area(
            t("The text"),
            record.text,
            height=180,
            help=t("Another text is embedded again, and must fit the model's window."),
        )
        metadata = st.text_input(
            t("Metadata of its own, as JSON"),
            _json(record.own_metadata) if record.own_metadata else "",
            placeholder='{"year": 2026}',
        )
        vector = st.text_input(
            t("Vector, as a JSON list of numbers"),
            placeholder="[0.1, -0.2, 0.3]",
            help=t(
                "Leave it empty to keep the vector, or to embed another text. A given one is brought to "
                "length 1."
            ),
        )
        is_saved = st.form_submit_button(t("Save the record"), type="primary")
    if is_saved:
        with errors_told():
            with st.spinner(t("Embedding …")):
                engine().workbench.editing.edit(
                    present,
                    record.id,
                    text=text,
                    metadata=parse_metadata(metadata),
                    vector=parse_vector(vector) if vector.strip() else None,
                )
            done(t("The record is saved."))
    if record.has_given_vector and st.button(t("Use the vector of the text"), key="embed-record"):
        with errors_told():
            engine().workbench.editing.edit(present, record.id, embed=True)
            done(t("The record is saved."))


def _vector(found: RecordDetail) -> None:
    values = [round(float(each), 6) for each in found.vector]
    first = ", ".join(f"{each:.4f}" for each in values[:FIRST_VALUES])
    st.caption(
        plain(
            t(
                "Vector: {n} dimensions, length {norm}, beginning with {first}",
                n=len(values),
                norm=f"{found.norm:.4f}",
                first=first,
            )
        )
    )
    with st.expander(t("The whole vector, to copy"), icon=":material/data_array:"):
        st.code(json.dumps(values), language="json", wrap_lines=True, height=200)


def _neighbours(present: Collection, record_id: str) -> None:
    st.markdown(f"**{t('Nearest records')}**")
    near = engine().workbench.browsing.nearest(present, record_id)
    if near.hits:
        hits_table(near, key="nearest")
    else:
        st.caption(t("There is no other record."))


def _delete(present: Collection, record_id: str) -> None:
    if st.button(t("Delete the record"), key="delete-record", icon=":material/delete:", type="tertiary"):
        with errors_told():
            engine().workbench.editing.delete(present, [record_id])
            done(t("The record is deleted. You can bring it back below, until the collection is compacted."))


def _json(metadata: object) -> str:
    return json.dumps(metadata, ensure_ascii=False)
