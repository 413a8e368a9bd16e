"""The page to ask on: the conversation, and beside it the passages an answer rests on."""

import time
from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rag.answering import EXTRACTIVE
from rag.catalog import Conversation
from rag.conversing import LiveTurn, Turn, turns
from rag.retrieval import NO_MATCH
from rag.ui import markdown, passages, pictures, search_options
from rag.ui.empty import being_read, invitation
from rag.ui.neighbours import show_wanted
from rag.ui.search_options import Options
from rag.ui.session import collection, conversation, engine, open_conversation
from rag.ui.text import t, tell


def page() -> None:
    """Ask, read the answer, look at the passages."""
    documents = engine().catalog.facets(collection().id).documents
    if live := st.session_state.pop("live", None):
        live.stop()  # the run that drew it may not have ended yet
    current = conversation()
    shown = turns(engine(), current.id) if current else []
    with st.sidebar:
        options = search_options.choose()
        if documents:
            pictures.search(options)
    question = st.chat_input(
        _placeholder(has_documents=bool(documents)),
        disabled=not documents or not options.is_valid,
        submit_mode="stop",
    ) or st.session_state.pop("suggested", None)
    welcome = st.empty()
    if not shown and not question:
        with welcome.container(key="welcome"):
            invitation(documents)
        return
    talk, evidence = st.columns([11, 9], gap="large")
    beside = evidence.container(key="evidence").empty()
    beside_id = _beside(shown)
    with talk:
        for turn in shown:
            _turn(turn, is_beside=turn.id == beside_id)
        if question:
            _ask(current or _start(question), question, options, beside)
            st.rerun()
    with beside.container():
        passages.show(next(turn for turn in shown if turn.id == beside_id))
    show_wanted()


def _placeholder(*, has_documents: bool) -> str:
    if has_documents:
        return t("Ask about your documents")
    return t("Your documents are being read …") if being_read() else t("Add documents first")


def _start(question: str) -> Conversation:
    started = engine().catalog.conversations.start(collection().id, question)
    open_conversation(started.id)
    return started


def _ask(current: Conversation, question: str, options: Options, beside: DeltaGenerator) -> None:
    """Draw a turn while it grows; what is drawn here is drawn again from the catalogue afterwards."""
    st.session_state.pop("beside", None)
    st.session_state["answering"] = False
    st.chat_message("user", avatar=":material/person:").markdown(markdown.plain(question))
    with st.chat_message("assistant", avatar=":material/menu_book:"):
        state, place = st.empty(), st.empty()
        st.button(t("Stop"), key="stop", icon=":material/stop_circle:", type="tertiary")
        _draw_again_after_a_stop()
        live = LiveTurn(engine(), current, options.query(question))
        st.session_state["live"] = live
        started = time.monotonic()
        turn = None
        try:
            for grown in live:  # each beat touches the page, which is when Streamlit lets a stop through
                if grown and grown.passages and not (turn and turn.passages):
                    with beside.container():
                        passages.show(grown, interactive=False)
                turn = grown or turn
                if turn and _text(turn):
                    state.empty()
                    place.markdown(markdown.answer(_text(turn)))
                else:
                    state.caption(_waiting(turn, time.monotonic() - started))
        finally:
            live.stop()


@st.fragment(run_every=1.5)
def _draw_again_after_a_stop() -> None:
    """A stop ends the run before it can say so; this is run again only once the run has ended."""
    if st.session_state.get("answering"):
        st.session_state["answering"] = False
        st.rerun()
    st.session_state["answering"] = True


def _waiting(turn: Turn | None, seconds: float) -> str:
    doing = t("Reading the passages …") if turn and turn.passages else t("Searching your documents …")
    return doing if seconds < 2 else t("{doing} {seconds} s", doing=doing, seconds=round(seconds))


def _turn(turn: Turn, *, is_beside: bool) -> None:
    st.chat_message("user", avatar=":material/person:").markdown(markdown.plain(turn.question))
    with st.chat_message("assistant", avatar=":material/menu_book:"):
        if text := _text(turn):
            ranks = [citation.marker for citation in turn.citations] if is_beside else []
            st.markdown(markdown.answer(text, ranks, passages.anchor(turn)))
        if turn.state == "stopped":
            st.caption(t("Stopped. The text so far is kept."))
        elif turn.state == "writing":
            st.caption(t("This answer is being written, or was interrupted."))
        elif turn.error:
            st.error(markdown.plain(tell(turn.error)), icon=":material/error:")
        for notice in turn.notices:
            st.info(markdown.plain(tell(notice)), icon=":material/info:")
        _sources(turn, is_beside=is_beside)
        if turn.state == "done" and turn.passages and text:
            st.caption(_signature(turn))


def _text(turn: Turn) -> str:
    """The answer; where no passage with text was found, no answer was sought, which a notice says."""
    only_pictures = bool(turn.passages) and all(passage.picture for passage in turn.passages)
    return "" if only_pictures or NO_MATCH in turn.notices else turn.text


def _sources(turn: Turn, *, is_beside: bool) -> None:
    """A button for each passage that is cited; the others lie beside the answer."""
    cited = {citation.marker for citation in turn.citations if citation.supported}
    sources = [passage for passage in turn.passages if passage.rank in cited]
    if not turn.passages:
        return
    with st.container(horizontal=True, gap="small"):
        for passage in sources:
            page = f" · {t('page {page}', page=passage.page_label or passage.page)}" if passage.page else ""
            if st.button(
                f"\\[{passage.rank}\\] {markdown.plain(passage.name)}{page}",
                key=f"source-{turn.id}-{passage.rank}",
            ):
                passages.open_passage(passage, turn.question)
        if not is_beside and st.button(
            t("Show its passages"),
            key=f"beside-{turn.id}",
            type="tertiary",
            icon=":material/format_list_numbered:",
        ):
            st.session_state["beside"] = turn.id
            st.rerun()


def _beside(shown: Sequence[Turn]) -> int | None:
    """The turn whose passages are shown: the one that was asked for, else the last."""
    ids = [turn.id for turn in shown]
    chosen = st.session_state.get("beside")
    return chosen if chosen in ids else (ids[-1] if ids else None)


def _signature(turn: Turn) -> str:
    seconds = f"{turn.seconds:.1f}"
    if turn.model == EXTRACTIVE:
        return t("Quoted from the documents, without a language model, in {seconds} s", seconds=seconds)
    provider, _, model = turn.model.partition(":")
    if provider == "builtin":
        return t(
            "Answered by {model} on this computer in {seconds} s",
            model=markdown.plain(model),
            seconds=seconds,
        )
    return t("Answered by {model} in {seconds} s", model=markdown.plain(turn.model), seconds=seconds)
