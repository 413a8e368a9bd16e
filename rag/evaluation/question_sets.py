"""Questions with the documents that answer them, read from files; what is wrong is said with its line."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rag.documents import readable
from rag.errors import UsageError

DOCUMENT_EXAMPLE = '{"id": "d1", "title": "Leave", "text": "Everyone has 25 days of leave."}'
QUERY_EXAMPLE = '{"id": "q1", "text": "How many days of leave are there?"}'


@dataclass(frozen=True, slots=True)
class CorpusDocument:
    """A document of a test collection; its title may be empty."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the relevance of documents to it, by their ids: at least one is above 0."""

    id: str
    text: str
    relevance: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """The questions that can be judged; `skipped` is how many have no relevant document."""

    questions: tuple[Question, ...]
    skipped: int = 0

    def first(self, most: int | None) -> "QuestionSet":
        """At most this many of the questions; None: all."""
        return replace(self, questions=self.questions[:most])


def read_corpus(path: Path) -> list[CorpusDocument]:
    """A corpus.jsonl, {"id", "title", "text"} a line; the title may be missing. Raises UsageError."""
    corpus: dict[str, CorpusDocument] = {}
    for line, row in json_objects(path, DOCUMENT_EXAMPLE):
        key, title, text = _id(row), row.get("title") or "", row.get("text")
        if key is None or not isinstance(title, str) or not isinstance(text, str):
            raise wrong_object(path, line, DOCUMENT_EXAMPLE)
        if key in corpus:
            raise _twice(path, line, key)
        corpus[key] = CorpusDocument(key, readable(title), readable(text))
    return list(corpus.values())


def read_judged_queries(queries: Path, qrels: Path) -> QuestionSet:
    """A queries.jsonl, {"id", "text"} a line, with the judgements of a qrels.tsv: qid, docid, rel.

    Raises UsageError, also where no query has a relevant document.
    """
    texts: dict[str, str] = {}
    for line, row in json_objects(queries, QUERY_EXAMPLE):
        key, text = _id(row), row.get("text")
        if key is None or not isinstance(text, str) or not text.strip():
            raise wrong_object(queries, line, QUERY_EXAMPLE)
        if key in texts:
            raise _twice(queries, line, key)
        texts[key] = readable(text)
    judged = _judgements(qrels)
    questions = tuple(
        Question(key, text, judged[key])
        for key, text in texts.items()
        if any(grade > 0 for grade in judged.get(key, {}).values())
    )
    if not questions:
        raise UsageError(
            "No query in {queries} has a relevant document in {qrels}. Check that the files belong together.",
            queries=queries,
            qrels=qrels,
        )
    return QuestionSet(questions, len(texts) - len(questions))


def _judgements(path: Path) -> dict[str, dict[str, int]]:
    judged: dict[str, dict[str, int]] = {}
    for line, text in _lines(path):
        try:
            query, document, grade = text.decode("utf-8-sig").strip().split("\t")
            judged.setdefault(query, {})[document] = int(grade)
        except ValueError as error:
            if line == 1:
                continue  # the header
            raise UsageError(
                "{path}, line {line}: this should be a query's id, a document's id and a whole number, with "
                "tabs between them.",
                path=path,
                line=line,
            ) from error
    return judged


def json_objects(path: Path, example: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """A file's objects, one a line, with their line numbers from 1. Raises UsageError, also for none."""
    empty = True
    for line, text in _lines(path):
        try:
            row = json.loads(text)
        except ValueError as error:
            raise wrong_object(path, line, example) from error
        if not isinstance(row, dict):
            raise wrong_object(path, line, example)
        empty = False
        yield line, row
    if empty:
        raise UsageError("{path} is empty. It should hold lines like {example}.", path=path, example=example)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1."""
    try:
        with path.open("rb") as file:
            for number, text in enumerate(file, 1):
                if text.strip():
                    yield number, text
    except OSError as error:
        raise UsageError(
            "{path} cannot be read: {reason}. Check the path and its permissions.",
            path=path,
            reason=error.strerror or error,
        ) from error


def _id(row: Mapping[str, Any]) -> str | None:
    """A row's id as text; None where there is none that can be used."""
    found = row.get("id", row.get("_id"))  # BEIR's own files say _id
    is_number = isinstance(found, int) and not isinstance(found, bool)
    return readable(str(found)) if is_number or (isinstance(found, str) and found) else None


def wrong_object(path: Path, line: int, example: str) -> UsageError:
    """What is said of a line that is not what it should be."""
    return UsageError(
        "{path}, line {line}: this should be a JSON object like {example}.",
        path=path,
        line=line,
        example=example,
    )


def _twice(path: Path, line: int, key: str) -> UsageError:
    return UsageError(
        "{path}, line {line}: the id “{id}” was there before. Give every line an id of its own.",
        path=path,
        line=line,
        id=key,
    )
