"""Questions about a collection's documents, read from files with what answers them."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rag.catalog import Catalog, Collection, Judgement
from rag.documents import Document, readable
from rag.errors import UsageError
from rag.evaluation.asking import NewQuestion, ready_documents
from rag.evaluation.question_sets import json_objects, read_judged_queries, wrong_object

QUESTION_EXAMPLE = '{"question": "How many days of leave are there?", "document": "leave.pdf"}'
COLUMNS = ("question", "document", "text")


def read_questions(path: Path, catalog: Catalog, collection: Collection) -> list[NewQuestion]:
    """Lines of {"question", "document", "text"} or a CSV file with such columns, for this collection.

    `document` is a document's name or id, or a list of some that answer equally well; `text` is the text that
    answers, from that document or, where none is named, from any that holds it word for word. One of the two
    may be missing. A name stands for every document that has it. Raises UsageError, also for a document or a
    text that is not there.
    """
    expected = _Expected(path, catalog, collection)
    questions = []
    is_csv = path.suffix.lower() == ".csv"
    for line, row in _csv_rows(path) if is_csv else json_objects(path, QUESTION_EXAMPLE):
        asked, text = row.get("question"), row.get("text")
        wanted = row.get("document")
        names = [wanted] if isinstance(wanted, str) and wanted.strip() else wanted or []
        is_text = isinstance(text, str) and bool(text.strip())
        is_asked = isinstance(asked, str) and bool(asked.strip())
        if not is_asked or not isinstance(names, list) or not (names or is_text):
            raise wrong_object(path, line, QUESTION_EXAMPLE)
        judgements = expected.judgements(line, names, str(text).strip() if is_text else None)
        questions.append(NewQuestion(readable(str(asked).strip()), judgements, id=str(line)))
    return questions


def read_judged_own(
    queries: Path, qrels: Path, catalog: Catalog, collection: Collection
) -> list[NewQuestion]:
    """A queries.jsonl and a qrels.tsv whose document ids are ids or names of the collection's documents.

    Raises UsageError, also for a document that is not there.
    """
    expected = _Expected(qrels, catalog, collection)
    return [
        NewQuestion(question.text, expected.graded(question.relevance), id=question.id)
        for question in read_judged_queries(queries, qrels).questions
    ]


class _Expected:
    """Finds the documents that a file speaks of."""

    def __init__(self, path: Path, catalog: Catalog, collection: Collection) -> None:
        self._path = path
        self._catalog = catalog
        self._collection = collection
        self._known: dict[str, list[Document]] = {}
        for document in ready_documents(catalog, collection):
            for name in {document.name, document.id}:
                self._known.setdefault(name, []).append(document)

    def judgements(self, line: int, names: Sequence[Any], text: str | None) -> tuple[Judgement, ...]:
        """What one line says to be relevant. Raises UsageError."""
        documents = [found for name in names for found in self._named(name, line)]
        if not names and text:
            documents = self._holding(text, line)
        once = {document.id: document for document in documents}
        return tuple(_judged(document, quote=text) for document in once.values())

    def graded(self, grades: Mapping[str, int]) -> tuple[Judgement, ...]:
        """Whole documents with their grades. Raises UsageError."""
        judged = {
            document.id: _judged(document, grade=grade)
            for name, grade in grades.items()
            for document in self._named(name, None)
        }
        return tuple(judged.values())

    def _named(self, name: object, line: int | None) -> list[Document]:
        if isinstance(name, str) and name in self._known:
            return self._known[name]
        if line is None:
            raise UsageError(
                "{path}: the collection “{collection}” has no document “{name}” that can be searched. Write "
                "a name or an id that rag documents lists as ready.",
                path=self._path,
                collection=self._collection.name,
                name=name,
            )
        raise UsageError(
            "{path}, line {line}: the collection “{collection}” has no document “{name}” that can be "
            "searched. Write a name or an id that rag documents lists as ready.",
            path=self._path,
            line=line,
            collection=self._collection.name,
            name=name,
        )

    def _holding(self, text: str, line: int) -> list[Document]:
        ids = self._catalog.chunks.matching(self._collection.id, None, text)
        found = self._catalog.chunks.ready(self._collection.id, ids)
        if not found:
            raise UsageError(
                "{path}, line {line}: no document of “{collection}” holds the text “{text}” in one passage. "
                "Copy a sentence as it stands there, or name its document.",
                path=self._path,
                line=line,
                collection=self._collection.name,
                text=text[:60],
            )
        return [document for _, document in found.values()]


def _judged(document: Document, *, quote: str | None = None, grade: int = 1) -> Judgement:
    return Judgement(document.id, document.name, document.sha256, quote, grade)


def _csv_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """A CSV file's rows by its header's names, with the line each ends at. Raises UsageError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            names = set(rows.fieldnames or ())
            if "question" not in names or not {"document", "text"} & names:
                raise UsageError(
                    "{path} has no columns named {names}. Put these names in its first line; one of the last "
                    "two is enough.",
                    path=path,
                    names=", ".join(COLUMNS),
                )
            for row in rows:
                yield rows.line_num, row
    except (OSError, ValueError, csv.Error) as error:
        raise UsageError(
            "{path} cannot be read: {reason}. Save it as CSV in UTF-8.", path=path, reason=error
        ) from error
