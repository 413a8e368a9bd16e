"""Chroma's `where` language as SQL over documents (d) and chunks (c).

The catalogue answers filters itself: together with a list of ids, Chroma needs 0.8 ms for each of them.
"""

import math
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from rag.documents import Notice
from rag.errors import UsageError

Value: TypeAlias = str | int | float | bool

_TYPES: Mapping[type, tuple[str, ...]] = {
    bool: ("true", "false"),
    int: ("integer", "real"),
    float: ("integer", "real"),
    str: ("text",),
}
_NUMBER, _TEXT = _TYPES[int], _TYPES[str]
_ORDERS = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}

# SQLite's own limits: an expression of 1,000 levels, 100 entries on its parser's stack, 32,766 values.
MOST_LEVELS, MOST_CONDITIONS, MOST_VALUES = 20, 500, 30_000

RESERVED_KEYS = frozenset({"document_id", "document", "type", "added", "page"})  # Passage sets them itself


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL that is true or false, the values of its question marks, and how many conditions are in it."""

    sql: str
    values: tuple[Value, ...] = ()
    size: int = 1


# What Passage itself knows of a chunk, before the keys of the user's own.
_OWN_FIELDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "document_id": ("d.id", _TEXT),
    "document": ("d.name", _TEXT),
    "type": ("d.kind", _TEXT),
    "added": ("cast(replace(substr(d.added_at, 1, 10), '-', '') as integer)", _NUMBER),
    "page": ("c.page", _NUMBER),
}
# A chunk's own metadata stand over those of its document.
_METADATA = "iif(c.metadata = '{}', d.metadata, json_patch(d.metadata, c.metadata))"


def condition(where: Mapping[str, Any]) -> Condition:
    """The filter as one condition. Raises UsageError where Chroma would refuse it, or where it is too large.

    As in Chroma, `$ne` and `$nin` are true of what lacks the key, and values of other types are not equal.
    Numbers are compared exactly, where Chroma drops a float's fraction to compare it with an integer.
    """
    found = _part(where, MOST_LEVELS)
    if found.size > MOST_CONDITIONS:
        raise _invalid(
            Notice(
                "it has more than {most} conditions; put the values of a key into one $in",
                {"most": MOST_CONDITIONS},
            )
        )
    if len(found.values) > MOST_VALUES:
        raise _invalid(Notice("it has more than {most} values", {"most": MOST_VALUES}))
    return found


def without_own_metadata(wanted: Condition) -> Condition:
    """The condition for chunks that have only the metadata of their documents.

    SQLite then looks at the metadata of each document once, and not again for each of its chunks.
    """
    return replace(wanted, sql=wanted.sql.replace(_METADATA, "d.metadata"))


def containing(text: str) -> Condition:
    """Whether a chunk holds the text, case and all. Raises UsageError for what is no text."""
    return Condition("instr(c.text, ?) > 0", (_text(text),))


def passing(where: Mapping[str, Any] | None, contains: str | None) -> Condition:
    """A filter and a text that a chunk must hold, case and all, as one condition; either may be missing.

    Raises UsageError for a bad one.
    """
    wanted = condition(where) if where else Condition("true")
    if not contains:
        return wanted
    text = containing(contains)
    return Condition(f"{wanted.sql} and {text.sql}", (*wanted.values, *text.values))


def _part(where: Mapping[str, Any], levels: int) -> Condition:
    if not isinstance(where, Mapping) or len(where) != 1:
        raise _invalid(
            Notice("it should hold one key; put several into {example}", {"example": '{"$and": […]}'})
        )
    ((key, wanted),) = where.items()
    if _text(key) in ("$and", "$or"):
        return _joined(key, wanted, levels)
    if key.startswith("$"):
        raise _invalid(Notice("{key} cannot stand here", {"key": key}))
    if not isinstance(wanted, Mapping):
        return _compared(key, "$eq", wanted)
    if len(wanted) != 1:
        raise _invalid(Notice("{key} should have one operator", {"key": key}))
    ((operator, value),) = wanted.items()
    return _compared(key, _text(operator), value)


def _joined(operator: str, parts: object, levels: int) -> Condition:
    if not levels:
        raise _invalid(Notice("it is nested more than {most} levels deep", {"most": MOST_LEVELS}))
    if not isinstance(parts, Sequence) or isinstance(parts, str) or len(parts) < 2:
        raise _invalid(Notice("{operator} needs a list of two or more filters", {"operator": operator}))
    found = [_part(part, levels - 1) for part in parts]
    word = " and " if operator == "$and" else " or "
    return Condition(
        f"({word.join(part.sql for part in found)})",
        tuple(value for part in found for value in part.values),
        sum(part.size for part in found),
    )


def _compared(key: str, operator: str, value: Any) -> Condition:
    if operator in ("$in", "$nin"):
        return _listed(key, value, within=operator == "$in")
    kind = _types(key, value)
    if operator in _ORDERS and kind != _NUMBER:
        raise _invalid(
            Notice(
                "{operator} compares numbers, and {value} is none",
                {"operator": operator, "value": reprlib.repr(value)},
            )
        )
    field = _field(key, kind)
    if operator == "$eq":
        return Condition(f"{field.sql} = ?", (*field.values, value))
    if operator == "$ne":
        return Condition(f"{field.sql} is not ?", (*field.values, value))
    if operator in _ORDERS:
        return Condition(f"{field.sql} {_ORDERS[operator]} ?", (*field.values, value))
    raise _invalid(Notice("there is no operator {operator}", {"operator": operator}))


def _listed(key: str, values: Any, *, within: bool) -> Condition:
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        raise _invalid(Notice("{key} should be compared with a list of at least one value", {"key": key}))
    kinds = {_types(key, value) for value in values}
    if len(kinds) > 1:
        raise _invalid(Notice("the list for {key} mixes types", {"key": key}))
    field = _field(key, kinds.pop())
    marks = ",".join("?" * len(values))
    sql = f"ifnull({field.sql} in ({marks}), 0)"
    return Condition(sql if within else f"not {sql}", (*field.values, *values))


def _field(key: str, types: tuple[str, ...]) -> Condition:
    """The value of a key, null where there is none or one of another type."""
    if key in _OWN_FIELDS:
        sql, own = _OWN_FIELDS[key]
        return Condition(sql if own == types else "null")
    names = ",".join(f"'{name}'" for name in types)
    return Condition(
        f"(select m.value from json_each({_METADATA}) m where m.key = ? and m.type in ({names}))", (key,)
    )


def _types(key: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        _text(value)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise _invalid(Notice("{key} is compared with an integer of more than 64 bits", {"key": key}))
    elif isinstance(value, float) and not math.isfinite(value):
        raise _invalid(
            Notice("{key} is compared with {value}, which is no number", {"key": key, "value": str(value)})
        )
    try:
        return _TYPES[type(value)]
    except KeyError:
        raise _invalid(
            Notice(
                "{key} is compared with {value}, which is no text, number, true or false",
                {"key": key, "value": reprlib.repr(value)},
            )
        ) from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _invalid(Notice("{value} stands where a text should", {"value": reprlib.repr(value)}))
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _invalid(
            Notice("{value} holds half a character (a lone surrogate)", {"value": reprlib.repr(value)})
        ) from None
    return value


def _invalid(reason: Notice) -> UsageError:
    return UsageError("The filter is not valid: {reason}. Correct it, or search without it.", reason=reason)
