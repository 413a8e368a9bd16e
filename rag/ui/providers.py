"""The providers on the page of the models: state, key and address, a test, a download."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from rag.documents import Notice
from rag.errors import ProviderError, RagError
from rag.model_catalogue import MODELS, find_model, price_text
from rag.provider_state import ProviderState
from rag.providers.addresses import is_loopback
from rag.providers.ollama_api import pull
from rag.settings import settings_file
from rag.ui.markdown import plain
from rag.ui.session import engine
from rag.ui.switching import model_box
from rag.ui.text import t, tell

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


def show_provider(state: ProviderState) -> None:
    """A provider's card."""
    with st.container(border=True):
        row = st.container(horizontal=True, vertical_alignment="center")
        name = t("Built in") if state.provider == "builtin" else _NAMES.get(state.provider, state.provider)
        row.markdown(f"**{plain(name)}** · {_tasks(state)} · {_badge(state)}", width="stretch")
        if state.state == "ready":
            _test(row, state)
        if state.provider == "ollama" and state.state == "ready" and engine().may_edit_settings:
            with row.popover(t("Download a model"), icon=":material/download:", type="tertiary", key="pull"):
                _pull()
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
            values | {"price": price_text(known)},
        )
    return Notice("{model}: {dimension} dimensions, {ms} ms for a question, {speed} texts a second.", values)


def _chat_measured(model_id: str) -> Notice:
    seconds = engine().models.measure_chat(model_id)
    return Notice(
        "{model}: the first word after {seconds} s.", {"model": model_id, "seconds": f"{seconds:.1f}"}
    )


def _pull() -> None:
    """Download a model into Ollama, its progress in sight."""
    name = st.text_input(t("Name, like bge-m3"), key="pull-name").strip()
    if not st.button(t("Download"), type="primary", key="pull-now") or not name:
        return
    bar = st.progress(0.0, text=plain(name))

    def progress(status: str, done: int, total: int) -> None:
        bar.progress(done / total if total else 0.0, text=plain(f"{name}: {status}"))

    try:
        pull(engine().settings, name, progress)
    except RagError as error:
        st.error(plain(tell(error)), icon=":material/error:")
        return
    _look_again()


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
    _look_again()


def _look_again() -> None:
    """Draw the page with the providers' states asked anew."""
    st.session_state["settings_changed"] = st.session_state.get("settings_changed", 0) + 1
    st.rerun()
