"""The words of Passage as plain data: documents, sections, chunks, passages."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

from rag.errors import RagError

Metadata: TypeAlias = Mapping[str, str | int | float | bool]


def readable(text: str) -> str:
    """The text with “�” for what is not Unicode, like a byte of a file name in another encoding."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know: a template that the pages translate and the values that fill it in.

    A value that is a notice is translated too.
    """

    message: str
    values: Mapping[str, "str | int | Notice"] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message.format(**self.values)

    def to_row(self) -> list[Any]:
        """[message, values] as JSON can hold it; a notice among the values is such a row again."""
        values = {
            key: each.to_row() if isinstance(each, Notice) else each for key, each in self.values.items()
        }
        return [self.message, values]

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> "Notice":
        """The notice that `to_row` made `row` from."""
        message, values = row
        return cls(
            message,
            {key: cls.from_row(each) if isinstance(each, list) else each for key, each in values.items()},
        )

    @classmethod
    def of(cls, error: RagError) -> "Notice":
        """What an error says, to be kept or to be part of another notice."""
        return cls(
            error.message,
            {
                key: each if isinstance(each, str | int | Notice) else str(each)
                for key, each in error.values.items()
            },
        )


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a document under one heading path, on at most one page.

    `page` counts from 1; `page_label` is what the page calls itself ("iv"), where that differs. `picture` is
    the SHA-256 of a picture's bytes where the section is one; `text` is then its caption.
    """

    text: str
    page: int | None = None
    headings: tuple[str, ...] = ()
    page_label: str | None = None
    picture: str | None = None


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """What a loader read from one file.

    `kind` is its type by content: "pdf", "docx", "pptx", "txt" …, a key of the loaders' table.
    """

    kind: str
    sections: tuple[Section, ...]
    pages: int | None = None
    title: str | None = None
    warnings: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class ChunkSize:
    """How long chunks may be, in tokens, and how many of them neighbours share."""

    tokens: int
    overlap: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """What is indexed: a piece that fits the model's window; `tokens` by the model's own tokeniser.

    Where `picture`, a SHA-256, is set, the model sees that picture, and the words of its caption are only
    searched by keywords.
    """

    text: str
    tokens: int
    page: int | None = None
    headings: tuple[str, ...] = ()
    page_label: str | None = None
    picture: str | None = None

    @property
    def embedded_text(self) -> str:
        """The text the embedder sees: the chunk under its headings, but for one it begins with."""
        above = self.headings
        if above and self.text.lstrip("#* \t").startswith(above[-1]):
            above = above[:-1]
        return "\n".join((*([" › ".join(above)] if above else []), self.text))


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk found by a search, with its scores.

    `cosine` is 1 − distance in [−1, 1]; `relevance` is calibrated to [0, 1]; `keyword_score` is BM25 (≥ 0);
    `score` is what the passages are ranked by, but for those with a `rerank_score`, which a reranker gave and
    which only compares passages of one search. A score that the search did not compute is None. Where
    `picture`, a SHA-256, is set, the passage is that picture, and `text` its caption.
    """

    rank: int
    chunk_id: str
    document_id: str
    name: str
    text: str
    score: float
    cosine: float | None = None
    relevance: float | None = None
    keyword_score: float | None = None
    rerank_score: float | None = None
    page: int | None = None
    page_label: str | None = None
    headings: tuple[str, ...] = ()
    metadata: Metadata = field(default_factory=dict)
    picture: str | None = None


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What makes two embedders' vectors comparable: all of it must be equal.

    `revision` names the weights (a digest where they are local); `dimension` is the vectors' length.
    """

    provider: str
    model: str
    revision: str
    pooling: str
    query_prefix: str
    document_prefix: str
    normalised: bool
    dimension: int

    @property
    def id(self) -> str:
        """The model as the user names it: "provider:model"."""
        return f"{self.provider}:{self.model}"

    @property
    def key(self) -> str:
        """A short name for all of it, equal only where all of it is equal."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Fingerprint":
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Document:
    """A file in a collection. `status` is "indexing", "ready", "failed" or "deleting"; only "ready" is shown.

    `bytes` is the original's size; `added_at` is ISO 8601 in UTC; `error` says why a failed one failed;
    `folder` is the folder it was ingested with, None if it came in another way, or in another way as well.
    `chunk_size` is what it was to be cut to, where that is known.
    """

    id: str
    collection_id: str
    name: str
    sha256: str
    kind: str
    bytes: int
    status: str
    added_at: str
    title: str | None = None
    pages: int | None = None
    chunks: int = 0
    tokens: int = 0
    warnings: tuple[Notice, ...] = ()
    error: Notice | None = None
    metadata: Metadata = field(default_factory=dict)
    folder: str | None = None
    chunk_size: ChunkSize | None = None
