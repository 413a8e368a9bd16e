"""What people give for a record, checked: a vector, its metadata, its text."""

import json
import math
from collections.abc import Mapping, Sequence

import numpy as np

from rag.catalog.where import RESERVED_KEYS
from rag.documents import Metadata
from rag.embedders.base import Embedder, Vectors
from rag.errors import UsageError


def parse_vector(text: str) -> Sequence[float]:
    """The numbers of a JSON list. Raises UsageError."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise _no_vector() from error
    if not isinstance(found, list) or not all(
        isinstance(each, int | float) and not isinstance(each, bool) for each in found
    ):
        raise _no_vector()
    return found


def checked_vector(values: Sequence[float], dimension: int) -> Vectors:
    """The vector at unit length: shape (dimension,). Raises UsageError where it cannot be one."""
    if len(values) != dimension:
        raise UsageError(
            "The vector has {found} numbers, and those of this collection have {wanted}. Give one of the "
            "collection's own model.",
            found=len(values),
            wanted=dimension,
        )
    vector = np.asarray(values, np.float64)
    if not np.isfinite(vector).all():
        raise UsageError("The vector holds something that is no finite number. Correct it.")
    largest = float(np.abs(vector).max())
    if largest == 0:
        raise UsageError("The vector is zero, and has no direction to compare. Give another one.")
    scaled = vector / largest  # so that its squares are neither too large nor too small
    return (scaled / np.linalg.norm(scaled)).astype(np.float32)


def parse_metadata(text: str) -> Metadata:
    """Metadata from a JSON object, "" for none. Raises UsageError."""
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UsageError(
            "The metadata are no JSON object. Write them like {example}.", example='{"year": 2026}'
        ) from error
    if not isinstance(found, dict):
        raise UsageError(
            "The metadata are no JSON object. Write them like {example}.", example='{"year": 2026}'
        )
    return checked_metadata(found)


def checked_metadata(metadata: Mapping[str, object]) -> Metadata:
    """The metadata, if Chroma can hold them beside what Passage sets itself. Raises UsageError."""
    if reserved := [key for key in metadata if key in RESERVED_KEYS or key.startswith("chroma:")]:
        raise UsageError(
            "{names} cannot be set: Passage sets these itself. Choose other keys.",
            names=", ".join(sorted(reserved)),
        )
    kept: dict[str, str | int | float | bool] = {}
    for key, value in metadata.items():
        is_endless = isinstance(value, float) and not math.isfinite(value)
        is_long = isinstance(value, int) and not -(2**63) <= value < 2**63
        if not key or not isinstance(value, str | int | float | bool) or is_endless or is_long:
            raise UsageError(
                "The value of “{key}” in the metadata can be a text, a number, true or false.", key=key
            )
        kept[key] = value
    return kept


def checked_text(text: str, seen: str, embedder: Embedder) -> int:
    """A text's tokens as the model sees it, `seen`. Raises UsageError where it cannot be a record's."""
    if not text.strip():
        raise UsageError("The record has no text. Write some.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError("The text holds half a character (a lone surrogate). Correct it.") from error
    tokens = embedder.count_tokens(seen)
    if embedder.max_tokens is not None and tokens > embedder.max_tokens:
        raise UsageError(
            "The text has {tokens} tokens, and the model reads {most} at once. Shorten it, or make two "
            "records.",
            tokens=tokens,
            most=embedder.max_tokens,
        )
    return tokens


def _no_vector() -> UsageError:
    return UsageError(
        "The vector is no JSON list of numbers. Write it like {example}.", example="[0.1, -0.2, 0.3]"
    )
