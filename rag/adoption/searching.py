"""A search in a foreign collection as it stands."""

from dataclasses import dataclass

from rag.adoption.choosing import SAME_TEXT, agreement, differs, fitting_model, sample_of
from rag.documents import ChunkSize, Notice
from rag.errors import UsageError
from rag.models import Models
from rag.vector_index.foreign import ForeignChroma
from rag.vector_index.foreign_records import ForeignHit

PROBED = 200  # ids the sample to compare the model with is taken from


@dataclass(frozen=True, slots=True)
class ForeignSearch:
    """What was found, nearest first by the collection's own distance, which `space` names.

    `agreement` as in Choice; `notices` tell where the order means little.
    """

    question: str
    embedder: str
    space: str
    agreement: float | None
    hits: tuple[ForeignHit, ...]
    notices: tuple[Notice, ...]


def search_foreign(
    models: Models,
    size: ChunkSize,
    foreign: ForeignChroma,
    name: str,
    question: str,
    *,
    embedder: str | None = None,
    n: int = 5,
) -> ForeignSearch:
    """Search with the model the collection names, or with the one that is wanted.

    Raises UsageError where there is none, or its vectors are of another length; ProviderError, StoreError.
    """
    collection = foreign.collection(name)
    if not question.strip():
        raise UsageError("There is nothing to search for. Type a question.")
    if not collection.has_vectors:
        raise UsageError(
            "The vectors of “{name}” cannot be read: their files are damaged. Adopt it to search its texts.",
            name=name,
        )
    if not collection.records:
        raise UsageError("“{name}” holds no records.", name=name)
    model, made = fitting_model(models, collection, embedder)
    heads = [each.id for each, _ in zip(foreign.heads(name), range(PROBED), strict=False)]
    least = agreement(made, size, sample_of(foreign, collection, heads))
    hits = foreign.nearest(name, made.embed_query(question), n=n)
    notices = []
    if least is None:
        notices.append(
            Notice("There is no text to tell by whether {model} made the vectors.", {"model": model})
        )
    elif least < SAME_TEXT:
        notices.append(
            Notice(
                "{reason} The order below may mean little: choose the model they were made with.",
                {"reason": differs(model, least)},
            )
        )
    return ForeignSearch(question, model, collection.space, least, tuple(hits), tuple(notices))
