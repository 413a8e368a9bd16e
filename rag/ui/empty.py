"""What a page shows while there is nothing on it yet."""

from collections.abc import Sequence

import streamlit as st

from rag.catalog import DocumentFacet, Job
from rag.ui.session import collection, engine, sender
from rag.ui.text import t, tn

SUGGESTIONS = {  # sample document → a question it answers, in its own language
    "Riverside Library Handbook.pdf": "How many books can I borrow at a time, and for how long?",
    "Garden Calendar.md": "When should tomatoes be planted outside?",
    "员工手册.md": "年假有多少天？",
    "茶叶冲泡指南.html": "绿茶用多少度的水冲泡？",
}


def invitation(documents: Sequence[DocumentFacet]) -> None:
    """The empty page to ask on: what to do first."""
    with st.container(horizontal_alignment="center"):
        st.title(t("Ask your own documents"), anchor=False, width="content")
        if documents:
            st.markdown(
                t("Type a question below. The answer shows the passages it rests on."), width="content"
            )
            _suggestions({document.name for document in documents})
            _wait_for_documents()
        elif being_read():
            st.markdown(
                t("Your documents are being read. You can ask as soon as the first is ready."),
                width="content",
            )
            _wait_for_documents()
        else:
            st.markdown(
                t("Add your files, ask in English or Chinese, and see the passages every answer rests on."),
                width="content",
            )
            if engine().stays_here(collection()):
                st.markdown(t("Everything stays on this computer."), width="content")
            add_buttons()


def being_read() -> list[Job]:
    """The files on their way into the collection."""
    jobs = engine().catalog.jobs.recent(collection().id)
    return [job for job in jobs if job.state in ("queued", "running")]


def add_buttons() -> None:
    """The two ways to begin."""
    with st.container(horizontal=True, horizontal_alignment="center"):
        if st.button(t("Add your files"), type="primary", icon=":material/upload_file:", key="to-library"):
            st.switch_page(st.session_state["library_page"])
        samples_button()


def samples_button() -> None:
    """Adds the sample documents."""
    if st.button(t("Try it with the sample documents"), icon=":material/auto_stories:", key="samples"):
        engine().intake.add_samples(collection(), sender=sender())
        st.rerun()


def _suggestions(names: set[str]) -> None:
    questions = [question for name, question in SUGGESTIONS.items() if name in names]
    if not questions:
        return
    st.caption(t("For example"), width="content")
    for question in questions:
        if st.button(question, key=f"suggest-{question}", icon=":material/arrow_forward:"):
            st.session_state["suggested"] = question
            st.rerun()


@st.fragment(run_every=1.0)
def _wait_for_documents() -> None:
    """How far the reading is; a file that is done draws the page anew."""
    active = being_read()
    before = st.session_state.get("waiting_for", 0)
    st.session_state["waiting_for"] = len(active)
    if len(active) < before:
        st.rerun()
    if active:
        st.progress(
            sum(_share(job.done, job.total) for job in active) / len(active),
            text=tn("One file to go", "{n} files to go", len(active)),
        )


def _share(done: int, total: int) -> float:
    return done / total if total else 0.0
