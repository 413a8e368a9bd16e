"""A look through what a collection holds: what cannot be read, stands twice, or is cut off."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import permutations

from rag.catalog import Catalog, Collection, Examined
from rag.documents import Document, Notice
from rag.embedders.base import Embedder
from rag.errors import RagError
from rag.ingestion.examining import VERSION, examined
from rag.ingestion.sketches import near_duplicates
from rag.languages import Language, mixed

FEWEST_LETTERS = 10
FEWEST_LETTERS_ON_A_PAGE = 25  # of several pages
FEWEST_CHUNKS = 3  # of a document of which it is told that it stands in another
MOST_SHARED = 0.8


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a document that may need mending: what it is, and what to do.

    `kind` is "undecoded", "misread", "gibberish", "short", "duplicate", "contained", "too_long" or "warning".
    """

    kind: str
    document_id: str
    document: str
    what: Notice
    advice: Notice


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found in a collection's `documents`; `unexamined` of them were not looked through for lack of
    time. `problem` says why passages could not be compared with the model's window.
    """

    documents: int
    unexamined: int
    languages: Mapping[Language, float]
    findings: tuple[Finding, ...]
    problem: Notice | None = None


class Auditor:
    """Looks through collections; what it finds in a document is kept in the catalogue with it."""

    def __init__(self, catalog: Catalog, embedder_of: Callable[[Collection], Embedder]) -> None:
        self._catalog = catalog
        self._embedder_of = embedder_of
        self._lock = threading.Lock()
        self._latest: dict[str, tuple[object, Audit]] = {}

    def audit(self, collection: Collection, *, most_seconds: float | None = None) -> Audit:
        """What may need mending, by document; no file is read again, and nothing is embedded.

        New documents are looked through for at most `most_seconds`, where that is given.
        """
        state = (collection.fingerprint.key, self._catalog.documents.ready_ids(collection.id))
        with self._lock:
            known, latest = self._latest.get(collection.id, (None, None))
            if latest is None or known != state:
                latest = self._look(collection, most_seconds)
                if not (latest.unexamined or latest.problem):
                    self._latest[collection.id] = (state, latest)
            return latest

    def _look(self, collection: Collection, most_seconds: float | None) -> Audit:
        documents = [each for each in self._catalog.documents.all(collection.id) if each.status == "ready"]
        found, problem = self._examine(collection, documents, most_seconds)
        texts = [(found[each.id], each) for each in documents if each.id in found]
        findings = [finding for each, document in texts for finding in _own_findings(each, document)]
        findings += self._too_long(collection, texts)
        if len(found) == len(documents):  # all are compared with all: once, not at every opening of the page
            findings += self._twice(collection, found, {each.id: each for each in documents})
        return Audit(
            documents=len(documents),
            unexamined=len(documents) - len(found),
            languages=mixed((each.languages, each.letters) for each, _ in texts),
            findings=tuple(findings),
            problem=problem,
        )

    def _examine(
        self, collection: Collection, documents: Iterable[Document], most_seconds: float | None
    ) -> tuple[dict[str, Examined], Notice | None]:
        """What is known of each document, found out now where it is not, and why that could not be done.

        In the order in which they came.
        """
        until = time.monotonic() + most_seconds if most_seconds is not None else None
        known = dict(self._catalog.examinations.of(collection.id))
        found: dict[str, Examined] = {}
        problem: Notice | None = None
        for document in reversed(list(documents)):
            each = known.get(document.id)
            if each is None or each.version != VERSION or each.cut_for != collection.fingerprint.key:
                if until is not None and time.monotonic() > until:
                    continue
                each, problem = self._examine_one(collection, document, each, problem)
            found[document.id] = each
        return found, problem

    def _examine_one(
        self, collection: Collection, document: Document, known: Examined | None, problem: Notice | None
    ) -> tuple[Examined, Notice | None]:
        chunks = [stored.chunk for stored in self._catalog.documents.chunks(document.id)]
        if known is None or known.version != VERSION:
            known = examined(chunks, cut_for="", too_long=0)
        if problem is None:  # a model that could not be asked is not asked for every document
            try:
                embedder = self._embedder_of(collection)
                texts = [chunk.embedded_text for chunk in chunks if not chunk.picture]
                too_long = sum(_exceeds(text, embedder) for text in texts)
                known = replace(known, cut_for=collection.fingerprint.key, too_long=too_long)
            except RagError as error:
                problem = Notice.of(error)
        self._catalog.examinations.save(document.id, known)
        return known, problem

    def _too_long(
        self, collection: Collection, texts: Iterable[tuple[Examined, Document]]
    ) -> Iterator[Finding]:
        cut = [pair for pair in texts if pair[0].too_long and pair[0].cut_for == collection.fingerprint.key]
        for each, document in cut:
            yield _finding(
                "too_long",
                document,
                Notice(
                    "Passages longer than {model} reads at once: {count}. They were embedded in parts.",
                    {"count": each.too_long, "model": collection.fingerprint.id},
                ),
                Notice("Add it again with shorter passages: choose Look before adding, or --chunk-tokens."),
            )

    def _twice(
        self, collection: Collection, found: Mapping[str, Examined], documents: Mapping[str, Document]
    ) -> Iterator[Finding]:
        advice = Notice("Keep one of them: answers quote both as if they were two sources.")
        same = near_duplicates({key: each.sketch for key, each in found.items()})
        for key, other in same.items():
            what = Notice("Nearly the same text as “{other}”.", {"other": documents[other].name})
            yield _finding("duplicate", documents[key], what, advice)
        shared: Counter[tuple[str, str]] = Counter()
        for together in self._catalog.chunks.sharing_a_text(collection.id):
            shared.update(permutations(together, 2))
        for (key, other), count in shared.items():
            if key not in documents or other not in documents or key in same or other in same:
                continue
            document = documents[key]
            if document.chunks >= FEWEST_CHUNKS and count >= MOST_SHARED * document.chunks:
                what = Notice(
                    "{count} of its passages stand in “{other}” too.",
                    {"count": count, "other": documents[other].name},
                )
                yield _finding("contained", document, what, advice)


def _own_findings(each: Examined, document: Document) -> Iterator[Finding]:
    """What can be told of a document without the others."""
    if each.garbling:
        yield _finding(each.garbling, document, *_garbled(each.garbling))
    pages = document.pages or 1
    few = FEWEST_LETTERS if pages == 1 else FEWEST_LETTERS_ON_A_PAGE * pages
    if each.letters < few and not each.pictures:
        yield _finding(
            "short",
            document,
            Notice("Hardly any text was found in it: {count} letters and digits.", {"count": each.letters}),
            Notice("Open the original. If it holds more, save it in another format and add that."),
        )
    for warning in document.warnings:
        look = Notice("Compare it with the original; where it matters, add a better copy.")
        yield _finding("warning", document, warning, look)


def _garbled(kind: str) -> tuple[Notice, Notice]:
    if kind == "undecoded":
        return (
            Notice("Much of its text could not be decoded and stands as signs without a meaning."),
            Notice("Save it as UTF-8, or print it to PDF anew, and add it again."),
        )
    if kind == "misread":
        return (
            Notice("Its text was saved in a wrong encoding, so that letters stand as other signs."),
            Notice("Get it from where it came, or save it as UTF-8 there, and add it again."),
        )
    return (
        Notice("Its letters form no words: the file may give its characters wrong numbers."),
        Notice("Print it to PDF anew, or run it through text recognition (OCR), and add the result."),
    )


def _finding(kind: str, document: Document, what: Notice, advice: Notice) -> Finding:
    return Finding(kind, document.id, document.name, what, advice)


def _exceeds(text: str, embedder: Embedder) -> bool:
    """Whether a text is longer than the window; no tokeniser makes more tokens than bytes."""
    window = embedder.max_tokens
    if window is None or len(text.encode("utf-8", "surrogatepass")) <= window:
        return False
    return embedder.count_tokens(text) > window
