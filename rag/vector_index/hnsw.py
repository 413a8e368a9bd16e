"""The options of Chroma's HNSW index: what may be chosen, and what a distance in its space means."""

from collections.abc import Mapping
from typing import Any

from rag.errors import UsageError

SPACES = ("cosine", "l2", "ip")
CHANGEABLE = ("ef_search", "num_threads", "batch_size", "sync_threshold", "resize_factor")
HNSW_OPTIONS = ("space", "ef_construction", "max_neighbors", *CHANGEABLE)
DEFAULTS: Mapping[str, Any] = {
    "space": "cosine",  # Chroma's own is l2
    "ef_construction": 100,
    "ef_search": 100,
    "max_neighbors": 16,
    "batch_size": 100,
    "sync_threshold": 1000,
    "resize_factor": 1.2,
}  # num_threads: as many as the processor has


def check_hnsw(hnsw: Mapping[str, Any]) -> None:
    """Raises UsageError for an option that is unknown or cannot have its value."""
    for key, value in hnsw.items():
        if key not in HNSW_OPTIONS:
            raise UsageError(
                "Unknown HNSW option {names}. There are: {options}.",
                names=key,
                options=", ".join(HNSW_OPTIONS),
            )
        if key == "space":
            _check_space(value)
            continue
        number = (int, float) if key == "resize_factor" else int
        if isinstance(value, bool) or not isinstance(value, number) or not 0 < value < 1 << 31:
            raise UsageError(
                "The HNSW option {name} is {value}; it should be a whole number above 0.",
                name=key,
                value=value,
            )
    chosen = {**DEFAULTS, **hnsw}
    if chosen["batch_size"] > chosen["sync_threshold"]:
        raise UsageError(
            "The HNSW option batch_size is {batch} and sync_threshold {threshold}; it should be no larger.",
            batch=chosen["batch_size"],
            threshold=chosen["sync_threshold"],
        )


def check_changeable(hnsw: Mapping[str, Any]) -> None:
    """Raises UsageError for what cannot be changed in an index that is there."""
    check_hnsw(hnsw)
    for key in hnsw:
        if key not in CHANGEABLE:
            raise UsageError(
                "{name} is chosen when a collection is made; later these can be changed: {options}. Copy the "
                "collection to have it with another {name}.",
                name=key,
                options=", ".join(CHANGEABLE),
            )


def cosine_of(space: str, distance: float) -> float:
    """The cosine of two unit vectors by their distance in a space; Chroma's l2 is squared."""
    return 1.0 - distance / 2 if space == "l2" else 1.0 - distance


def distance_of(space: str, cosine: float) -> float:
    """The distance that a space gives two unit vectors of this cosine; l2 is squared, as in Chroma."""
    return 2.0 - 2 * cosine if space == "l2" else 1.0 - cosine


def _check_space(value: object) -> None:
    if value not in SPACES:
        raise UsageError(
            "The HNSW space is {value}; it can be {options}.", value=value, options=", ".join(SPACES)
        )
