"""The field for the password of a document."""

import streamlit as st

from rag.ui.session import engine
from rag.ui.text import t


def ask_password(document_id: str) -> bool:
    """Ask for a document's password; whether one was given just now, which is then used."""
    with st.form(f"password-{document_id}", border=False, clear_on_submit=True):
        password = st.text_input(
            t("Password"),
            type="password",
            help=t("It is kept in memory until Passage stops, and written nowhere."),
            key=f"typed-{document_id}",
        )
        given = st.form_submit_button(t("Open with this password"), icon=":material/lock_open:")
    if given and password:
        engine().intake.unlock(document_id, password)
        return True
    return False
