"""What stands around every page: navigation, conversations, collection, language."""

from pathlib import Path

import streamlit as st

from rag.errors import RagError
from rag.ui import chat, collections, compare, evaluation, library, models, search
from rag.ui.markdown import plain
from rag.ui.session import collection, conversation, engine, open_conversation
from rag.ui.switching import collection_name
from rag.ui.text import LANGUAGES, language, t, tell

RECENT = 12
HERE = Path(__file__).parent


def show() -> None:
    """Run the page that is open; what goes wrong is told in words."""
    st.html(HERE / "style.css")
    st.logo(str(HERE / "logo.svg"), size="large")
    pages = [
        st.Page(chat.page, title=t("Ask"), icon=":material/forum:", url_path="ask", default=True),
        st.Page(search.page, title=t("Search"), icon=":material/search:", url_path="search"),
        st.Page(library.page, title=t("Library"), icon=":material/library_books:", url_path="library"),
        st.Page(collections.page, title=t("Collections"), icon=":material/database:", url_path="collections"),
        st.Page(evaluation.page, title=t("Evaluate"), icon=":material/analytics:", url_path="evaluate"),
        st.Page(models.page, title=t("Models"), icon=":material/model_training:", url_path="models"),
        st.Page(compare.page, title=t("Compare"), icon=":material/compare_arrows:", url_path="compare"),
    ]
    st.session_state["library_page"] = pages[2]
    chosen = st.navigation(pages)
    try:
        with st.sidebar:
            _collections()
            _conversations(pages[0], is_chat=chosen is pages[0])
            _language()
        chosen.run()
    except RagError as error:
        st.error(plain(tell(error)), icon=":material/error:")
        if st.button(t("Try again"), icon=":material/refresh:"):
            st.rerun()


def _collections() -> None:
    if not engine().catalog.collections.all():
        return
    if wanted := st.session_state.pop("wanted_collection", None):
        st.session_state["collection"] = wanted
    present = _present()
    st.session_state["collection"] = present
    names = [each.name for each in engine().catalog.collections.all()]
    if names == [present]:
        return
    st.selectbox(
        t("Collection"),
        names,
        index=0 if present else None,
        format_func=collection_name,
        key="collection",
        on_change=open_conversation,
        args=(None,),
    )


def _present() -> str | None:
    """The collection's name; None where the default one cannot be made: the page tells why."""
    try:
        return collection().name
    except RagError:
        return None


def _conversations(chat_page: st.Page, *, is_chat: bool) -> None:
    recent = engine().catalog.conversations.recent(RECENT)
    if not recent:
        return
    if st.button(t("New conversation"), icon=":material/add_comment:", width="stretch"):
        open_conversation(None)
        st.switch_page(chat_page)
    st.caption(t("Conversations"))
    current = conversation() if is_chat else None
    for each in recent:
        row = st.container(horizontal=True, gap=None, wrap=False, vertical_alignment="center")
        icon = ":material/chat_bubble:" if current and current.id == each.id else None
        if row.button(
            plain(each.title), key=f"open-conversation-{each.id}", type="tertiary", icon=icon, width="stretch"
        ):
            open_conversation(each.id)
            st.switch_page(chat_page, query_params={"c": each.id})
        if row.button(
            "",
            key=f"forget-{each.id}",
            type="tertiary",
            icon=":material/close:",
            help=t("Delete this conversation"),
        ):
            engine().catalog.conversations.delete(each.id)
            if current and current.id == each.id:
                open_conversation(None)
            st.rerun()


def _language() -> None:
    codes = list(LANGUAGES)
    chosen = st.container(key="language").segmented_control(
        t("Language"),
        codes,
        format_func=LANGUAGES.__getitem__,
        default=language(),
        key="language_switch",
        label_visibility="collapsed",
    )
    if chosen and chosen != language():
        st.session_state["language"] = chosen
        st.query_params["lang"] = chosen
        st.rerun()
