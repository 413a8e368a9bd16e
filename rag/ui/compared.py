"""What comparing texts gave: for each model a sorted list, maps of all pairs, and what is not read."""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rag.likeness import Likeness, Measures, TextsCompared
from rag.ui.facts import number
from rag.ui.heat_map import heat_map
from rag.ui.markdown import plain
from rag.ui.text import t, tell, tn

MOST_COLUMNS = 3  # models that have room side by side
PER_PAGE = 20


def show_compared(compared: TextsCompared) -> None:
    """Every model's view of the texts, and what the numbers mean."""
    _meaning(has_query=bool(compared.query))
    models = compared.likenesses
    places: Sequence[DeltaGenerator]
    if len(models) <= MOST_COLUMNS:
        places = st.columns(len(models), gap="medium")
    else:
        places = st.tabs([plain(each.embedder) for each in models])
    for place, likeness in zip(places, models, strict=True):
        with place:
            _model(compared, likeness, alone=len(models) == 1)
    _legend(compared)


def _meaning(*, has_query: bool) -> None:
    lines = [
        t(
            "The vectors have length 1, so both measures say the same (Euclid² = 2 − 2 · cosine) and sort "
            "alike. Models spread their cosines differently: compare their orders, not their numbers."
        )
    ]
    if has_query:
        lines.append(
            t(
                "In the list the query is embedded as a question, with the prefix that the model wants; "
                "among all pairs everything is embedded as a document, so that any two texts are equals."
            )
        )
    for line in lines:
        st.caption(plain(line))


def _model(compared: TextsCompared, likeness: Likeness, *, alone: bool) -> None:
    st.markdown(f"**{plain(likeness.embedder)}**")
    found = likeness.measures
    if likeness.error:
        st.error(plain(tell(likeness.error)), icon=":material/error:")
    if found is None:
        return
    st.caption(_facts(found))
    _not_read(compared, likeness.embedder, found)
    if compared.query:
        _sorted(compared, likeness.embedder, found)
    left, right = st.columns(2, gap="medium") if alone else (st.container(), st.container())
    names = compared.labels
    texts = [compared.query, *compared.texts] if compared.query else compared.texts
    with left:
        st.markdown(t("Cosine similarity of all pairs"))
        _map(likeness.embedder, "cosine", found, names, texts)
    with right:
        st.markdown(t("Euclidean distance of all pairs"))
        _map(likeness.embedder, "euclid", found, names, texts)


def _map(embedder: str, kind: str, found: Measures, labels: Sequence[str], texts: Sequence[str]) -> None:
    is_cosine = kind == "cosine"
    matrix = found.cosine if is_cosine else found.euclid
    heat_map(matrix, labels, texts, alike_is_high=is_cosine, key=f"map-{kind}-{embedder}")


def _facts(found: Measures) -> str:
    facts = [t("{n} dimensions", n=found.dimension)]
    if found.window:
        facts.append(t("reads {n} tokens at once", n=number(found.window)))
    return " · ".join(facts)


def _sorted(compared: TextsCompared, embedder: str, found: Measures) -> None:
    """The texts, nearest first, each a bar as long as its cosine."""
    order = found.nearest_first
    pages = -(-len(order) // PER_PAGE)
    chosen = (st.pagination(pages, key=f"sorted-{embedder}-{pages}") or 1) if pages > 1 else 1
    with st.container(gap="xsmall", key=f"sorted-list-{embedder}"):
        for text in order[(chosen - 1) * PER_PAGE : chosen * PER_PAGE]:
            cosine = float(found.query_cosine[text])
            facts = t(
                "cosine {cosine}, Euclid {euclid}, {tokens}",
                cosine=f"{cosine:.3f}",
                euclid=f"{found.query_euclid[text]:.3f}",
                tokens=tn("one token", "{n} tokens", found.readings[text + 1].tokens),
            )
            label = f"**T{text + 1}** {plain(_short(compared.texts[text]))}  \n{plain(facts)}"
            st.progress(min(1.0, max(0.0, cosine)), text=label)


def _not_read(compared: TextsCompared, embedder: str, found: Measures) -> None:
    cut = [(label, each) for label, each in zip(compared.labels, found.readings, strict=True) if each.cut]
    if not cut:
        return
    st.warning(
        tn(
            "One text is longer than the window; only its beginning is compared.",
            "{n} texts are longer than the window; only their beginnings are compared.",
            len(cut),
        ),
        icon=":material/content_cut:",
    )
    with st.expander(t("What is not read"), icon=":material/visibility_off:", key=f"cut-{embedder}"):
        for label, reading in cut:
            st.caption(f"{label} · " + tn("one token", "{n} tokens", reading.tokens))
            with st.container(height=160, border=True):
                st.markdown(plain(f"… {reading.cut}"))


def _legend(compared: TextsCompared) -> None:
    """The texts by the names that the maps give them, with their tokens by each model."""
    with st.expander(t("The texts and their tokens"), icon=":material/list:", expanded=True, key="legend"):
        texts = [compared.query, *compared.texts] if compared.query else compared.texts
        columns: dict[str, list[str]] = {
            t("Name"): compared.labels,
            t("What it says"): [plain(_short(text)) for text in texts],
        }
        for each in compared.likenesses:
            if each.measures:
                tokens = [number(reading.tokens) for reading in each.measures.readings]
                columns[t("Tokens by {model}", model=plain(each.embedder))] = tokens
        st.table(columns, hide_index=True)
        st.caption(t("Where a model's own tokeniser is not on this computer, its tokens are estimated."))


def _short(text: str) -> str:
    return text if len(text) <= 300 else text[:300] + " …"
