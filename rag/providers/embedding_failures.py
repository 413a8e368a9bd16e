"""What went wrong with a request for vectors, as the user reads it."""

from rag.errors import ProviderError
from rag.providers.failures import Failure, Kind, Server, explained


def explained_for_vectors(failure: Failure, server: Server) -> ProviderError:
    """The error the user reads; what is not peculiar to vectors is said as it is of an answer."""
    about = {"server": server.name, "model": server.model, "reason": server.masked(failure.detail)}
    match failure.kind:
        case Kind.VECTORS:
            return ProviderError(
                "{server} returned no usable vectors with {model} ({reason}). "
                "Check the model there, or choose another embedder.",
                **about,
            )
        case Kind.BUSY:
            return ProviderError("{server} takes no more requests now ({reason}). Try again later.", **about)
        case Kind.TOO_LONG:
            return ProviderError(
                "A text is too long for {model} at {server} ({reason}). "
                "Lower RAG_CHUNK_TOKENS, or ask a shorter question.",
                **about,
            )
        case Kind.REFUSED:
            return ProviderError(
                "{server} refused a text by its content rules ({reason}). Choose another embedder for it.",
                **about,
            )
    return explained(failure, server, begun=False)


def explained_for_pictures(failure: Failure, server: Server) -> ProviderError:
    """The error the user reads; what is not peculiar to pictures is said as it is of texts."""
    about = {"server": server.name, "model": server.model, "reason": server.masked(failure.detail)}
    match failure.kind:
        case Kind.TOO_LONG:
            return ProviderError(
                "A picture is too large for {model} at {server} ({reason}). "
                "Make it smaller, or choose another embedder.",
                **about,
            )
        case Kind.REFUSED:
            return ProviderError(
                "{server} refused a picture by its content rules ({reason}). "
                "Leave it out, or choose another embedder.",
                **about,
            )
    return explained_for_vectors(failure, server)
