"""An adoption on the page: how far it is, and what came of it."""

import streamlit as st

from rag.adoption import Adopted, AdoptionState
from rag.ui.markdown import plain
from rag.ui.session import engine
from rag.ui.text import t, tell, tn


@st.fragment(run_every=1.0)
def running() -> None:
    """How far it is; the page is drawn anew when it ended."""
    state = engine().adoption.state
    if state is None or state.stage != "running":
        st.rerun()
        return
    done, total = state.done, state.total
    st.progress(
        done / total if total else 0.0,
        text=t(
            "Adopting “{name}”: {done} of {total} records",
            name=plain(state.wish.name),
            done=done,
            total=total,
        ),
    )
    if st.button(t("Stop"), icon=":material/stop_circle:", key="stop-adoption"):
        engine().adoption.stop()
        st.rerun()


def ended(state: AdoptionState) -> None:
    """How it ended, until another folder is opened."""
    if state.error:
        st.error(plain(tell(state.error)), icon=":material/error:")
    if state.adopted:
        _adopted(state.adopted)
    elif state.stage == "stopped":
        st.info(
            t("Stopped. What was adopted stays; adopt it again by the same name to go on."),
            icon=":material/info:",
        )


def _adopted(done: Adopted) -> None:
    documents = tn("One document", "{n} documents", done.documents + done.unchanged)
    passages = tn("one passage", "{n} passages", done.chunks)
    st.success(
        t(
            "“{name}” is adopted: {documents}, {passages}, by {model}.",
            name=plain(done.collection),
            documents=documents,
            passages=passages,
            model=plain(done.embedder),
        ),
        icon=":material/check_circle:",
    )
    for notice in done.notices():
        st.caption(plain(tell(notice)))
    if st.button(t("Show this collection"), key="show-adopted", icon=":material/library_books:"):
        engine().adoption.close()
        engine().adoption.forget()
        st.session_state["conversation"] = None
        st.query_params.pop("c", None)
        st.session_state["wanted_collection"] = done.collection
        st.rerun()
