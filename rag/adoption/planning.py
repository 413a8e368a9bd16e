"""Which records of a foreign collection become one document. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag.documents import readable
from rag.errors import UsageError
from rag.vector_index.foreign_records import ForeignRecord

# What other programs call the place a record comes from, the likeliest first; LangChain's is "source".
GROUP_KEYS = (
    *("source", "file_path", "file", "filename", "file_name", "path"),
    *("document_id", "doc_id", "document", "url"),
)
PAGE_KEYS = ("page", "page_number")
ORDER_KEYS = (*PAGE_KEYS, "chunk_index", "chunk", "start_index")
MOST_RECORDS = 5000  # of one document


@dataclass(frozen=True, slots=True)
class PlannedDocument:
    """A document to be: its name, and its records in reading order by their ids."""

    name: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All documents to be. Records are grouped by the values of the key `group_by`, None for no key.

    `first_page` is what the collection calls the first page, 0 or 1.
    """

    documents: tuple[PlannedDocument, ...]
    group_by: str | None
    first_page: int


def plan(
    heads: Sequence[ForeignRecord], collection: str, *, group_by: str | None = None, one_each: bool = False
) -> Plan:
    """Documents of the records, by a key of their metadata, else all of them together in parts.

    With `one_each` every record is a document. Records without the key come last, under the collection's
    name. Raises UsageError for a key that no record has.
    """
    first_page = 0 if any(page_of(each.metadata) == 0 for each in heads) else 1
    if one_each:
        return Plan(tuple(PlannedDocument(readable(each.id), (each.id,)) for each in heads), None, first_page)
    if group_by and not any(_value(each, group_by) for each in heads):
        keys = sorted({key for each in heads for key in each.metadata})
        raise UsageError(
            "No record has the key {key}. The keys there are: {keys}.",
            key=group_by,
            keys=", ".join(keys) or "–",
        )
    key = group_by or _usual_key(heads)
    groups: dict[str, list[ForeignRecord]] = {}
    for each in heads:
        groups.setdefault(_value(each, key) if key else "", []).append(each)
    rest = groups.pop("", [])
    names = _names(list(groups), taken=collection)
    documents = [part for value, group in groups.items() for part in _parts(names[value], group)]
    return Plan((*documents, *_parts(collection, rest)), key, first_page)


def page_of(metadata: Mapping[str, Any]) -> int | None:
    """The page a record says it is on, as it counts."""
    for key in PAGE_KEYS:
        value = metadata.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None


def _usual_key(heads: Sequence[ForeignRecord]) -> str | None:
    """The first of the usual keys that at least half of the records have."""
    for key in GROUP_KEYS:
        if heads and 2 * sum(bool(_value(each, key)) for each in heads) >= len(heads):
            return key
    return None


def _value(record: ForeignRecord, key: str) -> str:
    value = record.metadata.get(key)
    return readable(str(value)).strip() if isinstance(value, str | int | float) else ""


def _names(values: Sequence[str], *, taken: str) -> dict[str, str]:
    """A name for each value: the end of a path where no other ends so, else all of it."""
    ends = {value: value.replace("\\", "/").rstrip("/").rpartition("/")[2] or value for value in values}
    count = Counter([*ends.values(), *values, taken])
    return {value: end if count[end] == 1 or end == value else value for value, end in ends.items()}


def _parts(name: str, group: Sequence[ForeignRecord]) -> list[PlannedDocument]:
    ids = [each.id for each in _in_order(group)]
    parts = [tuple(ids[start : start + MOST_RECORDS]) for start in range(0, len(ids), MOST_RECORDS)]
    return [
        PlannedDocument(name if number == 1 else f"{name} ({number})", part)
        for number, part in enumerate(parts, start=1)
    ]


def _in_order(group: Sequence[ForeignRecord]) -> list[ForeignRecord]:
    """By those of the keys of order that all records have; else as they were added."""
    keys = [key for key in ORDER_KEYS if all(_is_number(each.metadata.get(key)) for each in group)]
    return sorted(group, key=lambda each: [each.metadata[key] for key in keys])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
