"""What is known of a model, each fact from a public source; None where it could not be verified."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from rag.documents import Notice

Task: TypeAlias = Literal["embedding", "multimodal", "chat"]
Language: TypeAlias = Literal["en", "zh", "mul"]  # "mul": many more
RunsOn: TypeAlias = Literal["cpu", "gpu", "service"]


@dataclass(frozen=True, slots=True)
class Price:
    """What a service asks for a million input tokens; `as_of` is the day or month (ISO 8601) it was so."""

    per_million: float
    currency: str
    as_of: str
    source: str


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model that people choose.

    `ids` are its names in Passage ("provider:model"), the one to prefer first. `dimensions` are the lengths
    its vectors can have, the usual one first; empty if unknown or not an embedder. `max_tokens` is the
    longest text it reads. `bytes` is what is downloaded for the first of its ids. `runs_on` is what it wants:
    this machine's processor, its graphics card, or a service. `source` is the page the facts are from.
    """

    name: str
    ids: tuple[str, ...]
    task: Task
    languages: tuple[Language, ...]
    runs_on: RunsOn
    source: str
    dimensions: tuple[int, ...] = ()
    max_tokens: int | None = None
    licence: str | None = None
    parameters: int | None = None
    bytes: int | None = None
    price: Price | None = None
    notes: tuple[Notice, ...] = ()

    @property
    def providers(self) -> tuple[str, ...]:
        """The providers that can run it."""
        return tuple(dict.fromkeys(id.partition(":")[0] for id in self.ids))
