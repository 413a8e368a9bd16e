"""The page of the models: the collection's own, the providers with their keys, and a catalogue."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from babel.numbers import format_compact_decimal, format_decimal

from rag.documents import Notice
from rag.errors import ProviderError, RagError
from rag.model_catalogue import MODELS, ModelFacts, find_model
from rag.provider_state import ProviderState, provider_states
from rag.providers.addresses import is_loopback
from rag.settings import Settings, settings_file
from rag.ui.markdown import plain
from rag.ui.session import engine
from rag.ui.switching import model_box, model_of_the_collection, new_collection
from rag.ui.text import language, t, tell

STATES_SECONDS = 15.0  # how long the providers' states are taken as known
# The settings of a provider that people type in: (setting, whether it is a secret).
_FIELDS = {
    "openai": (("openai_api_key", True), ("openai_base_url", False)),
    "dashscope": (("dashscope_api_key", True), ("dashscope_base_url", False)),
    "ollama": (("ollama_host", False),),
}
_NAMES = {
    "openai": "OpenAI",
    "ollama": "Ollama",
    "dashscope": "DashScope",
    "chroma": "Chroma",
    "clip": "CLIP",
}


def page() -> None:
    """What embeds and what answers, and what else could."""
    st.title(t("Models"), anchor=False)
    states = _states(engine().settings, st.session_state.get("settings_changed", 0))
    ready, providers, catalogue = st.tabs([t("This collection"), t("Providers"), t("All models")])
    with providers:  # before the collection, whose model may want a key that is typed here
        for state in states:
            _provider(state)
    with catalogue:
        _catalogue()
    with ready:
        choices = _ready_embedders(states)
        try:
            model_of_the_collection(choices)
        except RagError as error:
            st.error(plain(tell(error)), icon=":material/error:")
        new_collection(choices)


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


def _provider(state: ProviderState) -> None:
    with st.container(border=True):
        row = st.container(horizontal=True, vertical_alignment="center")
        name = t("Built in") if state.provider == "builtin" else _NAMES.get(state.provider, state.provider)
        row.markdown(f"**{plain(name)}** · {_tasks(state)} · {_badge(state)}", width="stretch")
        if state.state == "ready":
            _test(row, state)
        if state.provider in _FIELDS and engine().may_edit_settings:
            label = t("Key and address") if len(_FIELDS[state.provider]) > 1 else t("Address")
            with row.popover(
                label, icon=":material/key:", type="tertiary", key=f"fields-of-{state.provider}"
            ):
                _fields(state.provider)
        if state.notice:
            st.markdown(plain(tell(state.notice)))
        if names := [model.name for model in state.models]:
            st.caption(t("Models: {names}", names=plain(", ".join(names[:12]))))
        if state.host and not is_loopback(state.host):
            sent = t("Texts and questions are sent to {host}.", host=state.host)
            st.caption(f":material/public: {plain(sent)}")
        _show_result(state)


def _tasks(state: ProviderState) -> str:
    names = {"embedding": t("embeds"), "multimodal": t("embeds pictures"), "chat": t("answers")}
    return ", ".join(dict.fromkeys(names[task] for task in state.tasks))


def _badge(state: ProviderState) -> str:
    labels = {
        "ready": f":green-badge[{t('ready')}]",
        "no key": f":orange-badge[{t('no key')}]",
        "no server": f":orange-badge[{t('no server')}]",
        "not installed": f":gray-badge[{t('not installed')}]",
    }
    return labels[state.state]


def _test(row: Any, state: ProviderState) -> None:
    """A model to try: one that the provider has, or one that is typed."""
    key = _key(state)
    known = [model.name for model in state.models] or [
        id.partition(":")[2] for model in MODELS for id in model.ids if id.startswith(f"{state.provider}:")
    ]
    with row.popover(t("Test"), icon=":material/speed:", type="tertiary", key=f"test-of-{key}"):
        model = model_box(known, f"test-model-{key}", index=0)
        if model and st.button(t("Test now"), type="primary", key=f"test-{key}"):
            with st.spinner(t("Testing …")):
                st.session_state[f"tested-{key}"] = _measured(state, f"{state.provider}:{model}")


def _key(state: ProviderState) -> str:
    return f"{state.provider}-{'-'.join(state.tasks)}"


def _measured(state: ProviderState, model_id: str) -> Notice | RagError:
    """How the model did what it is for; where that may be two things, what it could do."""
    known = find_model(model_id)
    told = next((model for model in state.models if f"{state.provider}:{model.name}" == model_id), None)
    tasks = {known.task} if known else set((told or state).tasks)
    try:
        if tasks - {"chat"}:
            try:
                return _embedding_measured(model_id)
            except ProviderError:
                if "chat" not in tasks:
                    raise
        return _chat_measured(model_id)
    except RagError as error:
        return error


def _embedding_measured(model_id: str) -> Notice:
    measured = engine().models.measure(model_id)
    values: dict[str, str | int | Notice] = {
        "model": model_id,
        "dimension": measured.dimension,
        "ms": f"{measured.question_ms:.0f}",
        "speed": f"{measured.texts_per_second:.1f}",
    }
    known = find_model(model_id)
    if known and known.price:
        return Notice(
            "{model}: {dimension} dimensions, {ms} ms for a question, {speed} texts a second, {price} for a "
            "million tokens.",
            values | {"price": _price(known)},
        )
    return Notice("{model}: {dimension} dimensions, {ms} ms for a question, {speed} texts a second.", values)


def _chat_measured(model_id: str) -> Notice:
    seconds = engine().models.measure_chat(model_id)
    return Notice(
        "{model}: the first word after {seconds} s.", {"model": model_id, "seconds": f"{seconds:.1f}"}
    )


def _show_result(state: ProviderState) -> None:
    result = st.session_state.get(f"tested-{_key(state)}")
    if isinstance(result, RagError):
        st.error(plain(tell(result)), icon=":material/error:")
    elif result:
        st.success(plain(tell(result)), icon=":material/check_circle:")


def _fields(provider: str) -> None:
    """Keys are never shown again; an empty field leaves what is set as it is."""
    settings = engine().settings
    labels = {
        "openai_api_key": t("Key"),
        "dashscope_api_key": t("Key"),
        "openai_base_url": t("Address (empty: OpenAI itself)"),
        "dashscope_base_url": t("Address (empty: the usual one)"),
        "ollama_host": t("Address (empty: this computer)"),
    }
    changed = st.session_state.get("settings_changed", 0)  # new keys empty the fields
    with st.form(f"fields-{provider}-{changed}", border=False):
        typed: dict[str, str | None] = {}
        for name, is_secret in _FIELDS[provider]:
            value = getattr(settings, name)
            if is_secret:
                text = st.text_input(
                    labels[name],
                    type="password",
                    placeholder=t("is set; type to replace it") if value else "",
                    key=f"field-{name}-{changed}",
                    autocomplete="off",
                )
                typed |= {name: text.strip()} if text.strip() else {}
            else:
                text = st.text_input(labels[name], value=value or "", key=f"field-{name}-{changed}")
                typed |= {name: text.strip() or None} if text.strip() != (value or "") else {}
        save = st.toggle(
            t("Keep them in {file}", file=settings_file().name),
            help=t("The file is readable by you alone. Else they are forgotten when Passage stops."),
            key=f"save-{provider}-{changed}",
        )
        if st.form_submit_button(t("Use"), type="primary"):
            if typed:
                _configure(typed, save=save)
            else:
                st.info(t("Nothing was changed: type a key or another address."))
    for name, is_secret in _FIELDS[provider]:
        if is_secret and getattr(settings, name) and st.button(t("Forget the key"), key=f"forget-{name}"):
            _configure({name: None}, save=settings_file().is_file())


def _configure(values: Mapping[str, str | None], *, save: bool) -> None:
    try:
        engine().configure(values, save=save)
    except RagError as error:
        st.error(plain(tell(error)), icon=":material/error:")
        return
    st.session_state["settings_changed"] = st.session_state.get("settings_changed", 0) + 1
    st.rerun()


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
            t("A million tokens"): [_price(model) for model in shown],
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


def _price(model: ModelFacts) -> str:
    if not model.price:
        return ""
    return f"{model.price.per_million:g} {model.price.currency} ({model.price.as_of})"
