"""What is near a passage: in its document, and anywhere by its vector."""

import streamlit as st

from rag.documents import Passage
from rag.errors import RagError
from rag.ui import markdown, passages
from rag.ui.session import collection, engine
from rag.ui.text import t, tell


def show_wanted() -> None:
    """The neighbours of the passage whose button was clicked, in a dialog that leads on to theirs."""
    if wanted := st.session_state.pop("wanted_neighbours", None):
        st.session_state["neighbours-of"] = wanted
        _show()


def _show() -> None:
    @st.dialog(t("Neighbours of the passage"), width="large", icon=":material/hub:")
    def dialog() -> None:
        chunk_id = st.session_state["neighbours-of"]
        try:
            near = engine().neighbours(collection(), chunk_id)
        except RagError as error:
            st.error(markdown.plain(tell(error)), icon=":material/error:")
            return
        st.markdown(f"**{markdown.plain(near.passage.name)}**")
        with st.container(border=True), st.container(key="clip-neighbours"):
            passages.content(near.passage, "")
        before, after = st.columns(2)
        with before:
            _beside(t("Before it in the document"), near.before, t("It is the first passage."), key="before")
        with after:
            _beside(t("After it in the document"), near.after, t("It is the last passage."), key="after")
        st.subheader(t("Nearest by meaning"), anchor=False)
        if not near.nearest:
            st.caption(t("There is no other passage."))
        for passage in near.nearest:
            with st.container(border=True):
                passages.summary(passage)
                _go_to(passage, key=f"near-{passage.rank}")

    dialog()


def _beside(label: str, passage: Passage | None, otherwise: str, *, key: str) -> None:
    st.caption(label)
    if passage is None:
        st.caption(otherwise)
        return
    with st.container(border=True):
        passages.content(passage, "")
        _go_to(passage, key=key)


def _go_to(passage: Passage, *, key: str) -> None:
    if st.button(t("Its neighbours"), key=f"go-to-{key}", icon=":material/hub:", type="tertiary"):
        st.session_state["neighbours-of"] = passage.chunk_id
        st.rerun(scope="fragment")
