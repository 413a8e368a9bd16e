"""The page to look behind a search: one question by meaning, by keywords and by both, side by side."""

from collections.abc import Sequence

import streamlit as st

from rag.documents import Notice
from rag.retrieval import Mode, Query, SearchResult
from rag.retrieval.side_by_side import MODES, SideBySide
from rag.ui import search_options
from rag.ui.equivalent import command, python
from rag.ui.markdown import plain
from rag.ui.neighbours import show_wanted
from rag.ui.search_cards import card, mode_name
from rag.ui.session import collection, engine
from rag.ui.text import t, tell, tn
from rag.ui.why_not import why_not


def page() -> None:
    """Ask, compare, find out why something is missing."""
    st.title(t("Search"), anchor=False)
    with st.sidebar:
        options = search_options.choose()
    if not engine().catalog.chunks.count(collection().id):
        st.info(t("Add documents in the library first. Then you can search here."), icon=":material/info:")
        return
    question = _question(is_valid=options.is_valid)
    if not question:
        st.caption(
            t(
                "One question by meaning, by keywords and by both, with every score: see what a search does, "
                "and why a passage is missing."
            )
        )
        return
    query = options.query(question)
    found = _found(query)
    _results(found, question)
    why_not(query)
    _equivalent(query)
    show_wanted()


def _question(*, is_valid: bool) -> str:
    row = st.container(horizontal=True, vertical_alignment="bottom")
    question = row.text_input(
        t("Question"),
        key="search-question",
        placeholder=t("What are you looking for?"),
        help=t("Words in double quotes must stand in a passage as they are."),
        persist_state="session",
        disabled=not is_valid,
    ).strip()
    row.button(t("Search"), icon=":material/search:", type="primary", disabled=not is_valid)
    return question if is_valid else ""


def _found(query: Query) -> SideBySide:
    """What was found; kept while nothing changes, so that a click elsewhere does not search again."""
    key = (collection(), query, engine().catalog.documents.generation)
    kept = st.session_state.get("side-by-side")
    if kept and kept[0] == key:
        return kept[1]  # type: ignore[no-any-return]
    with st.spinner(t("Searching your documents …")):
        found = engine().search_side_by_side(collection(), query)
    is_whole = not found.failures and not any(each.notices for each in found.results.values())
    st.session_state["side-by-side"] = (key, found) if is_whole else None
    return found


def _results(found: SideBySide, question: str) -> None:
    common = _common([each.notices for each in found.results.values()])
    for notice in common:
        st.info(plain(tell(notice)), icon=":material/info:")
    shown = _tabs()
    with st.container(key="modes"):
        for mode, column in zip(MODES, st.columns(len(MODES)), strict=True):
            state = "open" if mode == shown else "folded"
            with column, st.container(key=f"mode-{state}-{mode}"):
                _mode(found, mode, question, common)


def _tabs() -> Mode:
    """Which mode a narrow screen shows; a wide one shows them all and hides this."""
    with st.container(key="mode-tabs"):
        chosen = st.segmented_control(
            t("Way of searching"),
            MODES,
            format_func=mode_name,
            default="hybrid",
            required=True,
            key="search-mode",
            label_visibility="collapsed",
            width="stretch",
        )
    return chosen or "hybrid"


def _common(notices: Sequence[Sequence[Notice]]) -> list[Notice]:
    """What every mode says, to be said once."""
    first = notices[0] if len(notices) > 1 else ()
    return [each for each in first if all(each in others for others in notices)]


def _mode(found: SideBySide, mode: Mode, question: str, common: Sequence[Notice]) -> None:
    st.subheader(mode_name(mode), anchor=False)
    if failure := found.failures.get(mode):
        st.error(plain(tell(failure)), icon=":material/error:")
        return
    result = found.results[mode]
    st.caption(_summary(result))
    for notice in result.notices:
        if notice not in common:
            st.info(plain(tell(notice)), icon=":material/info:")
    if not result.passages:
        st.caption(t("Nothing was found this way."))
    for passage in result.passages:
        card(passage, mode, found.ranks[passage.chunk_id], question)


def _summary(result: SearchResult) -> str:
    times = t(
        "embedding {embed} ms, searching {search} ms",
        embed=round(1000 * result.seconds["embed"]),
        search=round(1000 * result.seconds["search"]),
    )
    if "rerank" in result.seconds:
        times += " · " + t("reranking {rerank} ms", rerank=round(1000 * result.seconds["rerank"]))
    count = tn("One passage", "{n} passages", len(result.passages))
    return f"{count} · {times}"


def _equivalent(query: Query) -> None:
    name, least = collection().name, engine().settings.min_similarity
    with st.expander(t("The same search as a command and in Python"), icon=":material/terminal:"):
        st.code(command(name, query, settings_minimum=least), language="bash", wrap_lines=True)
        st.code(python(name, query), language="python", wrap_lines=True)
