"""A look at chosen files before they are added: what is in them, how they would be cut, what that takes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import streamlit as st
from babel.dates import format_timedelta
from babel.numbers import format_currency
from streamlit.runtime.uploaded_file_manager import UploadedFile

from rag.documents import Chunk, ChunkSize
from rag.errors import DocumentError, RagError
from rag.ingestion.preflight import FEWEST_TOKENS, CutFile, Estimate, ReadFile
from rag.ui.facts import file_size, language_mix, number, type_name
from rag.ui.markdown import plain
from rag.ui.session import collection, engine, sender
from rag.ui.text import language, t, tell, tn

MOST_TOKENS = 2048  # to choose where the model's window is longer, or not known
PREVIEW_CHARACTERS = 2000
PASSAGES = 3  # at a time


@dataclass(slots=True)
class _Looked:
    """The files this session looks at, and what was read of them so far, for one collection."""

    files: list[UploadedFile]
    collection_id: str
    read: list[ReadFile] = field(default_factory=list)
    cut: tuple[ChunkSize, list[CutFile]] | None = None


def is_wanted() -> bool:
    """Whether files are looked at before they are added: as chosen; at first, only if texts are sent."""
    try:
        is_remote = bool(engine().models.host_of(collection().fingerprint.id))
    except RagError:
        is_remote = False
    key = f"look-first-{'there' if is_remote else 'here'}"
    st.session_state.setdefault(key, is_remote)
    return st.toggle(
        t("Look before adding"),
        key=key,
        help=t("Shows what is in the files, how they are cut, and what adding them takes."),
        persist_state="session",
    )


def keep(files: Sequence[UploadedFile]) -> None:
    """Remember files to look at, beside those that are there."""
    looked = _looked()
    if looked is None:
        st.session_state["looked_at"] = looked = _Looked([], collection().id)
    looked.files += files
    looked.cut = None


def preflight() -> None:
    """Show the files that wait, until they are added or discarded."""
    looked = _looked()
    if looked is None:
        return
    with st.container(border=True, key="preflight"):
        st.markdown(f"**{t('Before adding')}**")
        try:
            _read(looked)
            size = _choose_size()
            files = _cut(looked, size)
        except RagError as error:
            st.error(plain(tell(error)), icon=":material/error:")
            st.button(t("Discard"), on_click=_discard)
            return
        for place, each in enumerate(files):
            _file(each, place)
        good = [place for place, each in enumerate(files) if each.error is None]
        if good:
            with st.spinner(t("Measuring the model …")):
                estimate = engine().preflight.estimate(collection(), files)
            _sums(estimate)
        _buttons(looked, good, size)


def _looked() -> _Looked | None:
    looked: _Looked | None = st.session_state.get("looked_at")
    if looked is None or not looked.files:
        return None
    if looked.collection_id != collection().id:  # another model reads and cuts in another way
        looked.collection_id, looked.read, looked.cut = collection().id, [], None
    return looked


def _read(looked: _Looked) -> None:
    """Read what was not read yet; a click meanwhile interrupts this, and it goes on after what was read."""
    for file in looked.files[len(looked.read) :]:
        with st.spinner(t("Reading {name} …", name=plain(file.name))):
            looked.read.append(engine().preflight.read(collection(), file.name, file))


def _cut(looked: _Looked, size: ChunkSize) -> list[CutFile]:
    if looked.cut is None or looked.cut[0] != size:
        with st.spinner(t("Cutting into passages …")):
            looked.cut = (size, [engine().preflight.cut(collection(), each, size) for each in looked.read])
    return looked.cut[1]


def _choose_size() -> ChunkSize:
    usual = engine().preflight.chunk_size(collection(), None, None)
    most = min(engine().preflight.most_tokens(collection()) or MOST_TOKENS, MOST_TOKENS)
    with st.expander(t("Size of the passages"), icon=":material/content_cut:"):
        tokens = st.slider(
            t("Tokens of a passage, at most"),
            min(FEWEST_TOKENS, most),
            max(most, FEWEST_TOKENS + 1),
            usual.tokens,
            key=f"chunk-tokens-{most}",
            persist_state="session",
        )
        chosen = st.session_state.get("overlap-tokens", usual.overlap)
        st.session_state["overlap-tokens"] = min(chosen, tokens // 3)
        overlap = st.slider(
            t("Tokens that neighbours share, at most"),
            0,
            tokens // 3,
            key="overlap-tokens",
            persist_state="session",
        )
    return ChunkSize(tokens, overlap)


def _file(cut: CutFile, place: int) -> None:
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{plain(cut.file.name)}**")
        st.caption(plain(" · ".join(_facts(cut))))
        if cut.error:
            st.error(plain(tell(cut.error)), icon=":material/error:")
        parsed = cut.file.parsed
        for warning in parsed.warnings if parsed else ():
            st.warning(plain(tell(warning)), icon=":material/warning:")
        if parsed and cut.chunks:
            with st.expander(t("Preview"), icon=":material/visibility:"):
                read, passages = st.tabs([t("What was read"), t("Passages")])
                with read:
                    _text("\n\n".join(section.text for section in parsed.sections))
                with passages:
                    _passages(cut.chunks, place)


def _facts(cut: CutFile) -> list[str]:
    parsed = cut.file.parsed
    facts = [type_name(parsed.kind)] if parsed else []
    if parsed and parsed.pages:
        facts.append(tn("one page", "{n} pages", parsed.pages))
    if parsed and cut.chunks:
        facts.append(tn("one section", "{n} sections", len(parsed.sections)))
        facts.append(tn("one passage", "{n} passages", len(cut.chunks)))
        facts.append(t("{n} tokens", n=number(cut.tokens)))
    return [*facts, file_size(cut.file.bytes), *language_mix(cut.file.languages)]


def _text(text: str) -> None:
    with st.container(height=260):
        st.markdown(plain(text[:PREVIEW_CHARACTERS]))
    if len(text) > PREVIEW_CHARACTERS:
        shown, all_of_it = number(PREVIEW_CHARACTERS), number(len(text))
        st.caption(t("The first {n} of {all} characters", n=shown, all=all_of_it))


def _passages(chunks: Sequence[Chunk], place: int) -> None:
    pages = -(-len(chunks) // PASSAGES)
    first = ((st.pagination(pages, key=f"passages-{place}-{pages}") or 1) - 1) * PASSAGES if pages > 1 else 0
    for ordinal, chunk in enumerate(chunks[first : first + PASSAGES], first + 1):
        facts = [t("Passage {n}", n=ordinal), t("{n} tokens", n=number(chunk.tokens))]
        if chunk.page is not None:
            facts.append(t("page {page}", page=chunk.page_label or chunk.page))
        if chunk.headings:
            facts.append(" › ".join(chunk.headings))
        st.caption(plain(" · ".join(facts)))
        with st.container(border=True):
            st.markdown(plain(chunk.text))


def _sums(estimate: Estimate) -> None:
    facts = [
        tn("One file", "{n} files", estimate.files),
        tn("one passage", "{n} passages", estimate.chunks),
        t("{n} tokens", n=number(estimate.tokens)),
        *language_mix(estimate.languages),
    ]
    st.markdown(plain(" · ".join(facts)))
    takes = []
    if estimate.seconds is not None:
        takes.append(_duration(estimate.seconds))
    needed, free = file_size(estimate.disk_bytes), file_size(estimate.free_bytes)
    takes.append(t("about {size} on the disk, of {free} free", size=needed, free=free))
    if estimate.cost:
        amount, currency = estimate.cost
        takes.append(t("about {cost}", cost=format_currency(amount, currency, locale=language())))
    st.caption(plain(" · ".join(takes)))
    if estimate.problem:
        st.warning(plain(tell(estimate.problem)), icon=":material/warning:")
    if estimate.host:
        sent = t("Texts and questions are sent to {host}.", host=estimate.host)
        st.caption(f":material/public: {plain(sent)}")
    if estimate.disk_bytes > estimate.free_bytes:
        full = t("The disk has too little space for this. Free some, or add fewer files.")
        st.error(full, icon=":material/error:")


def _duration(seconds: float) -> str:
    rounded = timedelta(seconds=max(1, round(seconds)))
    return t("about {time}", time=format_timedelta(rounded, threshold=1.5, locale=language()))


def _buttons(looked: _Looked, good: Sequence[int], size: ChunkSize) -> None:
    row = st.container(horizontal=True)
    label = tn("Add one file", "Add {n} files", len(good))
    is_added = bool(good) and row.button(label, type="primary", icon=":material/add:")
    row.button(t("Discard"), icon=":material/close:", on_click=_discard)
    if not is_added:
        return
    chosen = None if size == engine().settings.chunk_size else size
    refused: list[RagError] = []
    for place in good:
        try:
            file = looked.files[place]
            engine().intake.add(collection(), file.name, file, chunk_size=chosen, sender=sender())
        except DocumentError as error:
            refused.append(error)
    _discard()
    st.session_state["refused"] = refused
    st.rerun()


def _discard() -> None:
    looked: _Looked | None = st.session_state.pop("looked_at", None)
    if looked:
        looked.files.clear()  # a next click that interrupts this run brings the session's state back
