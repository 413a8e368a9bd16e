"""What is to be adopted, and what came of it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from rag.adoption.pieces import PREFIX
from rag.documents import Notice

VectorsWish: TypeAlias = Literal["auto", "keep", "again"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be adopted, and how: `collection` becomes `name`.

    `vectors` "auto" keeps them where the model is known to have made them, "keep" insists on it, "again"
    embeds all texts again. `embedder` None is the model that made them, else that of the settings;
    `group_by` and `one_each` as in `plan`.
    """

    collection: str
    name: str
    embedder: str | None = None
    vectors: VectorsWish = "auto"
    group_by: str | None = None
    one_each: bool = False


@dataclass(slots=True)
class Adopted:
    """What came of it, counted as it goes.

    `unchanged` documents were there from an earlier try; `kept` chunks have their old vectors, `embedded`
    ones new ones; `split` records were longer than the model's window; `textless` records were left out, the
    first of them by their ids in `examples`; `gone` ones vanished meanwhile. `renamed` keys are those that
    Passage sets itself, `differing` ones differ within a document and are kept in its original only.
    """

    collection: str
    embedder: str
    group_by: str | None
    agreement: float | None
    why_embedded: Notice | None
    records: int = 0
    documents: int = 0
    unchanged: int = 0
    chunks: int = 0
    kept: int = 0
    embedded: int = 0
    split: int = 0
    textless: int = 0
    gone: int = 0
    examples: list[str] = field(default_factory=list)
    renamed: set[str] = field(default_factory=set)
    differing: set[str] = field(default_factory=set)

    def to_row(self) -> dict[str, Any]:
        """All of it as JSON can hold it."""
        why = str(self.why_embedded) if self.why_embedded else None
        sets = {"renamed": sorted(self.renamed), "differing": sorted(self.differing)}
        return asdict(self) | sets | {"why_embedded": why}

    def notices(self) -> Iterator[Notice]:
        """What the user should know of it."""
        counts: dict[str, str | int | Notice] = {"kept": self.kept, "embedded": self.embedded}
        yield Notice("{kept} passages keep their vectors, {embedded} were embedded.", counts)
        if self.why_embedded:
            yield self.why_embedded
        if self.split:
            yield Notice(
                "{n} records were longer than the model reads at once, and were split.", {"n": self.split}
            )
        if self.textless:
            yield Notice(
                "{n} records without a text were left out: {ids}",
                {"n": self.textless, "ids": ", ".join(self.examples)},
            )
        if self.gone:
            yield Notice("{n} records were deleted there meanwhile.", {"n": self.gone})
        if self.renamed:
            yield Notice(
                "Keys that Passage sets itself now begin with {prefix}: {names}.",
                {"names": ", ".join(sorted(self.renamed)), "prefix": PREFIX},
            )
        if self.differing:
            yield Notice(
                "These keys differ within a document and cannot be filtered by; they are kept in its "
                "original: {names}. To filter by them adopt one document for each record.",
                {"names": ", ".join(sorted(self.differing))},
            )
