"""BM25 over words and CJK bigrams by Tantivy; rebuilt from the catalogue like the vectors."""

import itertools
import math
import re
import shutil
import threading
import unicodedata
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import tantivy

from rag.errors import StoreError

FORM = 2  # raise it when other things are written than before: the indexes are then built anew
K1 = 1.2  # Tantivy's; with it the highest score of a term is idf · (K1 + 1)
PAIR_SHARE = 0.75  # pairs that lie across two words stand in hardly any answer
FEW = 2000  # chunks: a filter of more is slower asked for in the index than applied to what it finds
SPARE = 2  # times as many are then looked through as would hold enough, were they spread evenly

Hits: TypeAlias = list[tuple[str, float]]
_SCRIPTS = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # written without spaces
_WORD = rf"[^\W_{_SCRIPTS}]+"
_RUN = re.compile(rf"[{_SCRIPTS}]+|{_WORD}(?:[.'’+#&/-]{_WORD})*[+#]*")
_PART = re.compile(_WORD)
_CJK = re.compile(f"[{_SCRIPTS}]")
# What a question in Chinese asks with stands in no answer, and its pairs of characters are rare: they would
# count for more than what it is about. English question words stand everywhere and count for nothing.
_ASKING = re.compile(
    "[为為](?:什[么麼]|何)|什[么麼](?:[时時]候|[样樣])?|哪(?:一[个個年位种種些]|[些个個里裡位种種年天])|多[少久]"
    "|(?<![十好])[几幾][个個年月天次位种種]|如何|怎(?:[么麼][样樣]?|[样樣])|何[时時地种種处處]|是?[谁誰]|[吗嗎呢](?=\\W*$)"
)


def terms(text: str) -> list[str]:
    """The words of a text (codes also whole: "bge-m3" is bge-m3, bge, m3) and its CJK characters in pairs."""
    found: list[str] = []
    for match in _RUN.finditer(unicodedata.normalize("NFKC", text).lower()):
        run = match.group()
        if _CJK.match(run):
            found.extend(map("".join, itertools.pairwise(run)) if len(run) > 1 else [run])
        elif run.isalnum():
            found.append(run)
        else:
            found.extend([run, *_PART.findall(run)])
    return found


