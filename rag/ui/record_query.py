"""Records near a text or a vector, and the same query as a command and as Python."""

import streamlit as st

from rag.catalog import Collection
from rag.ui.hits import hits_table
from rag.ui.record_filter import record_filter
from rag.ui.session import engine
from rag.ui.telling import errors_told
from rag.ui.text import t
from rag.workbench import RecordQuery
from rag.workbench.given import parse_vector
from rag.workbench.query import MOST_RESULTS
from rag.workbench.snippets import query_command, query_with_passage


def query(present: Collection) -> None:
    """What is looked for, how many, from what; the results; the same elsewhere."""
    if not engine().catalog.chunks.count(present.id):
        st.info(
            t("There are no records yet. Add documents in the library, or write one under Records."),
            icon=":material/info:",
        )
        return
    ways = {"text": t("By a text"), "vector": t("By a vector")}
    way = st.segmented_control(
        t("Look for"),
        list(ways),
        format_func=ways.__getitem__,
        default="text",
        required=True,
        key="query-way",
    )
    if way == "vector":
        given = st.text_area(
            t("Vector, as a JSON list of numbers"),
            key="query-vector",
            placeholder="[0.1, -0.2, 0.3]",
            help=t("It needs {n} numbers, and is brought to length 1.", n=present.fingerprint.dimension),
        )
    else:
        given = st.text_input(
            t("The text"), key="query-text", help=t("It is embedded as a question, with the model's prefix.")
        )
    n = st.number_input(t("Number of results"), 1, MOST_RESULTS, 10, key="query-n")
    wanted = record_filter(present, "query")
    if not given.strip() or wanted is None:
        return
    with errors_told():
        vector = parse_vector(given) if way == "vector" else None
        asked = RecordQuery("" if vector is not None else given, vector, n, wanted.where, wanted.contains)
        _results(present, asked)


def _results(present: Collection, asked: RecordQuery) -> None:
    with st.spinner(t("Searching your documents …")):
        found = engine().workbench.browsing.query(present, asked)
    if found.hits:
        hits_table(found, key="query-hits")
    else:
        st.info(t("No record passes the filter."), icon=":material/info:")
    with st.expander(t("The same query as a command and in Python"), icon=":material/terminal:"):
        st.code(query_command(present, asked), language="bash", wrap_lines=True)
        st.code(query_with_passage(present, asked), language="python", wrap_lines=True)
        st.caption(t("In plain Chroma, of the same vector:"))
        code = engine().workbench.browsing.chroma_code(present, asked)
        st.code(code, language="python", wrap_lines=True)
