"""Filters people choose, as the `where` that Chroma understands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Filters:
    """What passages may come from; an empty field lets everything through.

    `documents` are ids, `types` as in ParsedFile.kind, `pages` first and last (both included), `added` first
    and last day, `own` the user's own key=value pairs.
    """

    documents: Sequence[str] = ()
    types: Sequence[str] = ()
    pages: tuple[int, int] | None = None
    added: tuple[date, date] | None = None
    own: Mapping[str, str | int | float | bool] = field(default_factory=dict)

    def where(self) -> dict[str, Any] | None:
        """The filter in Chroma's form, or None where nothing is filtered."""
        conditions: list[dict[str, Any]] = []
        if self.documents:
            conditions.append({"document_id": {"$in": list(self.documents)}})
        if self.types:
            conditions.append({"type": {"$in": list(self.types)}})
        if self.pages:
            conditions += _between("page", *self.pages)
        if self.added:
            conditions += _between("added", *(int(day.strftime("%Y%m%d")) for day in self.added))
        conditions += [{key: {"$eq": value}} for key, value in self.own.items()]
        return _all_of(conditions)


def _between(key: str, first: int, last: int) -> list[dict[str, Any]]:
    return [{key: {"$gte": first}}, {key: {"$lte": last}}]


def _all_of(conditions: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Chroma refuses an empty filter and an $and of one."""
    if len(conditions) > 1:
        return {"$and": conditions}
    return conditions[0] if conditions else None
