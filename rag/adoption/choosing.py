"""Which of Passage's models made the vectors of a foreign collection, as far as that can be told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.adoption.pieces import window_of
from rag.catalog import Collection
from rag.documents import ChunkSize, Notice
from rag.embedders.base import Embedder
from rag.errors import RagError, UsageError
from rag.models import Models
from rag.vector_index.foreign import ForeignChroma
from rag.vector_index.foreign_records import ForeignCollection, ForeignRecord, cosine

MINILM = ("builtin:all-minilm-l6-v2", "chroma:default")  # the same weights; the first is never downloaded
MINILM_DIMENSION = 384
SAME_TEXT = 0.999  # cosine of a text's vectors by one model: engines and precisions differ by less
SAMPLE = 16  # texts embedded again
DRAWN = 64  # records the sample is taken from: some have no text, or one beyond the window

_NAMED = {"openai": "openai", "ollama": "ollama", "huggingface": "sentence-transformers"}


@dataclass(frozen=True, slots=True)
class Choice:
    """A model for a foreign collection.

    `agreement` is the least cosine between the vectors there and those the model gives the same texts, None
    where there was none to compare; `why` tells why its vectors are not to be kept, None where they are.
    """

    embedder: str
    agreement: float | None
    why: Notice | None

    @property
    def keeps(self) -> bool:
        """Whether the model is known to have made the vectors."""
        return self.why is None


def known_models(collection: ForeignCollection) -> tuple[str, ...]:
    """Models of Passage's that the collection's configuration means, the likeliest first.

    Where it names none, as before Chroma 1.0 and with LangChain, a guess by the dimension: a sample tells.
    """
    name, model = collection.function, str(collection.options.get("model_name") or "")
    if name in ("default", "onnx_mini_lm_l6_v2"):
        return MINILM
    if name is None:
        return MINILM[:1] if collection.dimension == MINILM_DIMENSION else ()
    if name == "sentence_transformer" and model:
        full = model if "/" in model else f"sentence-transformers/{model}"
        is_minilm = full == "sentence-transformers/all-MiniLM-L6-v2"
        return (*(MINILM[:1] if is_minilm else ()), f"sentence-transformers:{full}")
    if name in _NAMED and model:
        dimensions = collection.options.get("dimensions")
        return (f"{_NAMED[name]}:{model}" + (f"?dimensions={dimensions}" if dimensions else ""),)
    return (f"chroma:{name}",)


def sample_of(
    foreign: ForeignChroma, collection: ForeignCollection, ids: Sequence[str]
) -> list[ForeignRecord]:
    """Some records with texts, from the whole of the collection, and their vectors if they can be read."""
    drawn = ids[:: max(1, len(ids) // DRAWN)][:DRAWN]
    found = foreign.records(collection.name, drawn, vectors=collection.has_vectors)
    return [each for each in found if each.text and each.text.strip()]


def choose(
    models: Models,
    size: ChunkSize,
    collection: ForeignCollection,
    sample: Sequence[ForeignRecord],
    *,
    wanted: str | None,
    otherwise: str,
) -> Choice:
    """The model that is wanted, else the first known one that agrees with the vectors, else `otherwise`.

    A model on a server is only asked if it is wanted: texts would be sent to it. Raises UsageError,
    ProviderError for the one that is wanted.
    """
    if wanted:
        return _tried(models.embedder(wanted), wanted, size, collection, sample)
    why = None
    for known in known_models(collection):
        try:
            embedder = models.embedder(known)
            if not embedder.is_local:
                continue
            choice = _tried(embedder, known, size, collection, sample)
        except RagError:
            continue  # not installed here
        if choice.keeps:
            return choice
        why = why or choice.why
    choice = _tried(models.embedder(otherwise), otherwise, size, collection, sample)
    if choice.keeps or not collection.function:
        return choice
    return replace(choice, why=why or _not_asked(collection))


def fitting_model(models: Models, collection: ForeignCollection, wanted: str | None) -> tuple[str, Embedder]:
    """A model to search with, whose vectors are as long as those there. Raises UsageError, ProviderError."""
    if wanted:
        embedder = models.embedder(wanted)
        if embedder.fingerprint.dimension != collection.dimension:
            raise UsageError(
                "{model} gives vectors of {got} numbers, and those of “{name}” have {expected}. "
                "Choose the model they were made with.",
                model=wanted,
                got=embedder.fingerprint.dimension,
                name=collection.name,
                expected=collection.dimension or 0,
            )
        return wanted, embedder
    for known in known_models(collection):
        try:
            embedder = models.embedder(known)
            if embedder.is_local and embedder.fingerprint.dimension == collection.dimension:
                return known, embedder
        except RagError:
            continue  # not installed here
    raise UsageError(
        "The model that “{name}” was made with is not known or not ready: {models}. Choose a model that "
        "gives vectors of {dimension} numbers: --embedder ID",
        name=collection.name,
        models=", ".join(known_models(collection)) or "–",
        dimension=collection.dimension or 0,
    )


def agreement(embedder: Embedder, size: ChunkSize, sample: Sequence[ForeignRecord]) -> float | None:
    """The least cosine between vectors there and those of the same texts embedded again; None for no texts.

    Raises ProviderError.
    """
    window = window_of(embedder, size)
    pairs = [
        (each.text, each.vector)
        for each in sample
        if each.text and each.vector is not None and embedder.count_tokens(each.text) <= window
    ][:SAMPLE]
    if not pairs:
        return None
    again = embedder.embed_documents([text for text, _ in pairs])
    return min(cosine(ours, theirs) for ours, (_, theirs) in zip(again, pairs, strict=True))


def check_model(collection: Collection, wanted: str | None) -> None:
    """Raises UsageError where an adoption that goes on is to use another model than it began with."""
    if wanted and wanted != collection.fingerprint.id:
        raise UsageError(
            "“{name}” is there already, with the model {theirs}. Leave out the model, or choose another "
            "name.",
            name=collection.name,
            theirs=collection.fingerprint.id,
        )


def _not_asked(collection: ForeignCollection) -> Notice:
    """What is said where the model that a collection names is on a server, or not installed."""
    return Notice(
        "Its vectors are by {models}, which is not ready, or not on this computer. Choose that model to keep "
        "them.",
        {"models": " / ".join(known_models(collection))},
    )


def _tried(
    embedder: Embedder,
    name: str,
    size: ChunkSize,
    collection: ForeignCollection,
    sample: Sequence[ForeignRecord],
) -> Choice:
    """The model with its reason not to keep the vectors, if there is one."""
    if not collection.has_vectors:
        return Choice(name, None, Notice("The vectors there cannot be read: their files are damaged."))
    dimension = embedder.fingerprint.dimension
    if dimension != collection.dimension:
        why = Notice(
            "{model} gives vectors of {got} numbers, and those there have {expected}.",
            {"model": name, "got": dimension, "expected": collection.dimension or 0},
        )
        return Choice(name, None, why)
    least = agreement(embedder, size, sample)
    if least is None:
        return Choice(
            name,
            None,
            Notice("There is no text to tell by whether {model} made the vectors.", {"model": name}),
        )
    return Choice(name, least, None if least >= SAME_TEXT else differs(name, least))


def differs(model: str, least: float) -> Notice:
    """What is said where a model did not make the vectors."""
    return Notice(
        "{model} did not make the vectors there: a text embedded again differs from its own (cosine "
        "{cosine}).",
        {"model": model, "cosine": f"{least:.3f}"},
    )
