"""What a page holds on to: the engine all sessions share, and what one session looks at."""

import secrets
import threading

import streamlit as st

from rag.catalog import Collection, Conversation
from rag.engine import Engine, open_engine
from rag.evaluation.background import Evaluations
from rag.settings import load_settings

_lock = threading.Lock()
_engine: Engine | None = None
_evaluations: Evaluations | None = None


def engine() -> Engine:
    """The engine of this server, started when it is first asked for. Raises RagError if it cannot start."""
    global _engine
    with _lock:
        if _engine is None:
            address = st.get_option("server.address") or "0.0.0.0"  # Streamlit alone listens everywhere
            opened = open_engine(load_settings(host=address))
            try:
                opened.start()
            except BaseException:
                opened.close()
                raise
            _engine = opened
        return _engine


def evaluations() -> Evaluations:
    """What this server evaluates in the background."""
    global _evaluations
    present = engine()
    with _lock:
        if _evaluations is None or _evaluations.engine is not present:
            _evaluations = Evaluations(present)
        return _evaluations


def close_engine() -> None:
    """Stop what the engine runs; a page that is still open starts it again."""
    global _engine
    with _lock:
        if _evaluations is not None:
            _evaluations.stop()
        if _engine is not None:
            _engine.close()
            _engine = None


def sender() -> str:
    """Who adds files in this session: those of several take turns."""
    name: str = st.session_state.setdefault("sender", secrets.token_hex(8))
    return name


def collection() -> Collection:
    """The collection this session looks at: that of the open conversation, else the one chosen."""
    if current := conversation():
        return engine().collection(current.collection_id)
    chosen = st.session_state.get("collection")
    if chosen and engine().catalog.collections.find(chosen):
        return engine().collection(chosen)
    return engine().collection()


def conversation() -> Conversation | None:
    """The conversation on the page: the one in the address after a reload or a step back, else the last."""
    if in_address := st.query_params.get("c"):
        st.session_state["conversation"] = in_address
    chosen = st.session_state.get("conversation")
    return engine().catalog.conversations.find(chosen) if chosen else None


def open_conversation(conversation_id: str | None) -> None:
    """Show this conversation, or an empty page for a new one."""
    st.session_state["conversation"] = conversation_id
    if conversation_id:
        st.query_params["c"] = conversation_id
    else:
        st.query_params.pop("c", None)
