"""Ollama's SDK: the only module that speaks to it."""

import os
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from rag.errors import ProviderError
from rag.providers.addresses import parts_of
from rag.providers.failures import Failure, Kind, Server, drop_secret, explained, failure_of_status
from rag.settings import Settings, set_in_environment

if TYPE_CHECKING:
    import httpx
    import ollama

CLOUD_HOST = "ollama.com"
DEFAULT_HOST = "http://127.0.0.1:11434"
LOOK_SECONDS = 0.3


def ollama_server(settings: Settings, model: str) -> Server:
    """The Ollama that is set, or the one on this machine."""
    url = settings.ollama_host or DEFAULT_HOST
    takes_key = _is_for_the_key(url)
    return Server(
        "Ollama",
        url,
        model,
        settings.request_timeout,
        SecretStr(os.environ.get("OLLAMA_API_KEY", "")) if takes_key else None,
        url_setting="RAG_OLLAMA_HOST",
        key_setting="OLLAMA_API_KEY" if takes_key else "OLLAMA_API_KEY, OLLAMA_HOST",
    )


def _is_for_the_key(url: str) -> bool:
    """Whether OLLAMA_API_KEY may go there: to its company, or where the same environment points."""
    variable = set_in_environment("ollama_host")
    if variable and os.environ[variable].strip() == url:
        return True
    host = parts_of(url).host.lower().partition(":")[0]
    return host == CLOUD_HOST or host.endswith(f".{CLOUD_HOST}")


def is_cloud_model(model: str) -> bool:
    """Whether Ollama runs the model on its company's machines."""
    return model.endswith("cloud")


@contextmanager
def ollama_client(server: Server) -> "Generator[ollama.Client]":
    """A client that tries once; what its SDK raises within becomes Failure."""
    import httpx
    import ollama

    try:
        with _client(server, server.timeout) as client:
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


def quick_look(server: Server, ask: Callable[[Any], Any]) -> Any:
    """What an Ollama answers at once; None where none does."""
    import httpx
    import ollama

    try:
        with _client(server, LOOK_SECONDS) as client:
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


def _client(server: Server, timeout: float) -> "ollama.Client":
    import ollama

    # Left to itself the SDK sends the key of the environment to any address.
    return ollama.Client(
        server.url,
        timeout=timeout,
        trust_env=not server.is_local,
        auth=None if server.key else _without_key,
    )


def _without_key(request: "httpx.Request") -> "httpx.Request":
    request.headers.pop("Authorization", None)
    return request


def _failure(error: "ollama.ResponseError") -> Failure:
    if error.status_code < 0:
        return Failure(Kind.SERVER, error.error)
    # The SDK hides the response, and with it Retry-After, behind `raise … from None`.
    response = getattr(error.__context__, "response", None)
    retry_after = response.headers.get("retry-after") if response is not None else None
    return failure_of_status(error.status_code, error.error, retry_after=retry_after)


def pull(settings: Settings, model: str, on_progress: Callable[[str, int, int], None]) -> None:
    """Download a model into the Ollama that is set; one that is there is only brought up to date.

    `on_progress(status, done_bytes, total_bytes)` gets Ollama's own words; the sums are 0 before it tells
    sizes. What it raises stops the download, and the next call goes on with what is there. Raises
    ProviderError.
    """
    server = ollama_server(settings, model)
    done: dict[str, int] = {}
    total: dict[str, int] = {}
    try:
        with closing(_pulled(server)) as parts:
            for part in parts:
                if part.digest:
                    done[part.digest] = part.completed or done.get(part.digest, 0)
                    total[part.digest] = part.total or total.get(part.digest, 0)
                on_progress(part.status or "", sum(done.values()), sum(total.values()))
    except Failure as failure:
        drop_secret(failure, server)
        if failure.kind not in (Kind.SERVER, Kind.NO_MODEL, Kind.REQUEST):
            raise explained(failure, server, begun=False) from failure
        raise ProviderError(
            "Ollama at {url} could not download {model} ({reason}). "
            "Check the model's name, and that Ollama reaches the network.",
            url=server.shown_url,
            model=model,
            reason=server.masked(failure.detail),
        ) from failure


def _pulled(server: Server) -> "Generator[ollama.ProgressResponse]":
    status = None
    with ollama_client(server) as client:
        for part in client.pull(server.model, stream=True):
            status = part.status
            yield part
    if status != "success":
        raise Failure(Kind.CUT)
