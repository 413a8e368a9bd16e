"""The options of an index as fields, each explained where it is set."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from rag.ui.text import t
from rag.vector_index.hnsw import CHANGEABLE, DEFAULTS, SPACES

FIXED = ("space", "ef_construction", "max_neighbors")


def space_name(space: str) -> str:
    """A space by what its distance is."""
    names = {
        "cosine": t("Cosine distance (cosine)"),
        "l2": t("Squared Euclidean distance (l2)"),
        "ip": t("Inner product (ip)"),
    }
    return names[space]


def space_meaning(space: str) -> str:
    """How a raw distance follows from the cosine similarity, as the vectors have length 1."""
    meanings = {
        "cosine": t("distance = 1 − cosine similarity"),
        "l2": t("squared Euclidean distance = 2 − 2 · cosine similarity"),
        "ip": t("inner product distance = 1 − inner product, which is the cosine similarity"),
    }
    return meanings[space]


def fixed_fields(key: str) -> dict[str, Any]:
    """What is chosen when an index is made."""
    space = st.selectbox(
        t("Space"),
        SPACES,
        format_func=space_name,
        key=f"{key}-space",
        help=t("How Chroma measures. The vectors have length 1, so that all three find the same records."),
    )
    left, right = st.columns(2)
    with left:
        construction = _number(key, "ef_construction", DEFAULTS)
    with right:
        neighbours = _number(key, "max_neighbors", DEFAULTS)
    return {"space": space, "ef_construction": construction, "max_neighbors": neighbours}


def changeable_fields(key: str, present: Mapping[str, Any]) -> dict[str, Any]:
    """What can be changed later."""
    values = {**DEFAULTS, **present}
    found: dict[str, Any] = {}
    columns = st.columns(2)
    for place, name in enumerate(CHANGEABLE):
        with columns[place % 2]:
            found[name] = _number(key, name, values)
    return found


def chosen(values: Mapping[str, Any], present: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Those of the values that are others than Chroma has now."""
    before = {"num_threads": 0, **DEFAULTS, **(present or {})}
    return {name: value for name, value in values.items() if value != before[name]}


def options_text(hnsw: Mapping[str, Any], names: Sequence[str] | None = None) -> str:
    """The options as they stand in a command."""
    return ", ".join(f"{name}={value}" for name, value in hnsw.items() if names is None or name in names)


def _number(key: str, name: str, values: Mapping[str, Any]) -> int | float:
    value = values.get(name, 0)
    least = 1.01 if name == "resize_factor" else 0 if name == "num_threads" else 1
    most = 100.0 if name == "resize_factor" else 1_000_000
    number: int | float = st.number_input(name, least, most, value, key=f"{key}-{name}", help=_meaning(name))
    return number


def _meaning(name: str) -> str:
    meanings = {
        "ef_construction": t(
            "How many candidates are looked at where a record is put into the graph: more make a better "
            "graph, and writing slower."
        ),
        "max_neighbors": t(
            "How many neighbours a record is joined with: more find more surely, and take more memory."
        ),
        "ef_search": t(
            "How many candidates a search looks at: more find more surely, and a search takes longer."
        ),
        "num_threads": t("How many threads work on the index; 0 for as many as the processor has."),
        "batch_size": t("How many new records are gathered before they are put into the graph."),
        "sync_threshold": t("After how many new records the graph is written to disk."),
        "resize_factor": t("By how much the graph's room grows when it is full."),
    }
    return meanings[name]
