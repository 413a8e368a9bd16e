"""The passages beside an answer: where they stand, how near they are, and the page they come from."""

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from rag.conversing import Turn
from rag.documents import Passage
from rag.errors import RagError, asks_for_password
from rag.ui import markdown
from rag.ui.password import ask_password
from rag.ui.session import engine
from rag.ui.text import t, tell, tn

SUMMARY_WIDTH = 320  # pixels of a picture among others


def anchor(turn: Turn) -> str:
    """The beginning of the addresses of a turn's passages on the page."""
    return f"passage-{turn.id}"


def place(passage: Passage) -> str:
    """Where a passage stands: its page and headings."""
    parts = []
    if passage.page is not None:
        parts.append(t("page {page}", page=passage.page_label or passage.page))
    if passage.headings:
        parts.append(" › ".join(passage.headings))
    return " · ".join(parts)


def show(turn: Turn, *, interactive: bool = True) -> None:
    """All passages of a turn, nearest first; buttons only where clicking one would not end a stream."""
    if not turn.passages:
        return
    st.caption(_found(turn.passages))
    if turn.searched:
        st.caption(t("Searched for: {question}", question=markdown.plain(turn.searched)))
    cited = {citation.marker for citation in turn.citations if citation.supported}
    for passage in turn.passages:
        with st.container(border=True):
            _card(turn, passage, cited=passage.rank in cited, interactive=interactive)


def _found(passages: Sequence[Passage]) -> str:
    """How many they are, and what put them in order."""
    if any(passage.rerank_score is not None for passage in passages):
        return tn(
            "One passage found and reranked",
            "{n} passages found, in the order of the reranker",
            len(passages),
        )
    return tn("One passage found", "{n} passages found, best by meaning and words first", len(passages))


def _card(turn: Turn, passage: Passage, *, cited: bool, interactive: bool) -> None:
    badge = f" :green-badge[:material/check: {t('cited')}]" if cited else ""
    st.subheader(
        f"{passage.rank} · {markdown.plain(passage.name)}{badge}", anchor=f"{anchor(turn)}-{passage.rank}"
    )
    if where := place(passage):
        st.caption(markdown.plain(where))
    _scores(passage)
    if passage.picture:
        content(passage, "")
    else:
        with st.container(key=f"{'full' if cited else 'clip'}-{turn.id}-{passage.rank}"):
            content(passage, turn.searched or turn.question)
    if interactive:
        with st.container(horizontal=True):
            _buttons(turn, passage)


def _buttons(turn: Turn, passage: Passage) -> None:
    label = t("See the page") if _has_picture(passage) else t("Open")
    key = f"{turn.id}-{passage.rank}"
    if st.button(label, key=f"open-{key}", icon=":material/open_in_full:", type="tertiary"):
        open_passage(passage, turn.question)
    neighbours_button(passage, key=key)
    if passage.picture:
        st.button(
            t("Find similar"),
            key=f"similar-{key}",
            icon=":material/image_search:",
            type="tertiary",
            on_click=_want_similar,
            args=(passage.picture,),
        )


def neighbours_button(passage: Passage, *, key: str) -> None:
    """A button that asks the page for a passage's neighbours."""
    st.button(
        t("Neighbours"),
        key=f"neighbours-{key}",
        icon=":material/hub:",
        type="tertiary",
        on_click=_want_neighbours,
        args=(passage.chunk_id,),
    )


def _want_neighbours(chunk_id: str) -> None:
    st.session_state["wanted_neighbours"] = chunk_id


def _want_similar(picture: str) -> None:
    st.session_state["wanted_picture"] = picture


def summary(passage: Passage) -> None:
    """A passage where it stands alone: its name, place, scores and content."""
    st.markdown(f"**{markdown.plain(passage.name)}**")
    if where := place(passage):
        st.caption(markdown.plain(where))
    _scores(passage)
    content(passage, "", width=SUMMARY_WIDTH)


def content(passage: Passage, question: str, *, width: int | Literal["content"] = "content") -> None:
    """The picture of a passage, `width` pixels wide, or its text with the question's words marked."""
    if not passage.picture:
        st.markdown(markdown.marked(markdown.without_heading_marks(passage.text), question))
        return
    try:
        picture = engine().picture(passage.picture)
    except RagError as error:
        st.info(markdown.plain(tell(error)), icon=":material/info:")
        return
    on_page = t("Picture on page {page} of {name}", page=passage.page, name=passage.name)
    alone = t("Picture {name}", name=passage.name)
    st.image(picture, width=width, alt=on_page if passage.page else alone)


def _scores(passage: Passage) -> None:
    if passage.cosine is None and passage.keyword_score is None:
        return
    if passage.cosine is None:
        text = t("Keyword score {score}", score=f"{passage.keyword_score or 0:.1f}")
        st.caption(text + rerank_score(passage))
        return
    text = t("Similarity {cosine}", cosine=f"{passage.cosine:.3f}")
    if passage.relevance is not None:
        text += " · " + t("relevance {percent} %", percent=round(100 * passage.relevance))
    st.progress(min(1.0, max(0.0, passage.cosine)), text=text + rerank_score(passage))


def rerank_score(passage: Passage) -> str:
    """What a reranker gave the passage, to stand behind other scores; "" where none did."""
    if passage.rerank_score is None:
        return ""
    return " · " + t("rerank score {score}", score=f"{passage.rerank_score:.3f}")


def _has_picture(passage: Passage) -> bool:
    document = engine().catalog.documents.find(passage.document_id)
    return passage.page is not None and document is not None and document.kind == "pdf"


def open_passage(passage: Passage, question: str) -> None:
    """One passage in full, with the picture of its page where it has one."""

    @st.dialog(markdown.plain(passage.name), width="large", icon=":material/description:")
    def dialog() -> None:
        if where := place(passage):
            st.caption(markdown.plain(where))
        _scores(passage)
        content(passage, question)
        if not engine().has_document(passage.document_id):
            st.info(
                t("This document has been deleted; the answer keeps its passages."), icon=":material/info:"
            )
        elif _has_picture(passage):
            _picture(passage)

    dialog()


def _picture(passage: Passage) -> None:
    try:
        with st.spinner(t("Drawing the page …")):
            marked = "" if passage.picture else passage.text
            picture = engine().page_picture(passage.document_id, passage.page or 1, highlight=marked)
    except RagError as error:
        st.info(markdown.plain(tell(error)), icon=":material/info:")
        if asks_for_password(error.message) and ask_password(passage.document_id):
            st.rerun(scope="fragment")
        return
    st.image(picture, width="stretch", alt=t("Page {page} of {name}", page=passage.page, name=passage.name))
