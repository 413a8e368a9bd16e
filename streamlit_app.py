"""The app's frame: page set-up and navigation."""

import streamlit as st

from rag.ui import frame

st.set_page_config(page_title="Passage", page_icon=":material/menu_book:", layout="wide")
frame.show()
