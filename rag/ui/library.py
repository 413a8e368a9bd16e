"""The page of the documents: add some, watch them being read, look through them, take some out."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st
from babel.dates import format_timedelta
from babel.numbers import format_decimal
from streamlit.runtime.uploaded_file_manager import UploadedFile

from rag.catalog import Job
from rag.documents import Document
from rag.ui import markdown
from rag.ui.empty import samples_button
from rag.ui.search_options import type_name
from rag.ui.session import collection, engine
from rag.ui.text import language, t, tell, tn

FILE_TYPES = ["pdf", "docx", "html", "htm", "md", "markdown", "txt"]
PER_PAGE = 20
FINISHED_SECONDS = 60  # how long an ended job stays in sight


def page() -> None:
    """Add, watch, look through, take out."""
    st.title(t("Library"), anchor=False)
    _upload()
    _progress()
    _documents(engine().catalog.documents.all(collection().id))


def _upload() -> None:
    round_number = st.session_state.setdefault("upload_round", 0)
    files, folder = st.tabs([t("Files"), t("Folder")])
    help_text = t(
        "PDF, Word, HTML, Markdown and text files up to {most} MB", most=engine().settings.max_file_mb
    )
    with files:
        chosen = st.file_uploader(
            help_text, FILE_TYPES, accept_multiple_files=True, key=f"files-{round_number}"
        )
    with folder:
        chosen += st.file_uploader(
            t("All files of these types in a folder"),
            FILE_TYPES,
            accept_multiple_files="directory",
            key=f"folder-{round_number}",
        )
    if chosen:
        _queue(chosen)
        st.session_state["upload_round"] += 1
        st.rerun()


def _queue(files: Sequence[UploadedFile]) -> None:
    for file in files:
        engine().add_file(collection(), file.name, file)


@st.fragment(run_every=1.0)
def _progress() -> None:
    jobs = engine().catalog.jobs.recent(collection().id, since=time.time() - FINISHED_SECONDS)
    active = [job for job in jobs if job.state in ("queued", "running")]
    was_active = st.session_state.get("active_jobs", 0)
    st.session_state["active_jobs"] = len(active)
    if len(active) < was_active:
        st.rerun()
    if not jobs:
        return
    with st.container(border=True):
        for job in [
            *(each for each in jobs if each.state == "running"),
            *(each for each in jobs if each.state != "running"),
        ][:8]:
            _job(job)
        if len(jobs) > 8:
            st.caption(tn("and one more", "and {n} more", len(jobs) - 8))


def _job(job: Job) -> None:
    row = st.container(horizontal=True, vertical_alignment="center", wrap=False)
    name = markdown.plain(job.name)
    if job.state == "running":
        share = job.done / job.total if job.total else 0.0
        row.progress(share, text=f"{name} — {_stage(job)}")
    else:
        outcome = _outcome(job)
        line = outcome if name in outcome else f"{name} — {outcome}"
        row.markdown(f"{_job_icon(job)} {line}")
    if job.state in ("queued", "running") and row.button(
        "", key=f"cancel-{job.id}", icon=":material/close:", type="tertiary", help=t("Cancel")
    ):
        engine().catalog.jobs.cancel(job.id)
        st.rerun(scope="fragment")


def _stage(job: Job) -> str:
    if job.cancel_asked:
        return t("Cancelling …")
    text = {"reading": t("reading"), "embedding": t("analysing"), "indexing": t("saving")}[job.stage]
    left = job.seconds_left(time.time())
    if left is not None:
        text += " · " + t("about {seconds} s left", seconds=max(1, round(left)))
    return text


def _job_icon(job: Job) -> str:
    icons = {"done": ":green[:material/check_circle:]", "failed": ":red[:material/error:]"}
    return icons.get(job.state, ":gray[:material/schedule:]")


def _outcome(job: Job) -> str:
    if job.error:
        return markdown.plain(tell(job.error))
    outcomes = {
        "queued": t("waiting"),
        "cancelled": t("cancelled"),
        "added": t("added"),
        "replaced": t("replaced the earlier version"),
        "unchanged": t("already in the library"),
    }
    return outcomes[job.status or job.state]


def _documents(documents: Sequence[Document]) -> None:
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
    wanted = ""
    if len(documents) > PER_PAGE:
        wanted = st.text_input(t("Find a document"), icon=":material/search:").casefold()
    found = [each for each in documents if wanted in each.name.casefold()]
    number = 1
    if len(found) > PER_PAGE:
        number = st.pagination(-(-len(found) // PER_PAGE)) or 1
    for document in found[(number - 1) * PER_PAGE : number * PER_PAGE]:
        _document(document)


def _document(document: Document) -> None:
    with st.container(border=True):
        row = st.container(horizontal=True, vertical_alignment="center", wrap=False)
        with row.container(gap=None):
            st.markdown(f"**{markdown.plain(document.name)}**")
            st.caption(_facts(document))
        with row.popover(t("Delete"), icon=":material/delete:", type="tertiary", key=f"ask-{document.id}"):
            st.markdown(t("Delete this document? This cannot be undone."))
            if st.button(t("Delete"), key=f"delete-{document.id}", type="primary"):
                engine().delete_document(document.id)
                st.rerun()
        if document.error:
            st.error(markdown.plain(tell(document.error)), icon=":material/error:")
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
    size = document.bytes / 1_000_000
    facts.append(f"{format_decimal(size, '#,##0.0' if size >= 0.1 else '0.00', locale=language())} MB")
    age = datetime.fromisoformat(document.added_at) - datetime.now(UTC)
    facts.append(format_timedelta(age, add_direction=True, locale=language()))
    facts += [f"{key}: {value}" for key, value in document.metadata.items()]
    return markdown.plain(" · ".join(facts))
