"""A collection's model on the page: which it is, another one built beside it, compared, swapped, removed."""

from collections.abc import Sequence

import streamlit as st
from babel.numbers import format_currency, format_decimal

from rag.catalog import DEFAULT_NAME, Collection
from rag.errors import RagError
from rag.model_catalogue import find_model
from rag.switching import QuestionCompared, Switch
from rag.ui.markdown import plain
from rag.ui.session import collection, engine
from rag.ui.text import language, t, tell, tn

QUESTIONS = 20
LEAST_SHOWN = 0.01  # of a currency


def collection_name(name: str) -> str:
    """A collection's name as people see it."""
    return t("My documents") if name == DEFAULT_NAME else name


def model_of_the_collection(choices: Sequence[str]) -> None:
    """The collection's model and the way to another; `choices` are the models that are ready."""
    present = collection()
    with st.container(border=True):
        st.markdown(f"**{plain(collection_name(present.name))}**")
        st.markdown(_described(present.fingerprint.id, present.fingerprint.dimension))
        tell_where_text_goes(present.fingerprint.id)
        switch = engine().switching.state(present)
        if switch is None:
            _choose(present, [choice for choice in choices if choice != present.fingerprint.id])
        elif switch.stage == "building":
            _building()
        elif switch.stage == "complete":
            _complete(present, switch)
        else:
            _unfinished(present, switch)


def new_collection(choices: Sequence[str]) -> None:
    """A form for a collection with a model of its own."""
    with st.expander(t("New collection"), icon=":material/create_new_folder:"):
        with st.form("new-collection", border=False, clear_on_submit=False):
            name = st.text_input(t("Name"), key="new-collection-name")
            model = model_box(choices, "new-collection-model")
            made = st.form_submit_button(t("Create"), type="primary")
        if made and not (name.strip() and model):
            st.error(t("Type a name and choose a model."), icon=":material/error:")
        elif made:
            try:
                with st.spinner(t("Loading the model …")):
                    engine().create_collection(name, embedder=model)
            except RagError as error:
                st.error(plain(tell(error)), icon=":material/error:")
                return
            st.session_state["conversation"] = None
            st.query_params.pop("c", None)
            st.session_state["wanted_collection"] = name.strip()
            st.rerun()


def model_box(choices: Sequence[str], key: str, *, index: int | None = None) -> str | None:
    """A box to choose a model; others can be typed by those who may change the settings."""
    may_type = engine().may_edit_settings
    chosen = st.selectbox(
        t("Model"),
        choices,
        index=index,
        placeholder=t("Choose one, or type provider:model") if may_type else t("Choose a model"),
        accept_new_options=may_type,
        key=key,
    )
    return chosen if may_type or chosen in choices else None  # the box itself takes what a browser sends


def tell_where_text_goes(model_id: str) -> None:
    """Who gets texts, questions or vectors where this model embeds, or that nobody does."""
    try:
        told = engine().receivers(model_id)
    except RagError as error:
        st.caption(f":material/error: {plain(tell(error))}")
        return
    for notice in told:
        st.caption(f":material/public: {plain(tell(notice))}")
    if not told:
        st.caption(f":material/lock: {t('Texts and questions stay on this computer.')}")


def cost_text(model_id: str, tokens: int) -> str:
    """What embedding so many tokens costs, "" where it costs nothing or no price is known.

    Raises UsageError, ProviderError.
    """
    cost = engine().models.cost_of(model_id, tokens)
    if not cost:
        return ""
    amount, currency = cost
    if 0 < amount < LEAST_SHOWN:
        return t("less than {cost}", cost=format_currency(LEAST_SHOWN, currency, locale=language()))
    return t("about {cost}", cost=format_currency(amount, currency, locale=language()))


def _described(model_id: str, dimension: int) -> str:
    facts = [f"`{model_id}`", t("{n} dimensions", n=dimension)]
    known = find_model(model_id)
    if known and known.max_tokens:
        facts.append(t("reads {n} tokens at once", n=format_decimal(known.max_tokens, locale=language())))
    return " · ".join(facts)


def _choose(present: Collection, choices: Sequence[str]) -> None:
    with st.expander(t("Change the model"), icon=":material/swap_horiz:"):
        st.markdown(
            t(
                "An index by the other model is built beside the present one while you go on asking. "
                "Then you compare both, and change over or not. You can change back at any time."
            )
        )
        model = model_box(choices, "other-model")
        if not model:
            return
        tell_where_text_goes(model)
        try:
            st.caption(_effort(present, model))
        except RagError:  # told above
            return
        if st.button(t("Build the index"), type="primary", icon=":material/construction:"):
            _start(present, model)


