"""Searching for what looks like a picture: one from the reader's disk, or one that was found."""

import json

import streamlit as st

from rag.errors import RagError
from rag.ui import markdown, passages
from rag.ui.search_options import Options
from rag.ui.session import collection, engine
from rag.ui.text import t, tell

_BUTTON_TEXT = '[data-testid="stFileUploaderDropzone"] button p::after'  # style.css hides the English one


def search(options: Options) -> None:
    """The control to choose a picture, where the collection's model reads some; what it finds in a dialog."""
    if not engine().takes_pictures(collection()):
        return
    round_number = st.session_state.setdefault("picture_round", 0)
    chosen = st.file_uploader(
        t("Search by picture"), type=["png", "jpg", "jpeg", "webp"], key=f"picture-{round_number}"
    )
    st.html(f"<style>{_BUTTON_TEXT} {{ content: {json.dumps(t('Choose'), ensure_ascii=False)}; }}</style>")
    if chosen:
        st.session_state["picture_round"] += 1
        st.session_state["wanted_picture"] = chosen.getvalue()
        st.rerun()
    if wanted := st.session_state.pop("wanted_picture", None):
        _show_similar(wanted, options)


def _show_similar(wanted: bytes | str, options: Options) -> None:
    """What is like a picture, given as its bytes or the digest of one that was found."""

    @st.dialog(t("Similar pictures and passages"), width="large", icon=":material/image_search:")
    def dialog() -> None:
        try:
            picture = engine().picture(wanted) if isinstance(wanted, str) else wanted
            found = engine().search(collection(), options.query("", picture))
        except RagError as error:
            st.error(markdown.plain(tell(error)), icon=":material/error:")
            return
        for notice in found.notices:
            st.info(markdown.plain(tell(notice)), icon=":material/info:")
        for passage in found.passages:
            with st.container(border=True):
                passages.summary(passage)

    dialog()
