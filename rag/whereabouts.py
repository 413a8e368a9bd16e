"""What leaves this computer, and who gets it."""

from rag.documents import Notice
from rag.errors import RagError
from rag.model_catalogue import find_model, price_text
from rag.models import Models
from rag.providers.addresses import is_loopback, parts_of


def receivers(models: Models, chroma_url: str | None, embedder_id: str) -> tuple[Notice, ...]:
    """Who gets what if `embedder_id` embeds, a sentence each; none where everything stays on this computer.

    Raises UsageError, ProviderError where the embedder cannot be had.
    """
    told = (texts_go_to(models, embedder_id), reranked_by(models), _answered(models), _stored(chroma_url))
    return tuple(filter(None, told))


def texts_go_to(models: Models, embedder_id: str) -> Notice | None:
    """Who gets the texts that `embedder_id` embeds, and for which price; None where they stay here.

    Raises UsageError, ProviderError.
    """
    host = models.host_of(embedder_id)
    known = find_model(embedder_id)
    if not host:
        return None
    if known and known.price:
        return Notice(
            "Texts and questions are sent to {host}, for about {price} a million tokens.",
            {"host": host, "price": price_text(known)},
        )
    return Notice("Texts and questions are sent to {host}.", {"host": host})


def reranked_by(models: Models, reranker_id: str | None = None) -> Notice | None:
    """Who gets what this reranker or the settings' one reads; None where it stays here, or there is none."""
    try:
        reranker = models.reranker(reranker_id)
    except RagError as error:
        reason = {"reason": Notice.of(error)}
        return Notice("Where passages are reranked cannot be told yet. {reason}", reason)
    if reranker is None or reranker.is_local:
        return None
    about = {"host": reranker.host, "model": reranker.id}
    return Notice("Questions and the passages found are sent to {host}, where {model} reranks them.", about)


def _answered(models: Models) -> Notice | None:
    try:
        model = models.chat_model()
    except RagError as error:
        return Notice("Where questions go cannot be told yet. {reason}", {"reason": Notice.of(error)})
    if model is None or model.is_local:
        return None
    about = {"host": model.host, "model": model.id}
    return Notice("Questions and the passages found are sent to {host}, where {model} answers.", about)


def _stored(chroma_url: str | None) -> Notice | None:
    if chroma_url is None or is_loopback(chroma_url):
        return None
    return Notice(
        "Vectors, and the names and other details of documents, are kept by the Chroma server at {host}.",
        {"host": parts_of(chroma_url).host},
    )
