"""Another program's Chroma on the page: opened without a change to it, searched, adopted."""

import streamlit as st
from babel.numbers import format_decimal

from rag.adoption import ForeignSearch, Wish
from rag.adoption.choosing import known_models
from rag.errors import RagError
from rag.ui.adoption_state import ended, running
from rag.ui.facts import file_size
from rag.ui.markdown import plain
from rag.ui.models import embedder_choices
from rag.ui.session import engine
from rag.ui.switching import model_box, tell_where_text_goes
from rag.ui.text import language, t, tell
from rag.vector_index.foreign_records import ForeignCollection, ForeignHit

MOST_HITS = 5
SHOWN = 300  # letters of a text


def adopting() -> None:
    """What to open, what is in it, and what becomes of it.

    Only for those who may change the settings: it reads the folders of the computer Passage runs on.
    """
    if not engine().may_edit_settings:
        return
    adoption = engine().adoption
    state = adoption.state
    is_wanted = adoption.opened is not None or state is not None
    with st.expander(
        t("Bring in an existing Chroma folder"), icon=":material/move_to_inbox:", expanded=is_wanted
    ):
        if state and state.stage == "running":
            running()
            return
        if state:
            ended(state)
        if adoption.opened is None:
            _open()
        else:
            _opened(adoption.opened.origin)


def _open() -> None:
    st.caption(
        t(
            "A folder or a server that another program filled. Nothing in it is changed: a folder is copied "
            "for as long as you look into it."
        )
    )
    place = st.text_input(
        t("Folder, or address of a Chroma server"), key="adopt-place", placeholder="http://127.0.0.1:8000"
    ).strip()
    if not place:
        return
    try:
        if size := engine().adoption.size_of(place):
            st.caption(t("{size} will be copied.", size=file_size(size)))
        if st.button(t("Open"), key="adopt-open", type="primary", icon=":material/folder_open:"):
            with st.spinner(t("Opening …")):
                engine().adoption.open(place)
            engine().adoption.forget()
            st.rerun()
    except RagError as error:
        st.error(plain(tell(error)), icon=":material/error:")


def _opened(origin: str) -> None:
    row = st.container(horizontal=True, vertical_alignment="center", wrap=False)
    row.markdown(f"**{plain(origin)}**", width="stretch")
    if row.button(t("Close"), key="adopt-close", icon=":material/close:", type="tertiary"):
        engine().adoption.close()
        engine().adoption.forget()
        st.session_state.pop("foreign-found", None)
        st.rerun()
    foreign = engine().adoption.opened
    try:
        names = foreign.names() if foreign else []
        name = st.selectbox(t("Collection there"), names, key="adopt-collection")
        if foreign is None or name is None:
            st.info(t("There is no collection in it."), icon=":material/info:")
            return
        collection = foreign.collection(name)
    except RagError as error:
        st.error(plain(tell(error)), icon=":material/error:")
        return
    _described(collection)
    model = _model(collection)
    search, adopt = st.tabs([t("Search it"), t("Adopt it")])
    with search:
        _search(collection, model)
    with adopt:
        _adopt(collection, model)


def _described(collection: ForeignCollection) -> None:
    records = format_decimal(collection.records, locale=language())
    facts = [t("{n} records", n=records), space_name(collection.space)]
    if collection.dimension:
        facts.append(t("{n} dimensions", n=collection.dimension))
    if collection.keys:
        facts.append(t("keys: {names}", names=", ".join(collection.keys)))
    st.caption(plain(" · ".join(facts)))
    if collection.with_text < collection.looked_at:
        text = t(
            "Of the first {n} records {with_text} hold text.",
            n=collection.looked_at,
            with_text=collection.with_text,
        )
        st.warning(text, icon=":material/warning:")
    if not collection.has_vectors:
        st.warning(
            t("Its vectors cannot be read: their files are damaged. Its texts can be adopted."),
            icon=":material/warning:",
        )
    st.dataframe(
        {
            t("Id"): [each.id for each in collection.shown],
            t("Text"): [(each.text or "")[:SHOWN] for each in collection.shown],
            t("Metadata"): [
                ", ".join(f"{key}: {value}" for key, value in sorted(each.metadata.items()))
                for each in collection.shown
            ],
        },
        hide_index=True,
    )


