"""Why a search did not show a passage: how far it came, what dropped it, and what would bring it in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from rag.catalog import Catalog, Collection
from rag.documents import Notice, Passage
from rag.embedders.base import Embedder
from rag.embedders.window import fitting
from rag.errors import ProviderError, StoreError
from rag.keyword_index import KeywordIndex
from rag.rerankers import NO_RERANKER
from rag.retrieval import POOL, Mode, Query, Retriever, SearchResult
from rag.retrieval.neighbours import passage_of
from rag.retrieval.phrases import holds_phrase, without_quotes
from rag.retrieval.reasons import Way, left_out_by, reason
from rag.retrieval.wanted import MOST, Found, Wanted, holders

FIRST_WORDS = 1000  # of the keyword list, which is only read to its end if need be
UNFINISHED = ("queued", "running")  # states of a job whose document cannot be found yet


@dataclass(frozen=True, slots=True)
class WhyNot:
    """What became of the chunks that were meant, the one that came farthest first.

    `is_there` tells whether the text is in the collection; where not, `ways` has what is nearest to it.
    """

    question: str
    mode: Mode
    k: int
    is_there: bool
    reason: Notice
    ways: tuple[Way, ...] = ()
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class _Seen:
    """Passages by chunk id: with all options, without the minimum, without filters too; and the pool.

    `unreranked` is with all options but without the reranker, empty where none worked. `dense` and `words`
    are (rank, score) by chunk id among all `chunks`.
    """

    mode: Mode
    phrases: Sequence[str]
    strict: Mapping[str, Passage]
    loose: Mapping[str, Passage]
    free: Mapping[str, Passage]
    unreranked: Mapping[str, Passage]
    pool: frozenset[str]
    dense: Mapping[str, tuple[int, float]]
    words: Mapping[str, tuple[int, float]]
    chunks: int


class Explaining:
    """Follows chunks through the same search that did not show them."""

    def __init__(
        self,
        catalog: Catalog,
        keywords: KeywordIndex,
        retriever: Retriever,
        embedder_of: Callable[[Collection], Embedder],
    ) -> None:
        self._catalog = catalog
        self._keywords = keywords
        self._retriever = retriever
        self._embedder_of = embedder_of

    def why_not(self, collection: Collection, query: Query, wanted: Wanted) -> WhyNot:
        """What became of a text, a document or a chunk. Raises UsageError, ProviderError, StoreError."""
        found = self._retriever.search(collection, replace(query, k=POOL))
        meant = self._meant(collection, query, wanted)
        shown = meant or self._nearest(collection, wanted.text)
        ready = [each for each in shown if each[1].status == "ready"]
        ways = self._ways(collection, query, found, ready)
        why = self._why(collection, query, wanted, meant, ways)
        is_there = bool(meant or wanted.document_id)
        return WhyNot(query.question, found.mode, query.k, is_there, why, ways, found.notices)

    def _why(
        self,
        collection: Collection,
        query: Query,
        wanted: Wanted,
        meant: Sequence[Found],
        ways: Sequence[Way],
    ) -> Notice:
        if meant and ways:
            return reason(ways[0], query)
        if meant:
            return _not_ready(meant[0][1].name)
        if wanted.document_id:
            return self._without_chunks(wanted.document_id)
        return self._no_such_text(collection, ways)

    def _meant(self, collection: Collection, query: Query, wanted: Wanted) -> Sequence[Found]:
        if wanted.chunk_id:
            found = self._catalog.chunks.find(collection.id, wanted.chunk_id)
            return [found] if found else []
        if not wanted.document_id:
            return holders(self._catalog, self._keywords, collection, wanted.text)
        document = self._catalog.documents.get(wanted.document_id)
        chunks = {each.id: each for each in self._catalog.documents.chunks(document.id)}
        if document.status != "ready" or len(chunks) <= MOST:
            return [(each, document) for each in list(chunks.values())[:MOST]]
        within = {"document_id": document.id}
        best = self._retriever.search(
            collection,
            replace(query, k=MOST, where=within, contains=None, min_similarity=None, reranker=NO_RERANKER),
        )
        keys = [each.chunk_id for each in best.passages] or list(chunks)[:1]
        return [(chunks[key], document) for key in keys if key in chunks]

    def _nearest(self, collection: Collection, text: str) -> list[Found]:
        if not text:
            return []
        try:
            embedder = self._embedder_of(collection)
            vector = embedder.embed_documents([fitting(text, embedder)])[0]
        except ProviderError:
            return []
        nearest = [key for key, _ in self._retriever.exact.nearest(collection, vector, n=1)]
        return list(self._catalog.chunks.ready(collection.id, nearest).values())

    def _without_chunks(self, document_id: str) -> Notice:
        document = self._catalog.documents.get(document_id)
        if document.error:
            return Notice(
                "“{name}” could not be read: {reason}", {"name": document.name, "reason": document.error}
            )
        return _not_ready(document.name)

    def _no_such_text(self, collection: Collection, ways: Sequence[Way]) -> Notice:
        jobs = self._catalog.jobs.recent(collection.id)
        if waiting := sum(job.state in UNFINISHED for job in jobs):
            return Notice(
                "There is no such text in this collection yet. Still to be read: {n}. Look again afterwards.",
                {"n": waiting},
            )
        if not ways:
            return Notice("There is no such text in this collection. Add its document in the library.")
        return Notice(
            "There is no such text in this collection: add its document in the library. The nearest passage "
            "stands in “{name}”.",
            {"name": ways[0].passage.name},
        )

    def _ways(
        self, collection: Collection, query: Query, found: SearchResult, meant: Sequence[Found]
    ) -> tuple[Way, ...]:
        """The ways of chunks of ready documents, the one that came farthest first."""
        if not meant:
            return ()
        seen = self._seen(collection, query, found, [chunk.id for chunk, _ in meant])
        ways = [self._way(collection, query, seen, each) for each in meant]
        return tuple(sorted(ways, key=_place))

    def _seen(self, collection: Collection, query: Query, found: SearchResult, keys: Sequence[str]) -> _Seen:
        loose = replace(query, k=POOL, min_similarity=None)
        free = replace(loose, where=None, contains=None, question=without_quotes(query.question))
        strict = _by_id(found.passages)
        without_minimum = strict if query.min_similarity is None else self._found(collection, loose)
        is_filtered = query.where or query.contains or found.phrases
        modes: tuple[Mode, ...] = ("dense", "keyword") if found.mode == "hybrid" else (found.mode,)
        plain = replace(loose, reranker=NO_RERANKER)
        pools = [self._found(collection, replace(plain, mode=mode)) for mode in modes]
        return _Seen(
            found.mode,
            found.phrases,
            strict,
            without_minimum,
            self._found(collection, free) if is_filtered else without_minimum,
            self._found(collection, replace(query, k=POOL, reranker=NO_RERANKER)) if found.reranker else {},
            frozenset(key for pool in pools for key in pool),
            self._dense_ranks(collection, query, keys),
            self._keyword_ranks(collection, query, keys),
            self._catalog.chunks.count(collection.id),
        )

    def _found(self, collection: Collection, query: Query) -> Mapping[str, Passage]:
        """What a search finds, by chunk id; nothing where it fails, which the first one told."""
        try:
            return _by_id(self._retriever.search(collection, query).passages)
        except (ProviderError, StoreError):
            return {}

    def _dense_ranks(
        self, collection: Collection, query: Query, keys: Sequence[str]
    ) -> Mapping[str, tuple[int, float]]:
        try:
            embedder = self._embedder_of(collection)
            vector = embedder.embed_query(fitting(query.question, embedder))
        except ProviderError:
            return {}
        return self._retriever.exact.ranks(collection, vector, keys)

    def _keyword_ranks(
        self, collection: Collection, query: Query, keys: Sequence[str]
    ) -> Mapping[str, tuple[int, float]]:
        """Places among all chunks with a word of the question; the whole list is only read if need be."""
        for n in (FIRST_WORDS, self._catalog.chunks.count(collection.id)):
            try:
                hits, _full_score = self._keywords.search(collection.id, query.question, n=max(1, n))
            except StoreError:
                return {}
            ranks = {key: (rank, score) for rank, (key, score) in enumerate(hits, 1)}
            if len(hits) < n or all(key in ranks for key in keys):
                break
        return {key: ranks[key] for key in keys if key in ranks}

    def _way(self, collection: Collection, query: Query, seen: _Seen, each: Found) -> Way:
        chunk, _document = each
        key, text = chunk.id, chunk.chunk.embedded_text
        free, loose, strict = seen.free.get(key), seen.loose.get(key), seen.strict.get(key)
        unreranked = seen.unreranked.get(key)
        return Way(
            passage=free or self._scored(collection, query, seen, each),
            mode=seen.mode,
            chunks=seen.chunks,
            dense_rank=seen.dense.get(key, (None,))[0],
            keyword_rank=seen.words.get(key, (None,))[0],
            left_out_by=left_out_by(self._catalog, query, chunk),
            lacks=next((each for each in seen.phrases if not holds_phrase(text, each)), None),
            in_pool=key in seen.pool,
            rank=strict.rank if strict else None,
            rank_without_reranker=unreranked.rank if unreranked else None,
            rank_without_minimum=loose.rank if loose else None,
            rank_without_filters=free.rank if free else None,
            score=free.score if free else None,
        )

    def _scored(self, collection: Collection, query: Query, seen: _Seen, each: Found) -> Passage:
        """A chunk that is too far down to be ranked, with the scores it has all the same."""
        chunk, document = each
        _, cosine = seen.dense.get(chunk.id, (None, None))
        _, keyword_score = seen.words.get(chunk.id, (None, None))
        passage = replace(passage_of(chunk, document, cosine=cosine), keyword_score=keyword_score)
        if cosine is None or passage.picture:
            return passage
        (relevance,) = self._retriever.relevance(collection, query.question, [passage])
        return replace(passage, relevance=relevance)


def _place(way: Way) -> tuple[int, int, int]:
    beyond = POOL + 1
    return way.rank or beyond, way.rank_without_filters or beyond, way.dense_rank or way.chunks


def _by_id(passages: Sequence[Passage]) -> dict[str, Passage]:
    return {passage.chunk_id: passage for passage in passages}


def _not_ready(name: str) -> Notice:
    return Notice(
        "Its document “{name}” is still being indexed: search again when it is ready.", {"name": name}
    )
