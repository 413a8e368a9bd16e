"""The chunks that pass a question's filters, kept for the next question with the same ones."""

import json
from dataclasses import dataclass

from rag.catalog import Catalog, Collection
from rag.retrieval.query import Query

MOST_FILTERS = 8  # whose chunks are kept


@dataclass(frozen=True, slots=True)
class _Kept:
    """What passed as long as the chunks were of `generation`."""

    generation: int
    ids: frozenset[str]


class Filters:
    """Asks the catalogue, once for each filter as long as no chunk comes or goes."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._known: dict[tuple[str, str, str | None], _Kept] = {}

    def matching(self, collection: Collection, query: Query) -> frozenset[str] | None:
        """The ids of the chunks that pass; None where there is no filter. Raises UsageError for a bad one."""
        if not (query.where or query.contains):
            return None
        key = (collection.id, json.dumps(query.where), query.contains)
        generation = self._catalog.documents.generation
        known = self._known.pop(key, None)
        if known is None or known.generation != generation:
            found = self._catalog.chunks.matching(collection.id, query.where, query.contains)
            known = _Kept(generation, frozenset(found))
        self._known[key] = known
        for oldest in list(self._known)[:-MOST_FILTERS]:
            self._known.pop(oldest, None)
        return known.ids
