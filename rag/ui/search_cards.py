"""A passage among others that were found in other ways, and its neighbours."""

from collections.abc import Mapping

import streamlit as st

from rag.documents import Passage
from rag.retrieval import Mode
from rag.retrieval.side_by_side import MODES
from rag.ui import markdown, passages
from rag.ui.text import t


def mode_name(mode: Mode) -> str:
    """A way of searching as people call it."""
    names: Mapping[Mode, str] = {
        "dense": t("By meaning"),
        "keyword": t("By keywords"),
        "hybrid": t("By both"),
    }
    return names[mode]


def card(passage: Passage, mode: Mode, ranks: Mapping[Mode, int], question: str) -> None:
    """A passage with every score it has and its ranks in the other ways."""
    key = f"{mode}-{passage.rank}"
    with st.container(border=True, key=f"found-{key}"):
        st.markdown(f"**{passage.rank} · {markdown.plain(passage.name)}**")
        if where := passages.place(passage):
            st.caption(markdown.plain(where))
        st.caption(scores(passage))
        st.markdown(" ".join(_elsewhere(mode, ranks)))
        with st.container(key=f"clip-{key}"):
            passages.content(passage, question)
        with st.container(horizontal=True):
            if st.button(t("Open"), key=f"open-{key}", icon=":material/open_in_full:", type="tertiary"):
                passages.open_passage(passage, question)
            passages.neighbours_button(passage, key=key)


def scores(passage: Passage) -> str:
    """Every score of a passage; what has none is left out."""
    parts = []
    if passage.cosine is not None:
        parts.append(t("Similarity {cosine}", cosine=f"{passage.cosine:.3f}"))
    if passage.relevance is not None:
        parts.append(t("relevance {percent} %", percent=round(100 * passage.relevance)))
    if passage.keyword_score is not None:
        parts.append(t("BM25 {score}", score=f"{passage.keyword_score:.2f}"))
    if passage.score:
        parts.append(t("score {score}", score=f"{passage.score:.3f}"))
    return " · ".join(parts) + passages.rerank_score(passage)


def _elsewhere(mode: Mode, ranks: Mapping[Mode, int]) -> list[str]:
    """A badge for each other way with the passage's rank there; grey where it has none."""
    return [
        f":green-badge[{mode_name(each)} \\#{ranks[each]}]"
        if each in ranks
        else f":gray-badge[{mode_name(each)} –]"
        for each in MODES
        if each != mode
    ]
