"""Ollama's SDK: the only module that speaks to it."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from rag.providers.addresses import is_loopback
from rag.providers.failures import Failure, Kind, Server, failure_of_status
from rag.settings import Settings

if TYPE_CHECKING:
    import ollama

DEFAULT_HOST = "http://127.0.0.1:11434"
LOOK_SECONDS = 0.3


def ollama_server(settings: Settings, model: str) -> Server:
    """The Ollama that is set, or the one on this machine."""
    return Server(
        "Ollama",
        settings.ollama_host or DEFAULT_HOST,
        model,
        settings.request_timeout,
        # The SDK sends it where it is set.
        SecretStr(os.environ.get("OLLAMA_API_KEY", "")),
        url_setting="RAG_OLLAMA_HOST",
        key_setting="OLLAMA_API_KEY",
    )


def is_cloud_model(model: str) -> bool:
    """Whether Ollama runs the model on its company's machines."""
    return model.endswith("cloud")


@contextmanager
def ollama_client(server: Server) -> "Generator[ollama.Client]":
    """A client that tries once; what its SDK raises within becomes Failure."""
    import httpx
    import ollama

    try:
        with _client(server.url, server.timeout) as client:
            yield client
    except ollama.ResponseError as error:
        raise _failure(error) from error
    except httpx.TimeoutException as error:
        raise Failure(Kind.TIMEOUT) from error
    except (httpx.ConnectError, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise Failure(Kind.UNREACHABLE, error) from error
    except httpx.HTTPError as error:
        raise Failure(Kind.CUT, error) from error
    except ConnectionError as error:
        raise Failure(Kind.UNREACHABLE, error.__context__ or error) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise Failure(Kind.FORMAT, error) from error


def quick_look(host: str, ask: Callable[[Any], Any]) -> Any:
    """What an Ollama answers at once; None where none does."""
    import httpx
    import ollama

    try:
        with _client(host, LOOK_SECONDS) as client:
            return ask(client)
    except (
        ollama.ResponseError,
        ConnectionError,
        httpx.HTTPError,
        httpx.InvalidURL,
        ValueError,
        AttributeError,
    ):
        return None


def _client(host: str, timeout: float) -> "ollama.Client":
    import ollama

    return ollama.Client(host, timeout=timeout, trust_env=not is_loopback(host))


def _failure(error: "ollama.ResponseError") -> Failure:
    if error.status_code < 0:
        return Failure(Kind.SERVER, error.error)
    # The SDK hides the response, and with it Retry-After, behind `raise … from None`.
    response = getattr(error.__context__, "response", None)
    retry_after = response.headers.get("retry-after") if response is not None else None
    return failure_of_status(error.status_code, error.error, retry_after=retry_after)
