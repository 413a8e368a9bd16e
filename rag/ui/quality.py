"""What in the library may need mending: a line where all is well, else a table."""

import streamlit as st

from rag.ingestion.audit import Audit
from rag.ui.facts import language_mix
from rag.ui.markdown import plain
from rag.ui.session import collection, engine
from rag.ui.text import t, tell, tn

SECONDS = 1.0  # for new documents, each time the page is drawn
PER_PAGE = 10


def quality() -> None:
    """What was found in the collection, and what to do."""
    audit = engine().audit(collection(), most_seconds=SECONDS)
    if not audit.documents:
        return
    if not (audit.findings or audit.unexamined or audit.problem):
        facts = [t("Nothing to mend"), *language_mix(audit.languages)]
        st.caption(f":material/task_alt: {plain(' · '.join(facts))}")
        return
    found = len({finding.document_id for finding in audit.findings})
    label = t("Quality")
    if found:
        label += " · " + tn("one document to look at", "{n} documents to look at", found)
    with st.expander(label, icon=":material/fact_check:", key="quality"):
        _table(audit)
        if mix := language_mix(audit.languages):
            st.caption(plain(t("Languages: {mix}", mix=mix[0])))
        if audit.problem:
            st.warning(plain(tell(audit.problem)), icon=":material/warning:")
        if audit.unexamined:
            st.caption(
                tn(
                    "One document is not looked through yet.",
                    "{n} documents are not looked through yet.",
                    audit.unexamined,
                )
            )
            if st.button(t("Look through them"), icon=":material/fact_check:"):
                with st.spinner(t("Looking through the documents …")):
                    engine().audit(collection())
                st.rerun()


def _table(audit: Audit) -> None:
    pages = -(-len(audit.findings) // PER_PAGE)
    if not pages:
        return
    chosen = (st.pagination(pages, key=f"findings-{pages}") or 1) if pages > 1 else 1
    shown = audit.findings[(chosen - 1) * PER_PAGE : chosen * PER_PAGE]
    st.table(
        {
            t("Document"): [plain(finding.document) for finding in shown],
            t("Finding"): [plain(tell(finding.what)) for finding in shown],
            t("What to do"): [plain(tell(finding.advice)) for finding in shown],
        },
        hide_index=True,
    )
