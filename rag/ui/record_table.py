"""The records of a collection in a table, page by page."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from rag.catalog import Collection, RecordFilter
from rag.ui.record_detail import detail
from rag.ui.record_filter import record_filter
from rag.ui.session import engine
from rag.ui.telling import errors_told
from rag.ui.text import t, tn
from rag.workbench import Record, RecordPage
from rag.workbench.browsing import PER_PAGE

SHOWN = 160  # letters of a text in the table


def browse(present: Collection) -> None:
    """A filter, a page of the table, and the record that was chosen in it or is asked for by its id."""
    wanted = record_filter(present, "browse")
    if wanted is None:
        return
    with errors_told():
        page = engine().workbench.browsing.page(present, wanted, most=PER_PAGE, **_edge(present, wanted))
        total = engine().workbench.browsing.count(present, wanted)
        if not total:
            _nothing(wanted)
            return
        _paging(page, total)
        chosen = _table(page.records, f"records-{present.index_name}")
        asked = st.text_input(t("Open a record by its id"), key="record-id").strip()
        if shown := asked or chosen:
            detail(present, shown)


def _edge(present: Collection, wanted: RecordFilter) -> dict[str, Any]:
    """Where the page begins or ends; at the beginning where the collection or the filter is another."""
    key = (present.id, repr(wanted))
    if st.session_state.get("records-of") != key:
        st.session_state["records-of"] = key
        st.session_state["records-edge"] = {}
    return dict(st.session_state["records-edge"])


def _nothing(wanted: RecordFilter) -> None:
    if wanted.where or wanted.contains:
        st.info(t("No record passes the filter."), icon=":material/info:")
    else:
        st.info(
            t("There are no records yet. Add documents in the library, or write a record below."),
            icon=":material/info:",
        )


def _paging(page: RecordPage, total: int) -> None:
    row = st.container(horizontal=True, vertical_alignment="center")
    first, last = (page.records[0].id, page.records[-1].id) if page.records else (None, None)
    _button(row, ":material/first_page:", t("First records"), {}, is_there=page.has_before)
    _button(
        row, ":material/chevron_left:", t("Records before these"), {"before": first}, is_there=page.has_before
    )
    _button(
        row, ":material/chevron_right:", t("Records after these"), {"after": last}, is_there=page.has_after
    )
    _button(row, ":material/last_page:", t("Last records"), {"from_end": True}, is_there=page.has_after)
    row.caption(tn("One record", "{n} records", total))
    if total > PER_PAGE:
        label = t("Go to record number")
        row.number_input(
            label,
            1,
            total,
            None,
            key="go-to-number",
            label_visibility="collapsed",
            placeholder=label,
            width=220,
            on_change=_jump,
        )


def _button(row: Any, icon: str, label: str, edge: dict[str, Any], *, is_there: bool) -> None:
    row.button(
        "",
        icon=icon,
        help=label,
        key=f"go-{label}",
        disabled=not is_there,
        on_click=_go,
        args=(edge,),
    )


def _jump() -> None:
    """Begin the page with the record of this number; the field is empty again afterwards."""
    if number := st.session_state["go-to-number"]:
        _go({"number": number})
    st.session_state["go-to-number"] = None


def _go(edge: dict[str, Any]) -> None:
    st.session_state["records-edge"] = edge


def _table(records: Sequence[Record], key: str) -> str | None:
    """The page as a table; the id of the record that is chosen in it."""
    rows = [
        {
            t("The text"): _short(each.text),
            t("Document"): each.name,
            t("Page"): str(each.page or ""),
            t("Tokens"): each.tokens,
            t("Metadata"): ", ".join(f"{name}: {value}" for name, value in each.metadata.items()),
            t("Changed by hand"): each.edited_at is not None,
            t("Id"): each.id,
        }
        for each in records
    ]
    st.caption(t("Choose a row to see the record whole, to change it or to see what is near it."))
    event: Any = st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        height=330,
        on_select="rerun",
        selection_mode="single-row",
        key=f"{key}-{records[0].id}" if records else key,
    )
    chosen = event["selection"]["rows"]
    return records[chosen[0]].id if chosen and chosen[0] < len(records) else None


def _short(text: str) -> str:
    whole = " ".join(text.split())
    return whole if len(whole) <= SHOWN else f"{whole[: SHOWN - 1]}…"
