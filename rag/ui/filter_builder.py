"""Filters made of what the documents have: names, types, pages, days, and the user's own keys."""

import json
from collections.abc import Container, Mapping, Sequence
from typing import Any

import streamlit as st

from rag.catalog import Facets
from rag.filters import Between, Filters, Value
from rag.ui.facts import number, type_name
from rag.ui.markdown import plain
from rag.ui.text import t

MOST_STEPS = 200  # of a slider; where numbers lie farther apart, both ends are typed
LARGEST = 2**53 - 1  # an integer that the browser keeps as it is

Counted = Sequence[tuple[Value, int]]


def defaults(facets: Facets, prefix: str = "search") -> dict[str, Any]:
    """Every widget's key, which begins with `prefix`, and its value while nobody has touched it."""
    found: dict[str, Any] = {f"{prefix}-documents": [], f"{prefix}-types": []}
    if facets.pages > 1:
        found[_pages_key(prefix, facets)] = (1, facets.pages)
    if facets.days and facets.days[0] < facets.days[1]:
        found[_days_key(prefix, facets)] = facets.days
    for key, values in facets.own.items():
        if ends := _ends(values):
            least, most = ends
            if _is_slid(least, most):
                found[_own_key(prefix, key, *ends)] = ends
            else:
                found |= {
                    _own_key(prefix, key, *ends, "least"): least,
                    _own_key(prefix, key, *ends, "most"): most,
                }
        else:
            found[_own_key(prefix, key)] = []
    return found


def build(facets: Facets, prefix: str = "search") -> Filters:
    """The widgets, one below the other, and the filter they make; each states how many documents have it."""
    return Filters(
        documents=_documents(facets, prefix),
        types=_types(facets, prefix),
        pages=_range(t("Pages"), _pages_key(prefix, facets), (1, facets.pages)),
        added=_range(t("Added between"), _days_key(prefix, facets), facets.days),
        own={key: chosen for key, values in facets.own.items() if (chosen := _own(prefix, key, values))},
    )


def _documents(facets: Facets, prefix: str) -> list[str]:
    counts = {n: number(n) for n in {each.chunks for each in facets.documents}}
    named = {each.id: f"{each.name} ({counts[each.chunks]})" for each in facets.documents}
    return _choice(
        t("Only these documents (passages)"), named, key=f"{prefix}-documents", placeholder=t("All documents")
    )


def _types(facets: Facets, prefix: str) -> list[str]:
    named = {kind: f"{type_name(kind)} ({number(n)})" for kind, n in facets.types.items()}
    return _choice(
        t("Only these types (documents)"), named, key=f"{prefix}-types", placeholder=t("All types")
    )


def _own(prefix: str, key: str, values: Counted) -> Between | list[Value] | None:
    if ends := _ends(values):
        return _own_range(prefix, key, *ends)
    named = {json.dumps(value): f"{_shown(value)} ({number(n)})" for value, n in values}
    chosen = _choice(plain(key), named, key=_own_key(prefix, key), placeholder=t("Any"))
    return [json.loads(each) for each in chosen]


def _own_range(prefix: str, key: str, least: Any, most: Any) -> Between | None:
    if _is_slid(least, most):
        chosen = _range(plain(key), _own_key(prefix, key, least, most), (least, most))
        return Between(*chosen) if chosen else None
    first, last = st.columns(2)
    low = first.number_input(
        t("{key} from", key=plain(key)),
        least,
        most,
        key=_own_key(prefix, key, least, most, "least"),
        persist_state="session",
    )
    high = last.number_input(
        t("{key} to", key=plain(key)),
        least,
        most,
        key=_own_key(prefix, key, least, most, "most"),
        persist_state="session",
    )
    return None if (low, high) == (least, most) else Between(low, high)


def _choice(label: str, named: Mapping[str, str], *, key: str, placeholder: str) -> list[str]:
    _keep_known(key, named)
    return st.multiselect(
        label,
        list(named),
        format_func=named.__getitem__,
        placeholder=placeholder,
        key=key,
        persist_state="session",
    )


def _range(label: str, key: str, ends: tuple[Any, Any] | None) -> Any:
    """First and last, or None where there is nothing to choose or everything is chosen."""
    if key not in st.session_state or ends is None:
        return None
    chosen = st.slider(label, *ends, key=key, persist_state="session")
    return None if chosen == ends else chosen


def _keep_known(key: str, options: Container[str]) -> None:
    """Takes from a choice what is no longer there."""
    chosen = st.session_state[key]
    if not all(each in options for each in chosen):
        st.session_state[key] = [each for each in chosen if each in options]


def _ends(values: Counted) -> tuple[Any, Any] | None:
    """The least and the highest of a key's values, where these are different numbers only."""
    numbers = [value for value, _ in values if not isinstance(value, bool | str)]
    if len(numbers) < len(values) or len(numbers) < 2 or max(map(abs, numbers)) > LARGEST:
        return None
    kind = int if all(isinstance(value, int) for value in numbers) else float
    return kind(min(numbers)), kind(max(numbers))


def _is_slid(least: Value, most: Value) -> bool:
    return isinstance(least, int) and isinstance(most, int) and most - least <= MOST_STEPS


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return t("Yes") if value else t("No")
    return str(value)


def _pages_key(prefix: str, facets: Facets) -> str:
    return f"{prefix}-pages-{facets.pages}"


def _days_key(prefix: str, facets: Facets) -> str:
    return "-".join([f"{prefix}-days", *map(str, facets.days or ())])


def _own_key(prefix: str, *parts: object) -> str:
    return "-".join([f"{prefix}-own", *map(str, parts)])
