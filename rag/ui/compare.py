"""The page to compare texts on: a query and texts, by one or several embedders side by side."""

from collections.abc import Sequence

import streamlit as st

from rag.errors import RagError
from rag.likeness import MOST_TEXTS, TextsCompared
from rag.ui.compared import show_compared
from rag.ui.example_texts import TEXT_SETS
from rag.ui.markdown import plain
from rag.ui.models import embedder_choices
from rag.ui.session import engine
from rag.ui.text import LANGUAGES, language, t, tell
from rag.whereabouts import texts_go_to


def page() -> None:
    """Type texts, choose models, see which texts are alike."""
    st.title(t("Compare"), anchor=False)
    st.caption(t("See how alike texts are to a model. Nothing of it is kept, nor added to your documents."))
    query, texts = _texts()
    chosen = _embedders()
    for embedder in chosen:
        _tell_where_text_goes(embedder)
    asked = (query, texts, tuple(chosen))
    is_wanted = st.button(t("Compare"), type="primary", icon=":material/compare_arrows:")
    with st.container():  # the results keep their place, whatever is told above them
        if is_wanted:
            st.session_state["texts_compared"] = (asked, _compare(query, texts, chosen))
        before, compared = st.session_state.get("texts_compared", (asked, None))
        if compared and before != asked:
            st.info(t("These are the results of before your last change. Press Compare for new ones."))
    if compared:
        show_compared(compared)


def _texts() -> tuple[str, str]:
    """What is typed; it is still there after a look at another page."""
    example = TEXT_SETS[language()]
    kept = st.session_state.setdefault(
        "compare_kept", {"query": example.query, "texts": "\n".join(example.texts)}
    )
    row = st.container(horizontal=True, vertical_alignment="center")
    row.caption(t("Begin with an example"))
    for code in TEXT_SETS:
        row.button(LANGUAGES[code], key=f"compare-example-{code}", on_click=_take_example, args=(code,))
    st.session_state.setdefault("compare-query", kept["query"])
    st.session_state.setdefault("compare-texts", kept["texts"])
    query = st.text_input(
        t("Query"), key="compare-query", help=t("Leave it empty to compare the texts alone.")
    )
    texts = st.text_area(
        t("Texts, one a line, at most {most}", most=MOST_TEXTS), key="compare-texts", height=170
    )
    st.session_state["compare_kept"] = {"query": query, "texts": texts}
    return query, texts


def _take_example(code: str) -> None:
    st.session_state["compare-query"] = TEXT_SETS[code].query
    st.session_state["compare-texts"] = "\n".join(TEXT_SETS[code].texts)


def _embedders() -> list[str]:
    settings = engine().settings
    kept = st.session_state.setdefault("compare_models", [settings.embedder])
    choices = list(dict.fromkeys([*embedder_choices(), settings.embedder, *kept]))
    may_type = engine().may_edit_settings
    st.session_state.setdefault("compare-models", kept)
    chosen = st.multiselect(
        t("Models"),
        choices,
        key="compare-models",
        accept_new_options=may_type,
        placeholder=t("Choose one, or type provider:model") if may_type else t("Choose a model"),
    )
    allowed = [each for each in chosen if may_type or each in choices]  # the box takes what a browser sends
    st.session_state["compare_models"] = allowed
    return allowed


def _tell_where_text_goes(embedder: str) -> None:
    try:
        told = texts_go_to(engine().models, embedder)
    except RagError:  # told among the results
        return
    sentence = tell(told) if told else t("Texts and questions stay on this computer.")
    icon = "public" if told else "lock"
    st.caption(f":material/{icon}: {plain(embedder)} · {plain(sentence)}")


def _compare(query: str, texts: str, embedders: Sequence[str]) -> TextsCompared | None:
    try:
        with st.spinner(t("Comparing …")):
            return engine().compare_texts(query, texts.splitlines(), embedders)
    except RagError as error:
        st.error(plain(tell(error)), icon=":material/error:")
        return None
