"""The page to evaluate on: questions with what answers them, and how well each way of searching finds it."""

import streamlit as st

from rag.evaluation.background import Work
from rag.ui.evaluation_judging import judging
from rag.ui.evaluation_questions import questions
from rag.ui.evaluation_results import results
from rag.ui.markdown import plain
from rag.ui.session import collection, engine, evaluations
from rag.ui.text import t, tell


def page() -> None:
    """Questions, judgements, results."""
    st.title(t("Evaluate"), anchor=False)
    st.caption(
        t(
            "How well does a search find what answers a question? Ask some whose answer you know, and "
            "compare ways of searching, models and sizes of passages on your own documents."
        )
    )
    if not engine().catalog.chunks.count(collection().id):
        st.info(t("Add documents in the library first. Then you can evaluate."), icon=":material/info:")
        if st.button(t("To the library"), type="primary", icon=":material/library_books:"):
            st.switch_page(st.session_state["library_page"])
        return
    work = evaluations().state(collection())
    with st.container():  # what comes and goes in it does not fold up what stands below
        if work and work.state == "running":
            _running()
        elif work:
            _ended(work)
    is_busy = work is not None and work.state == "running"
    ask, judge, compare = st.tabs(
        [t("1 · Questions"), t("2 · Judge"), t("3 · Compare")], key="evaluation-tab", on_change="rerun"
    )
    if ask.open:
        with ask:
            questions(is_busy=is_busy)
    if judge.open:
        with judge:
            judging()
    if compare.open:
        with compare:
            results(is_busy=is_busy)


@st.fragment(run_every=1.0)
def _running() -> None:
    """How far it is; the page is drawn anew when it ended."""
    work = evaluations().state(collection())
    if work is None or work.state != "running":
        st.rerun()
        return
    with st.container(key="evaluation-progress"):
        st.progress(work.done / work.total if work.total else 0.0, text=plain(tell(work.what)))
        if st.button(t("Stop"), icon=":material/stop_circle:", key="stop-evaluation"):
            evaluations().stop()
            st.rerun()


def _ended(work: Work) -> None:
    """What went wrong, told once; a run that is done is the one to see."""
    if work.error:
        st.error(plain(tell(work.error)), icon=":material/error:")
    elif work.state == "stopped":
        st.info(t("Stopped. Nothing of this run was kept."), icon=":material/info:")
    if work.result:
        st.session_state["evaluation-run"] = work.result
    evaluations().forget(collection())
