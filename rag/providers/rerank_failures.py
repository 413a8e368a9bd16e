"""What went wrong with a request for a reranker's scores, as the user reads it."""

from rag.errors import ProviderError
from rag.providers.failures import Failure, Kind, Server, explained


def explained_for_scores(failure: Failure, server: Server) -> ProviderError:
    """The error the user reads; what is not peculiar to scores is said as it is of an answer."""
    about = {"server": server.name, "model": server.model, "reason": server.masked(failure.detail)}
    match failure.kind:
        case Kind.SCORES:
            return ProviderError(
                "{server} returned no usable scores with {model} ({reason}). "
                "Check the model there, or choose another reranker.",
                **about,
            )
        case Kind.BUSY:
            return ProviderError("{server} takes no more requests now ({reason}). Try again later.", **about)
        case Kind.TOO_LONG:
            return ProviderError(
                "Question and passage are too long for {model} at {server} ({reason}). "
                "Lower RAG_CHUNK_TOKENS, or ask a shorter question.",
                **about,
            )
        case Kind.REFUSED:
            return ProviderError(
                "{server} refused a text by its content rules ({reason}). Choose another reranker for it.",
                **about,
            )
    return explained(failure, server, begun=False)
