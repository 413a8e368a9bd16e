"""The page of the documents: add some, watch them being read, look through them, take some out."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st
from babel.dates import format_timedelta
from streamlit.runtime.uploaded_file_manager import UploadedFile

from rag.documents import Document
from rag.errors import DocumentError, RagError, asks_for_password
from rag.ingestion.receipts import receipt_notices
from rag.ui import markdown
from rag.ui.adopting import adopting
from rag.ui.empty import samples_button
from rag.ui.facts import file_size, type_name
from rag.ui.jobs import show_jobs
from rag.ui.password import ask_password
from rag.ui.preflight import is_wanted, keep, preflight
from rag.ui.quality import quality
from rag.ui.session import collection, engine, sender
from rag.ui.switching import tell_where_text_goes
from rag.ui.text import language, t, tell, tn

_BUTTON_TEXT = '[data-testid="stFileUploaderDropzone"] button p::after'  # style.css hides the English one
PER_PAGE = 20


def page() -> None:
    """Add, watch, look through, take out."""
    st.title(t("Library"), anchor=False)
    _upload()
    preflight()
    show_jobs()
    for notice in st.session_state.pop("receipt", ()):
        st.info(markdown.plain(tell(notice)), icon=":material/delete:")
    _documents(engine().catalog.documents.all(collection().id))
    adopting()


def _upload() -> None:
    round_number = st.session_state.setdefault("upload_round", 0)
    files, folder = st.tabs([t("Files"), t("Folder")])
    most = engine().settings.max_file_mb
    help_text = t(
        "PDF, Office files, HTML, Markdown, text, CSV, JSON, EPUB, e-mail and pictures up to {most} MB: "
        "choose them, or drop them here",
        most=most,
    )
    with files:
        chosen = st.file_uploader(help_text, accept_multiple_files=True, key=f"files-{round_number}")
    with folder:
        chosen += st.file_uploader(
            t("All files in a folder that can be read"),
            accept_multiple_files="directory",
            key=f"folder-{round_number}",
        )
    tell_where_text_goes(collection().fingerprint.id)
    st.html(f"<style>{_BUTTON_TEXT} {{ content: {json.dumps(t('Choose'), ensure_ascii=False)}; }}</style>")
    is_looked_at = is_wanted()
    if chosen:
        if is_looked_at:
            keep(chosen)
            refused = []
        else:
            refused = [error for file in chosen if (error := _refusal(file))]
        st.session_state["refused"] = refused
        st.session_state["upload_round"] += 1
        st.rerun()
    for error in st.session_state.get("refused", ()):
        st.error(markdown.plain(tell(error)), icon=":material/error:")


def _refusal(file: UploadedFile) -> RagError | None:
    """Queue an uploaded file; the reason if it cannot be taken."""
    try:
        engine().intake.add(collection(), file.name, file, sender=sender())
    except DocumentError as error:
        return error
    return None


def _documents(documents: Sequence[Document]) -> None:
    if not documents and st.session_state.get("active_jobs"):
        return
    if not documents:
        with st.container(border=True, horizontal_alignment="center"):
            st.markdown(f"### :material/library_books: {t('Nothing here yet')}", width="content")
            st.markdown(
                t("Drop files above, or begin with a few samples in English and Chinese."), width="content"
            )
            samples_button()
        return
    ready = [each for each in documents if each.status == "ready"]
    st.caption(
        " · ".join(
            (
                tn("One document", "{n} documents", len(ready)),
                tn("one passage", "{n} passages", sum(each.chunks for each in ready)),
            )
        )
    )
    found_wanting = st.container()
    _retry_all([each.id for each in documents if each.status == "failed"])
    wanted = ""
    if len(documents) > PER_PAGE:
        wanted = st.text_input(t("Find a document"), icon=":material/search:").casefold()
    found = [each for each in documents if wanted in each.name.casefold()]
    if not found:
        st.caption(t("No document has this in its name."))
    number = 1
    if len(found) > PER_PAGE:
        number = st.pagination(-(-len(found) // PER_PAGE)) or 1
    for document in found[(number - 1) * PER_PAGE : number * PER_PAGE]:
        _document(document)
    st.caption(t("To keep a copy of everything on another disk: {command}", command="`rag backup FILE`"))
    if not st.session_state.get("active_jobs"):
        with found_wanting:  # drawn last: new documents are looked through first
            quality()


def _retry_all(failed: Sequence[str]) -> None:
    """Where several files failed, one click tries them all again."""
    if len(failed) < 2:
        return
    label = t("Try all {n} that failed again", n=len(failed))
    if st.button(label, key="retry-all", icon=":material/refresh:"):
        for document_id in failed:
            engine().intake.retry(document_id, sender=sender())
        st.rerun()


def _document(document: Document) -> None:
    with st.container(border=True):
        row = st.container(horizontal=True, vertical_alignment="center", wrap=False)
        with row.container(gap=None):
            st.markdown(f"**{markdown.plain(document.name)}**")
            st.caption(_facts(document))
        with row.popover(t("Delete"), icon=":material/delete:", type="tertiary", key=f"ask-{document.id}"):
            st.markdown(t("Delete this document? This cannot be undone. Answers keep what they quote of it."))
            if st.button(t("Delete"), key=f"delete-{document.id}", type="primary"):
                receipt = engine().delete_document(document.id)
                st.session_state["receipt"] = list(receipt_notices(receipt))
                st.rerun()
        if document.error:
            st.error(markdown.plain(tell(document.error)), icon=":material/error:")
            if asks_for_password(document.error.message):
                if ask_password(document.id):
                    engine().intake.retry(document.id, sender=sender())
                    st.rerun()
            elif st.button(t("Try again"), key=f"retry-{document.id}", icon=":material/refresh:"):
                engine().intake.retry(document.id, sender=sender())
                st.rerun()
        for warning in document.warnings:
            st.warning(markdown.plain(tell(warning)), icon=":material/warning:")


def _facts(document: Document) -> str:
    facts = [type_name(document.kind)] if document.kind else []
    if document.status == "failed":
        facts.append(t("could not be added"))
    if document.pages:
        facts.append(tn("one page", "{n} pages", document.pages))
    if document.chunks:
        facts.append(tn("one passage", "{n} passages", document.chunks))
    facts.append(file_size(document.bytes))
    age = datetime.fromisoformat(document.added_at) - datetime.now(UTC)
    facts.append(format_timedelta(age, add_direction=True, locale=language()))
    size = document.chunk_size
    if size and document.chunks and size != engine().settings.chunk_size:
        facts.append(t("passages of at most {n} tokens", n=size.tokens))
    facts += [f"{key}: {value}" for key, value in document.metadata.items()]
    return markdown.plain(" · ".join(facts))
