"""The app's frame: page set-up and navigation."""

from pathlib import Path

import streamlit as st

from rag.ui import frame

ICON = Path(__file__).parent / "rag" / "ui" / "icon.svg"

st.set_page_config(page_title="Passage", page_icon=str(ICON), layout="wide")
frame.show()
