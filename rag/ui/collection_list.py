"""All collections with their sizes, and the form for a new one."""

import streamlit as st

from rag.ui.facts import number
from rag.ui.hnsw_fields import changeable_fields, chosen, fixed_fields, options_text
from rag.ui.models import embedder_choices
from rag.ui.session import engine
from rag.ui.switching import collection_name, model_box, tell_where_text_goes
from rag.ui.telling import done, errors_told
from rag.ui.text import t


def listing() -> None:
    """Every collection, its model, its size and the options of its index."""
    catalog = engine().catalog
    rows = []
    for each in catalog.collections.all():
        rows.append(
            {
                t("Name"): collection_name(each.name),
                t("Model"): each.fingerprint.id,
                t("Dimensions"): number(each.fingerprint.dimension),
                t("Documents"): number(len(catalog.documents.ready_ids(each.id))),
                t("Records"): number(catalog.chunks.count(each.id)),
                t("Space"): each.hnsw.get("space", "cosine"),
                t("Other options"): options_text(
                    {key: value for key, value in each.hnsw.items() if key != "space"}
                ),
            }
        )
    st.dataframe(rows, hide_index=True, width="stretch")
    with errors_told():
        chroma = engine().workbench.browsing.chroma()
        st.caption(
            t(
                "Chroma {version} answers. Indexes: {n}. Rows a call, at most: {rows}.",
                version=chroma.version,
                n=number(chroma.indexes),
                rows=number(chroma.most_rows),
            )
        )


def create_form() -> None:
    """A new collection with a model and an index of its own."""
    with st.expander(t("New collection"), icon=":material/create_new_folder:", key="create-collection"):
        name = st.text_input(t("Name"), key="create-name")
        choices = list(dict.fromkeys([engine().settings.embedder, *embedder_choices()]))
        model = model_box(choices, "create-model", index=0)
        if model:
            tell_where_text_goes(model)
        st.markdown(f"**{t('Chosen once')}**")
        fixed = fixed_fields("create")
        st.markdown(f"**{t('Can be changed later')}**")
        later = changeable_fields("create", {})
        if not st.button(t("Create"), key="create", type="primary"):
            return
        with errors_told():
            with st.spinner(t("Loading the model …")):
                engine().create_collection(name, embedder=model, hnsw=chosen({**fixed, **later}))
            _look_at(name.strip())
            done(t("“{name}” is created.", name=name.strip()))


def _look_at(name: str) -> None:
    """Show this collection from now on."""
    st.session_state["conversation"] = None
    st.query_params.pop("c", None)
    st.session_state["wanted_collection"] = name