def space_name(space: str) -> str:
    """A distance as people call it."""
    names = {
        "cosine": t("cosine distance"),
        "l2": t("squared L2 distance"),
        "ip": t("inner-product distance"),
    }
    return names.get(space, space)


def _model(collection: ForeignCollection) -> str | None:
    """The model to use, None to let it be found."""
    named = " / ".join(known_models(collection))
    if collection.function and named:
        st.markdown(t("It names the model that made its vectors: {models}", models=f"`{named}`"))
    else:
        st.markdown(t("It does not say which model made its vectors."))
    model = model_box(embedder_choices(), "adopt-model")
    if model:
        tell_where_text_goes(model)
    else:
        st.caption(t("Without a choice Passage looks for the model on this computer that made the vectors."))
    return model


def _search(collection: ForeignCollection, model: str | None) -> None:
    with st.form("foreign-search", border=False):
        question = st.text_input(t("Question"), key="foreign-question")
        is_asked = st.form_submit_button(t("Search"), type="primary", icon=":material/search:")
    if is_asked:
        try:
            with st.spinner(t("Searching …")):
                found = engine().adoption.search(collection.name, question, embedder=model, n=MOST_HITS)
        except RagError as error:
            st.session_state.pop("foreign-found", None)
            st.error(plain(tell(error)), icon=":material/error:")
            return
        st.session_state["foreign-found"] = (collection.name, found)
    name, found = st.session_state.get("foreign-found", ("", None))
    if found and name == collection.name:
        _found(found)


def _found(found: ForeignSearch) -> None:
    st.caption(t("Embedded by {model}", model=f"`{found.embedder}`"))
    for notice in found.notices:
        st.warning(plain(tell(notice)), icon=":material/warning:")
    for rank, hit in enumerate(found.hits, start=1):
        _hit(rank, hit, found.space)


def _hit(rank: int, hit: ForeignHit, space: str) -> None:
    with st.container(border=True, key=f"foreign-hit-{rank}"):
        st.markdown(f"**{rank} · {plain(hit.record.id)}**")
        scores = (
            t("Similarity {cosine}", cosine=f"{hit.cosine:.3f}"),
            f"{space_name(space)} {hit.distance:.4f}",
            *(f"{key}: {value}" for key, value in sorted(hit.record.metadata.items())),
        )
        st.caption(plain(" · ".join(scores)))
        st.markdown(plain(hit.record.text) if hit.record.text else t("No text"))


def _adopt(collection: ForeignCollection, model: str | None) -> None:
    with st.form("adopt", border=False):
        name = st.text_input(t("Name"), value=collection.name, key=f"adopt-name-{collection.name}")
        groups = {
            "auto": t("By where the records come from, if they say so"),
            "each": t("One document for each record"),
            **{f"key-{key}": t("By {key}", key=key) for key in collection.keys},
        }
        group = st.selectbox(t("Documents"), list(groups), format_func=groups.__getitem__, key="adopt-groups")
        ways = {
            "auto": t("Keep them if a sample shows that the model made them"),
            "again": t("Embed all texts again"),
        }
        vectors = st.radio(t("Vectors"), list(ways), format_func=ways.__getitem__, key="adopt-vectors")
        is_wanted = st.form_submit_button(t("Adopt"), type="primary", icon=":material/move_to_inbox:")
    if not is_wanted:
        return
    wish = Wish(
        collection.name,
        name,
        embedder=model,
        vectors="again" if vectors == "again" else "auto",
        group_by=group.removeprefix("key-") if group.startswith("key-") else None,
        one_each=group == "each",
    )
    try:
        engine().adoption.start(wish)
    except RagError as error:
        st.error(plain(tell(error)), icon=":material/error:")
        return
    st.rerun()