def _effort(present: Collection, model_id: str) -> str:
    """How much there is to embed, and what that costs where it is known."""
    documents = [each for each in engine().catalog.documents.all(present.id) if each.status == "ready"]
    tokens = sum(document.tokens for document in documents)
    facts = [
        tn("one passage", "{n} passages", sum(document.chunks for document in documents)),
        t("about {n} tokens", n=format_decimal(tokens, locale=language())),
    ]
    return plain(" · ".join([*facts, *filter(None, [cost_text(model_id, tokens)])]))


def _start(present: Collection, model_id: str) -> None:
    try:
        engine().switching.start(present, model_id)
    except RagError as error:
        st.error(plain(tell(error)), icon=":material/error:")
        return
    st.rerun()


@st.fragment(run_every=1.0)
def _building() -> None:
    switch = engine().switching.state(collection())
    if switch is None or switch.stage != "building":
        st.rerun()
        return
    share = switch.done / switch.total if switch.total else 0.0
    st.progress(
        share,
        text=t(
            "Building the index by {model}: {done} of {total} passages",
            model=plain(switch.model),
            done=switch.done,
            total=switch.total,
        ),
    )
    if st.button(t("Stop"), icon=":material/stop_circle:"):
        engine().switching.stop()
        st.rerun()


def _unfinished(present: Collection, switch: Switch) -> None:
    if switch.error:
        st.error(plain(tell(switch.error)), icon=":material/error:")
    if engine().catalog.collections.other_index(present) is None:  # it failed before anything was built
        row = st.container(horizontal=True)
        if row.button(t("Choose another model"), type="primary", icon=":material/undo:"):
            engine().switching.remove(present)
            st.rerun()
        if row.button(t("Try again"), icon=":material/refresh:"):
            _start(present, switch.model)
        return
    st.markdown(t("The index by {model} is not finished.", model=plain(switch.model)))
    row = st.container(horizontal=True)
    if row.button(t("Go on"), type="primary", icon=":material/play_arrow:"):
        _start(present, switch.model)
    _remove_button(row, present)


def _complete(present: Collection, switch: Switch) -> None:
    st.markdown(t("Beside it there is an index by {model}.", model=f"`{switch.model}`"))
    tell_where_text_goes(switch.model)
    _compare(present, switch)
    row = st.container(horizontal=True)
    if row.button(
        t("Change over to {model}", model=plain(switch.model)), type="primary", icon=":material/swap_horiz:"
    ):
        try:
            with st.spinner(t("Changing over …")):
                engine().switching.swap(present)
        except RagError as error:
            st.error(plain(tell(error)), icon=":material/error:")
            return
        st.rerun()
    _remove_button(row, present)


def _compare(present: Collection, switch: Switch) -> None:
    """Both indexes on the latest questions, asked when the button is pressed and then kept."""
    questions = engine().catalog.conversations.questions(present.id, QUESTIONS)
    asked = (present.index_name, switch.model, *questions)
    if questions and st.button(t("Compare both on your questions"), icon=":material/compare:"):
        try:
            with st.spinner(t("Asking both …")):
                rows = engine().switching.compare(present, questions)
        except RagError as error:
            st.error(plain(tell(error)), icon=":material/error:")
            return
        st.session_state["compared"] = (asked, rows)
    compared, rows = st.session_state.get("compared", (None, []))
    if compared == asked:
        _compared(rows)


def _remove_button(row: st.delta_generator.DeltaGenerator, present: Collection) -> None:
    with row.popover(t("Remove this index"), icon=":material/delete:", type="tertiary"):
        st.markdown(t("Your documents stay. To change over you would have to build the index again."))
        if st.button(t("Remove"), type="primary", key="remove-index"):
            engine().switching.remove(present)
            st.rerun()


def _compared(rows: Sequence[QuestionCompared]) -> None:
    alike = sum(row.shared for row in rows) / len(rows)
    st.markdown(t("Of the first five passages, both find {share} in common.", share=f"{alike:.0%}"))
    st.dataframe(
        {
            t("Question"): [row.question for row in rows],
            t("In common"): [row.shared for row in rows],
            t("Same first passage"): [row.same_first for row in rows],
        },
        column_config={
            t("In common"): st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)
        },
        hide_index=True,
    )
