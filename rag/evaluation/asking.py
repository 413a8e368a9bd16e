"""The questions of a collection's own set, made ready to be asked and judged."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag.catalog import Catalog, Collection, Judgement, Origin, StoredQuestion
from rag.documents import Document, Notice
from rag.errors import UsageError
from rag.evaluation.judging import in_these_documents, is_meant


@dataclass(frozen=True, slots=True)
class NewQuestion:
    """A question that is not kept yet, with what answers it; `id` is its line or its id in a file."""

    text: str
    judgements: tuple[Judgement, ...]
    made_by: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A question with the judgements that mean something in the documents as they are; one is above 0."""

    id: str
    text: str
    judgements: tuple[Judgement, ...]

    @property
    def digest(self) -> str:
        """Equal where two runs asked the same and were judged by the same texts."""
        rows = sorted([each.quote or each.document_id, each.grade] for each in self.judgements)
        return hashlib.sha256(json.dumps([self.text, rows]).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Asked:
    """What can be asked; `notices` say what was left out, and why."""

    questions: tuple[Judged, ...]
    skipped: int
    notices: tuple[Notice, ...]


def ready_documents(catalog: Catalog, collection: Collection) -> list[Document]:
    """The documents of a collection that can be found."""
    return [each for each in catalog.documents.all(collection.id) if each.status == "ready"]


def judged_questions(
    catalog: Catalog, collection: Collection, questions: Iterable[StoredQuestion], *, limit: int | None = None
) -> Asked:
    """The questions whose relevant texts are still in the collection. Raises UsageError where there are none.

    A question with more than one such text is asked with those that are left.
    """
    stored = list(questions)
    documents = ready_documents(catalog, collection)
    judged = [each for each in stored if each.is_judged]
    ready = []
    for question in judged:
        present = _present(catalog, in_these_documents(question.judgements, documents))
        if any(judgement.grade > 0 for judgement in present):
            ready.append(Judged(question.id, question.text, tuple(present)))
    if not ready:
        raise UsageError(
            "“{name}” has no question whose answer is known and in its documents. Add questions on the page "
            "Evaluate, or with: rag evaluate --generate 50",
            name=collection.name,
        )
    notices = []
    if unjudged := len(stored) - len(judged):
        notices.append(Notice("Questions left out because nothing is judged relevant: {n}", {"n": unjudged}))
    if outdated := len(judged) - len(ready):
        notices.append(
            Notice("Questions left out because their text is in no document any more: {n}", {"n": outdated})
        )
    return Asked(tuple(ready[:limit]), len(stored) - len(ready), tuple(notices))


def not_kept(questions: Iterable[NewQuestion]) -> list[StoredQuestion]:
    """Questions as `judged_questions` takes them that are in no collection's set."""
    return [
        StoredQuestion(each.id or str(number), each.text, "imported", each.made_by, each.judgements)
        for number, each in enumerate(questions, 1)
    ]


def keep(catalog: Catalog, collection: Collection, questions: Iterable[NewQuestion], origin: Origin) -> int:
    """Add questions to a collection's set, but for those that are in it word for word; how many were new."""
    there = {question.text for question in catalog.questions.all(collection.id)}
    new = [question for question in questions if question.text not in there]
    for each in new:
        catalog.questions.add(
            collection.id, each.text, origin=origin, made_by=each.made_by, judgements=each.judgements
        )
    return len(new)


def _present(catalog: Catalog, judgements: Sequence[Judgement]) -> list[Judgement]:
    """Those of the judgements whose text is still in the document."""

    @lru_cache(maxsize=1)
    def texts(document_id: str) -> list[str]:
        return [stored.chunk.text for stored in catalog.documents.chunks(document_id)]

    return [
        each
        for each in sorted(judgements, key=lambda judgement: judgement.document_id)
        if each.quote is None or any(is_meant(each, text) for text in texts(each.document_id))
    ]