class KeywordIndex:
    """One Tantivy index per collection, in a folder of its own."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "keyword"
        self._indexes: dict[str, Any] = {}
        self._tidy: set[str] = set()  # where nothing unfinished lies
        self._lock = threading.RLock()
        self._writing = threading.Lock()
        self._analyzer = (
            tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
            .filter(tantivy.Filter.stemmer("english"))
            .build()
        )

    def write(self, index: str, rows: Sequence[tuple[str, str, str]], *, without: Sequence[str] = ()) -> None:
        """Add or replace (chunk id, document id, text) rows; those of the ids in `without` go."""
        with self._changing(index, heap_size=30_000_000) as writer:
            for chunk_id in without:
                writer.delete_documents_by_term("id", chunk_id)
            for chunk_id, document_id, text in rows:
                writer.delete_documents_by_term("id", chunk_id)
                writer.add_document(
                    tantivy.Document(id=chunk_id, document_id=document_id, body=" ".join(terms(text)))
                )

    def delete_document(self, index: str, document_id: str) -> None:
        """Remove a document's rows."""
        with self._changing(index, heap_size=15_000_000) as writer:
            writer.delete_documents_by_term("document_id", document_id)

    def holds(self, index: str, document_id: str) -> bool:
        """Whether there is a row of the document."""
        with _mapped():
            opened = self._open(index)
            query = tantivy.Query.term_query(opened.schema, "document_id", document_id)
            return bool(opened.searcher().search(query, 1, count=False).hits)

    def drop(self, index: str) -> None:
        """Remove a collection's keyword index; nothing happens if there is none."""
        with self._writing, self._lock:
            self._indexes.pop(index, None)
            shutil.rmtree(self._folder / index, ignore_errors=True)

    def search(
        self, index: str, question: str, *, n: int, among: Set[str] | None = None
    ) -> tuple[Hits, float]:
        """The n best chunks, of all or `among` these, as (id, BM25), and the BM25 of a text that has it all.

        The full score is the sum over the question's terms of idf · (K1 + 1), the most that each can give
        (Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework"). A term that no text holds counts
        at the highest idf, and a pair of CJK characters at PAIR_SHARE.
        """
        asked = terms(_ASKING.sub(" ", question)) or terms(question)
        words = list(dict.fromkeys(self._analyzer.analyze(" ".join(asked))))
        if not words:
            return [], 0.0
        with _mapped():
            opened = self._open(index)
            searcher = opened.searcher()
            queries = [tantivy.Query.term_query(opened.schema, "body", word) for word in words]
            query = tantivy.Query.boolean_query([(tantivy.Occur.Should, each) for each in queries])
            found = _best(searcher, query, n) if among is None else _among(opened, query, n, among)
            return found, self._full_score(searcher, words)

    def holding(self, index: str, phrase: str, *, n: int) -> list[str]:
        """Chunks with the words of a phrase one after another, up to their endings, at most n."""
        words = self._analyzer.analyze(" ".join(terms(phrase)))
        if not words:
            return []
        with _mapped():
            opened = self._open(index)
            searcher = opened.searcher()
            if len(words) > 1:
                query = tantivy.Query.phrase_query(opened.schema, "body", list(words))
            else:
                query = tantivy.Query.term_query(opened.schema, "body", words[0])
            return [key for key, _ in _best(searcher, query, n)]

    def ids(self, index: str) -> set[str]:
        """The ids of all rows."""
        with _mapped():
            searcher = self._open(index).searcher()
            return {key for key, _ in _best(searcher, tantivy.Query.all_query(), max(1, searcher.num_docs))}

    def close(self) -> None:
        with self._lock:
            self._indexes.clear()

    def _full_score(self, searcher: Any, words: Sequence[str]) -> float:
        rows = searcher.num_docs
        full = 0.0
        for word in words:
            n = searcher.doc_freq("body", word)
            highest = math.log(1 + (rows - n + 0.5) / (n + 0.5)) * (K1 + 1)
            full += highest * PAIR_SHARE if _CJK.match(word) else highest
        return full

    @contextmanager
    def _changing(self, index: str, *, heap_size: int) -> Iterator[Any]:
        """A writer to an index; what it was told is kept at the end.

        What was being written when a process was killed, or the disk was full, is cleared away first: Tantivy
        would give new files the same names, and refuse.
        """
        with self._writing, _mapped():
            opened = self._open(index)
            writer = opened.writer(heap_size=heap_size, num_threads=1)
            if index not in self._tidy:
                writer.garbage_collect_files()
            self._tidy.discard(index)
            yield writer
            writer.commit()
            writer.wait_merging_threads()
            opened.reload()
            self._tidy.add(index)

    def _open(self, index: str) -> Any:
        with self._lock:
            if index not in self._indexes:
                folder = self._folder / index
                folder.mkdir(parents=True, exist_ok=True)
                opened = tantivy.Index(_schema(), path=str(folder))
                opened.register_tokenizer("words", self._analyzer)
                self._indexes[index] = opened
            return self._indexes[index]


def _schema() -> Any:
    return (
        tantivy.SchemaBuilder()
        .add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
        .add_text_field("document_id", tokenizer_name="raw", index_option="basic")
        .add_text_field("body", tokenizer_name="words", index_option="position")
        .build()
    )


def _best(searcher: Any, query: Any, n: int) -> Hits:
    return list(_read(searcher, searcher.search(query, n, count=False).hits))


def _read(searcher: Any, hits: Sequence[tuple[float, Any]]) -> Iterator[tuple[str, float]]:
    for score, address in hits:
        yield searcher.doc(address)["id"][0], float(score)


def _among(opened: Any, query: Any, n: int, among: Set[str]) -> Hits:
    """The n best of those in `among`, whether they are found with the others or asked for by their ids."""
    searcher = opened.searcher()
    if len(among) > FEW:
        most = max(n, n * SPARE * searcher.num_docs // len(among))
        hits = searcher.search(query, most, count=False).hits
        found = list(itertools.islice((hit for hit in _read(searcher, hits) if hit[0] in among), n))
        if len(found) == n or len(hits) < most:
            return found
    ids = tantivy.Query.term_set_query(opened.schema, "id", list(among))
    wanted = (tantivy.Query.const_score_query(ids, 0.0), query)
    return _best(searcher, tantivy.Query.boolean_query([(tantivy.Occur.Must, each) for each in wanted]), n)


@contextmanager
def _mapped() -> Iterator[None]:
    """Turns Tantivy's errors into ours at this one border."""
    try:
        yield
    except BaseException as error:
        is_panic = type(error).__name__ == "PanicException"  # of Rust, at a damaged file
        if not is_panic and not isinstance(error, (ValueError, OSError, RuntimeError)):
            raise
        raise StoreError(
            "The keyword index cannot be used: {reason}. Run: rag check --repair", reason=error
        ) from error
