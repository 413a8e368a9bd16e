"""What answers a question: the first passages of all ways of searching, judged one by one."""

from collections.abc import Sequence

import streamlit as st

from rag.catalog import StoredQuestion
from rag.documents import Passage
from rag.evaluation.pooling import grade_of, judge, pooled
from rag.retrieval import Query
from rag.retrieval.side_by_side import SideBySide
from rag.ui import passages
from rag.ui.markdown import plain
from rag.ui.session import collection, engine
from rag.ui.text import t, tell, tn

EACH = 10  # passages of each way of searching


def judging() -> None:
    """A question and the passages found for it."""
    present = engine().catalog.questions.all(collection().id)
    if not present:
        st.info(t("Add questions first. Then say here which passages answer them."), icon=":material/info:")
        return
    st.caption(
        t(
            "Say which passages answer the question. What you leave out counts as not relevant. Shown is "
            "what any way of searching finds first; which one found it is not told, so as not to sway you."
        )
    )
    question = _choose(present)
    found = _found(question)
    for failure in found.failures.values():
        st.warning(plain(tell(failure)), icon=":material/warning:")
    pool = pooled(found)
    relevant = sum(judged.grade > 0 for judged in question.judgements)
    st.caption(
        tn("One passage to judge", "{n} passages to judge", len(pool))
        + " · "
        + tn("one text is relevant", "{n} texts are relevant", relevant)
    )
    for number, passage in enumerate(pool):
        with st.container(border=True, key=f"judge-{number}"):
            _card(question, passage)


def _choose(present: Sequence[StoredQuestion]) -> StoredQuestion:
    """The question in the box: the first that nothing answers yet, until another is chosen."""
    by_id = {each.id: each for each in present}
    open_ones = [each.id for each in present if not each.is_judged]
    if st.session_state.get("question-to-judge") not in by_id:
        st.session_state["question-to-judge"] = next(iter(open_ones), present[0].id)
    chosen = st.selectbox(
        t("Question"),
        list(by_id),
        format_func=lambda key: f"{'✓' if by_id[key].is_judged else '○'} {by_id[key].text}",
        key="question-to-judge",
    )
    following = [key for key in open_ones if key != chosen]
    if following:
        st.button(
            tn("Next (one is open)", "Next ({n} are open)", len(following)),
            icon=":material/arrow_forward:",
            on_click=_go_to,
            args=(following[0],),
        )
    return by_id[chosen]


def _go_to(question_id: str) -> None:
    st.session_state["question-to-judge"] = question_id


def _found(question: StoredQuestion) -> SideBySide:
    """What all ways find; kept while nothing changes."""
    key = (collection(), question.text, engine().catalog.documents.generation)
    kept = st.session_state.get("pool")
    if kept and kept[0] == key:
        return kept[1]  # type: ignore[no-any-return]
    with st.spinner(t("Searching your documents …")):
        found = engine().search_side_by_side(collection(), Query(question.text, k=EACH))
    st.session_state["pool"] = (key, found)
    return found


def _card(question: StoredQuestion, passage: Passage) -> None:
    st.markdown(f"**{plain(passage.name)}**")
    if where := passages.place(passage):
        st.caption(plain(where))
    passages.content(passage, question.text)
    names = {1: t("Relevant"), 0: t("Not relevant")}
    icons = {1: ":material/thumb_up:", 0: ":material/thumb_down:"}
    grade = grade_of(question, passage)
    key = f"judged-{question.id}-{passage.chunk_id}"
    st.segmented_control(
        t("Does it answer?"),
        [1, 0],
        format_func=lambda each: f"{icons[each]} {names[each]}",
        default=None if grade is None else min(1, max(0, grade)),
        key=key,
        on_change=_judge,
        args=(question, passage, key),
        label_visibility="collapsed",
    )


def _judge(question: StoredQuestion, passage: Passage, key: str) -> None:
    judge(engine(), question, passage, st.session_state[key])
