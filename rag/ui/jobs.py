"""Files on their way in, as the page of the documents shows them."""

import time

import streamlit as st

from rag.catalog import Job
from rag.ui import markdown
from rag.ui.session import collection, engine
from rag.ui.text import t, tell, tn

MOST_JOBS = 8
FINISHED_SECONDS = 60  # how long an ended job stays in sight
SILENT_SECONDS = 60  # after which it is said that a job does not move


@st.fragment(run_every=1.0)
def show_jobs() -> None:
    """How far the files are, and the index if it is being rebuilt; drawn anew every second."""
    _rebuilding()
    jobs = engine().catalog.jobs.recent(collection().id, since=time.time() - FINISHED_SECONDS)
    active = [job for job in jobs if job.state in ("queued", "running")]
    was_active = st.session_state.get("active_jobs", 0)
    st.session_state["active_jobs"] = len(active)
    if len(active) < was_active:
        st.rerun()
    if not jobs:
        return
    with st.container(border=True, gap="xsmall"):
        for job in sorted(jobs, key=_place)[:MOST_JOBS]:
            _job(job)
        if len(jobs) > MOST_JOBS:
            st.caption(tn("and one more", "and {n} more", len(jobs) - MOST_JOBS))
        if len(active) > 1:
            numbers = [job.id for job in active]
            st.button(
                t("Cancel all"), type="tertiary", icon=":material/cancel:", on_click=_cancel, args=numbers
            )


def _place(job: Job) -> tuple[int, float]:
    """What is at work first, then what waits, then what ended, the last one before the others."""
    order = {"running": 0, "queued": 1}.get(job.state, 2)
    return order, -(job.finished_at or 0.0) if order == 2 else job.id


def _cancel(*job_ids: int) -> None:
    for job_id in job_ids:
        engine().intake.cancel(job_id)


def _job(job: Job) -> None:
    row = st.container(horizontal=True, vertical_alignment="center", wrap=False)
    name = markdown.plain(job.name)
    if job.state == "running":
        share = job.done / job.total if job.total else 0.0
        row.progress(share, text=f"{name} — {_stage(job)}")
    else:
        outcome = _outcome(job)
        line = outcome if name in outcome else f"{name} — {outcome}"
        row.markdown(f"{_job_icon(job)} {line}", width="stretch")
    if job.state in ("queued", "running"):
        row.button(
            "",
            key=f"cancel-{job.id}",
            icon=":material/close:",
            type="tertiary",
            help=t("Cancel"),
            on_click=_cancel,
            args=(job.id,),
        )


def _stage(job: Job) -> str:
    if job.cancel_asked:
        return t("Cancelling …")
    text = {"reading": t("reading"), "embedding": t("analysing"), "indexing": t("saving")}[job.stage]
    left = job.seconds_left(time.time())
    silent = time.time() - (job.heartbeat or time.time())
    if silent > SILENT_SECONDS:
        text += " · " + t("no sign of life for {seconds} s", seconds=round(silent))
    elif left is not None:
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


def _rebuilding() -> None:
    if progress := engine().rebuilding.get(collection().id):
        done, total = progress
        st.progress(
            done / total if total else 0.0,
            text=t("The index is being rebuilt. You can search, ask and add files meanwhile."),
        )
