"""What can be done with a whole collection: configured, renamed, copied, merged, deleted."""

import streamlit as st

from rag.catalog import DEFAULT_NAME, Collection
from rag.ui.hnsw_fields import (
    FIXED,
    changeable_fields,
    chosen,
    options_text,
    space_meaning,
    space_name,
)
from rag.ui.markdown import plain
from rag.ui.session import engine
from rag.ui.switching import collection_name
from rag.ui.telling import done, errors_told
from rag.ui.text import t


def actions(present: Collection) -> None:
    """The collection that is looked at, and what can be done with it."""
    with st.container(border=True):
        st.markdown(f"**{plain(collection_name(present.name))}**")
        space = str(present.hnsw.get("space", "cosine"))
        st.caption(plain(f"{space_name(space)}: {space_meaning(space)}"))
        if fixed := options_text(present.hnsw, [name for name in FIXED if name != "space"]):
            st.caption(plain(fixed))
        _configure(present)
        _rename(present)
        _copy(present)
        _merge(present)
        _delete(present)


def _configure(present: Collection) -> None:
    with st.expander(t("Configure the index"), icon=":material/tune:"):
        values = changeable_fields(f"configure-{present.index_name}", present.hnsw)
        st.caption(
            t(
                "In effect at once. Space, ef_construction and max_neighbors are chosen when a collection is "
                "made: copy it to have it with others."
            )
        )
        if st.button(t("Apply"), key="configure", type="primary"):
            changed = chosen(values, present.hnsw)
            with errors_told():
                engine().workbench.collections.configure(present, changed)
                done(t("The index is configured."))


def _rename(present: Collection) -> None:
    with st.expander(t("Rename"), icon=":material/edit:"):
        name = st.text_input(t("New name"), key=f"rename-{present.id}")
        if st.button(t("Rename"), key="rename", type="primary"):
            with errors_told():
                engine().catalog.collections.rename(present, name)
                st.session_state["wanted_collection"] = name.strip()
                done(t("The collection is called “{name}” now.", name=name.strip()))


def _copy(present: Collection) -> None:
    with st.expander(t("Copy"), icon=":material/content_copy:"):
        name = st.text_input(t("Name of the copy"), key=f"copy-{present.id}")
        space = st.selectbox(
            t("Space of the copy"),
            ["cosine", "l2", "ip"],
            index=["cosine", "l2", "ip"].index(str(present.hnsw.get("space", "cosine"))),
            format_func=space_name,
            key=f"copy-space-{present.id}",
        )
        st.caption(t("Its vectors are used again: nothing is embedded."))
        if st.button(t("Copy"), key="copy", type="primary"):
            with errors_told():
                with st.spinner(t("Copying …")):
                    engine().workbench.collections.copy(present, name, hnsw={"space": space})
                st.session_state["wanted_collection"] = name.strip()
                done(t("“{name}” is created.", name=name.strip()))


def _merge(present: Collection) -> None:
    others = {each.name: each for each in engine().catalog.collections.all() if each.id != present.id}
    if not others:
        return
    with st.expander(t("Merge into another collection"), icon=":material/merge:"):
        chosen_name = st.selectbox(
            t("Into"), list(others), format_func=collection_name, key=f"merge-{present.id}"
        )
        st.caption(
            t(
                "Everything here is copied into that collection, which must have the same model. This one "
                "stays as it is."
            )
        )
        if st.button(t("Merge"), key="merge", type="primary"):
            with errors_told():
                with st.spinner(t("Copying …")):
                    merged = engine().workbench.collections.merge(present, others[chosen_name])
                done(
                    t(
                        "Copied into “{name}”: {n} records. Documents whose content was there already: "
                        "{present}.",
                        name=collection_name(chosen_name),
                        n=merged.records,
                        present=len(merged.present),
                    )
                )


def _delete(present: Collection) -> None:
    with st.popover(t("Delete the collection"), icon=":material/delete:", type="tertiary"):
        name = collection_name(present.name)
        st.markdown(
            plain(
                t(
                    "Delete “{name}” with all its documents and conversations? This cannot be undone.",
                    name=name,
                )
            )
        )
        if st.button(t("Delete"), key="delete-collection", type="primary"):
            with errors_told():
                engine().delete_collection(present)
                st.session_state["conversation"] = None
                st.query_params.pop("c", None)
                rest = [each.name for each in engine().catalog.collections.all()]
                st.session_state["wanted_collection"] = next(iter(rest), DEFAULT_NAME)
                done(t("“{name}” is deleted.", name=name))
