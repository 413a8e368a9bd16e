"""What an action says: its error where it was asked for, its result on the page that follows."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from rag.errors import RagError
from rag.ui.markdown import plain
from rag.ui.text import tell


@contextmanager
def errors_told() -> Iterator[None]:
    """Tells an error in place of what could not be done; what follows inside is not run."""
    try:
        yield
    except RagError as error:
        st.error(plain(tell(error)), icon=":material/error:")


def done(text: str) -> None:
    """Run the page anew, which says that something was done."""
    st.session_state["done"] = text
    st.rerun()


def show_done() -> None:
    """Say what was just done, once."""
    if text := st.session_state.pop("done", None):
        st.success(plain(text), icon=":material/check:")
