"""The reranker on the page of the models: which it is, where passages go, and a test."""

import streamlit as st

from rag.documents import Notice
from rag.errors import RagError
from rag.retrieval.reranking import RERANKED
from rag.ui.markdown import plain
from rag.ui.session import engine
from rag.ui.text import t, tell
from rag.whereabouts import reranked_by


def show_reranker() -> None:
    """The settings' reranker, or how to have one."""
    model_id = engine().models.reranker_id
    with st.container(border=True, key="reranker"):
        row = st.container(horizontal=True, vertical_alignment="center")
        name = f"`{model_id}`" if model_id else t("none")
        row.markdown(f"**{t('Reranker')}** · {name}", width="stretch")
        if model_id is None:
            st.caption(
                t(
                    "A reranker reads the best {n} passages together with the question and puts them in "
                    "order anew. Set RAG_RERANKER, like dashscope:qwen3-rerank.",
                    n=RERANKED,
                )
            )
            return
        if row.button(t("Test"), icon=":material/speed:", type="tertiary", key="test-reranker"):
            with st.spinner(t("Testing …")):
                st.session_state["tested-reranker"] = (model_id, _measured(model_id))
        _tell_where_passages_go()
        _show_result(model_id)


def _tell_where_passages_go() -> None:
    if told := reranked_by(engine().models):
        st.caption(f":material/public: {plain(tell(told))}")
    else:
        st.caption(f":material/lock: {t('Questions and passages stay on this computer to be reranked.')}")


def _measured(model_id: str) -> Notice | RagError:
    try:
        ms = engine().models.measure_reranker()
    except RagError as error:
        return error
    return Notice(
        "{model}: {ms} ms a passage, about {seconds} s a question.",
        {"model": model_id, "ms": f"{ms:.0f}", "seconds": f"{ms * RERANKED / 1000:.1f}"},
    )


def _show_result(model_id: str) -> None:
    tested, result = st.session_state.get("tested-reranker", (None, None))
    if tested != model_id:
        return
    if isinstance(result, RagError):
        st.error(plain(tell(result)), icon=":material/error:")
    else:
        st.success(plain(tell(result)), icon=":material/check_circle:")
