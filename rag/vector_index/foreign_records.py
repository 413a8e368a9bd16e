"""What is found in somebody else's Chroma: collections, records, and records near a vector."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

SPACES = ("cosine", "l2", "ip")

Vectors: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ForeignRecord:
    """One record; `text` is None where there is none, or where it was not asked for, as `vector` is."""

    id: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None
    vector: Vectors | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ForeignCollection:
    """What a collection says of itself, and what its first records show.

    `space` is "cosine", "l2" or "ip"; `function` is Chroma's name of the embedding function it was made with,
    with its `options`, None where it names none; `with_text` of the `looked_at` first records hold text, and
    `keys` are those of their metadata. `has_vectors` is False where they cannot be read.
    """

    name: str
    records: int
    dimension: int | None
    space: str
    function: str | None
    options: Mapping[str, Any]
    metadata: Mapping[str, Any]
    looked_at: int
    with_text: int
    keys: tuple[str, ...]
    shown: tuple[ForeignRecord, ...]
    has_vectors: bool = True

    def to_row(self) -> dict[str, Any]:
        """All of it as JSON can hold it."""
        shown = [{"id": each.id, "text": each.text, "metadata": dict(each.metadata)} for each in self.shown]
        return asdict(self) | {"shown": shown}


@dataclass(frozen=True, slots=True)
class ForeignHit:
    """A record near a question: Chroma's raw `distance`, and the cosine similarity of both vectors."""

    record: ForeignRecord
    distance: float
    cosine: float


def cosine(one: Vectors, other: Vectors | None) -> float:
    """The cosine similarity of two vectors of any length; 0 where one has no direction."""
    if other is None:
        return 0.0
    length = float(np.linalg.norm(one)) * float(np.linalg.norm(other))
    return float(one @ other) / length if length > 0 else 0.0


def measured_space(one: Vectors, hit: ForeignHit) -> str:
    """The distance that a raw distance between two vectors is nearest to."""
    other = np.zeros_like(one) if hit.record.vector is None else hit.record.vector
    distances = {
        "cosine": 1 - hit.cosine,
        "l2": float(np.sum((one - other) ** 2)),
        "ip": 1 - float(one @ other),
    }
    return min(distances, key=lambda space: abs(distances[space] - hit.distance))
