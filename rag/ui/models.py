"""The page of the models: the collection's own, the providers, and a catalogue to choose from."""

from collections.abc import Sequence

import streamlit as st
from babel.numbers import format_compact_decimal, format_decimal

from rag.errors import RagError
from rag.model_catalogue import MODELS, ModelFacts, price_text
from rag.provider_state import ProviderState, provider_states
from rag.settings import Settings
from rag.ui.markdown import plain
from rag.ui.providers import show_provider
from rag.ui.reranker import show_reranker
from rag.ui.session import engine
from rag.ui.switching import model_of_the_collection, new_collection
from rag.ui.text import language, t, tell

STATES_SECONDS = 15.0  # how long the providers' states are taken as known


def page() -> None:
    """What embeds and what answers, and what else could."""
    st.title(t("Models"), anchor=False)
    states = _states(engine().settings, st.session_state.get("settings_changed", 0))
    ready, providers, catalogue = st.tabs([t("This collection"), t("Providers"), t("All models")])
    with providers:  # before the collection, whose model may want a key that is typed here
        for state in states:
            show_provider(state)
    with catalogue:
        _catalogue()
    with ready:
        choices = _ready_embedders(states)
        try:
            model_of_the_collection(choices)
        except RagError as error:
            st.error(plain(tell(error)), icon=":material/error:")
        show_reranker()
        new_collection(choices)


def embedder_choices() -> list[str]:
    """The models that could embed at once."""
    return _ready_embedders(_states(engine().settings, st.session_state.get("settings_changed", 0)))


@st.cache_data(ttl=STATES_SECONDS, show_spinner=False, max_entries=2)
def _states(_settings: Settings, changed: int) -> list[ProviderState]:  # noqa: ARG001 - the cache's key
    return provider_states(_settings)


def _ready_embedders(states: Sequence[ProviderState]) -> list[str]:
    """Models that could embed at once: what the providers have, else what the catalogue knows of them."""
    usable = [state for state in states if state.state == "ready" and set(state.tasks) - {"chat"}]
    told = [
        f"{state.provider}:{model.name}"
        for state in usable
        for model in state.models
        if set(model.tasks) - {"chat"}
    ]
    listing = {state.provider for state in usable if state.models}
    known = [
        id
        for state in usable
        if state.provider not in listing
        for model in MODELS
        if model.task != "chat"
        for id in model.ids
        if id.startswith(f"{state.provider}:")
    ]
    return list(dict.fromkeys(told + known))


def _catalogue() -> None:
    row = st.container(horizontal=True, vertical_alignment="bottom")
    chinese = row.toggle(t("Reads Chinese"), key="catalogue-zh")
    here = row.toggle(t("Runs on this computer"), key="catalogue-here")
    shown = [
        model
        for model in MODELS
        if not (chinese and not {"zh", "mul"} & set(model.languages))
        and not (here and model.runs_on == "service")
    ]
    st.dataframe(
        {
            t("Model"): [model.name for model in shown],
            t("Languages"): [_languages(model) for model in shown],
            t("Dimensions"): [model.dimensions[0] if model.dimensions else None for model in shown],
            t("Tokens at once"): [model.max_tokens for model in shown],
            t("Size"): [_size(model) for model in shown],
            t("Licence"): [model.licence for model in shown],
            t("A million tokens"): [price_text(model) for model in shown],
            t("Name in Passage"): [model.ids[0] for model in shown],
            t("For"): [_task_name(model) for model in shown],
            t("Source"): [model.source for model in shown],
        },
        column_config={t("Source"): st.column_config.LinkColumn(display_text=t("open"))},
        hide_index=True,
        height="content",
    )
    st.caption(t("Prices and limits are those that the source showed on the day named; they change."))


def _task_name(model: ModelFacts) -> str:
    names = {"embedding": t("embedding"), "multimodal": t("text and pictures"), "chat": t("answering")}
    return names[model.task]


def _languages(model: ModelFacts) -> str:
    names = {"en": t("English"), "zh": t("Chinese"), "mul": t("many more")}
    return ", ".join(names[code] for code in model.languages)


def _size(model: ModelFacts) -> str:
    if model.bytes:
        return f"{format_decimal(model.bytes / 1e6, '#,##0', locale=language())} MB"
    if model.parameters:
        count = format_compact_decimal(model.parameters, locale=language(), fraction_digits=1)
        return t("{count} parameters", count=count)
    return ""
