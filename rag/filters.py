"""Filters people choose, as the `where` that Chroma understands, and those they write as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

from rag.catalog.where import condition
from rag.errors import UsageError

Value: TypeAlias = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Between:
    """The numbers from `least` to `most`, both included."""

    least: int | float
    most: int | float


@dataclass(frozen=True, slots=True)
class Filters:
    """What passages may come from; an empty field lets everything through.

    `documents` are ids, `types` as in ParsedFile.kind, `pages` first and last (both included), `added` first
    and last day, `own` the user's own keys, each with a value, a choice of values or a range of numbers.
    """

    documents: Sequence[str] = ()
    types: Sequence[str] = ()
    pages: tuple[int, int] | None = None
    added: tuple[date, date] | None = None
    own: Mapping[str, Value | Sequence[Value] | Between] = field(default_factory=dict)

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
        for key, wanted in self.own.items():
            conditions += _own(key, wanted)
        return _joined("$and", conditions)


def parsed_where(text: str) -> dict[str, Any] | None:
    """The filter that someone wrote as JSON; None for an empty one. Raises UsageError in words."""
    if not text.strip():
        return None
    try:
        where = json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(
            "The filter is not JSON: look at line {line}, character {column}. Keys and texts stand in double "
            "quotes.",
            line=error.lineno,
            column=error.colno,
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError("The filter is not JSON that can be read: {reason}", reason=error) from error
    if where == {}:
        return None
    condition(where)
    return dict(where)


def _own(key: str, wanted: Value | Sequence[Value] | Between) -> list[dict[str, Any]]:
    if isinstance(wanted, Between):
        return _between(key, wanted.least, wanted.most)
    if isinstance(wanted, str | int | float):
        return [{key: {"$eq": wanted}}]
    kinds: dict[type, list[Value]] = {}
    for value in wanted:  # a list must not mix types
        kinds.setdefault(float if type(value) is int else type(value), []).append(value)
    choice = _joined("$or", [{key: {"$in": values}} for values in kinds.values()])
    return [choice] if choice else []


def _between(key: str, first: int | float, last: int | float) -> list[dict[str, Any]]:
    return [{key: {"$gte": first}}, {key: {"$lte": last}}]


def _joined(operator: str, conditions: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Chroma refuses an empty filter and an $and or $or of one."""
    if len(conditions) > 1:
        return {operator: conditions}
    return conditions[0] if conditions else None
