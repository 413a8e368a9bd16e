"""OpenAI's SDK: the only module that speaks to it."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic import SecretStr

from rag.documents import Notice
from rag.providers.addresses import parts_of
from rag.providers.failures import Failure, Kind, Server, failure_of_status, missing_key
from rag.settings import Settings

if TYPE_CHECKING:
    import openai

DEFAULT_URL = "https://api.openai.com/v1"


def openai_server(settings: Settings, model: str) -> Server:
    """OpenAI, or the server with its API that is set. Raises ProviderError if a key is missing."""
    url = settings.openai_base_url
    if not settings.openai_api_key and not url:
        raise missing_key("OpenAI", "OPENAI_API_KEY", "openai_api_key")
    return server_at(
        url,
        model,
        timeout=settings.request_timeout,
        key=settings.openai_api_key,
        url_setting="RAG_OPENAI_BASE_URL",
        key_setting="OPENAI_API_KEY",
    )


def server_at(
    url: str | None, model: str, *, timeout: float, key: SecretStr | None, url_setting: str, key_setting: str
) -> Server:
    """The server with OpenAI's API at an address, None for OpenAI's own, and the settings it comes from."""
    name = f"{parts_of(url).host} (OpenAI API)" if url else "OpenAI"
    return Server(
        name, url or DEFAULT_URL, model, timeout, key, url_setting=url_setting, key_setting=key_setting
    )


@contextmanager
def openai_client(server: Server) -> "Generator[openai.OpenAI]":
    """A client that tries once; what its SDK raises within becomes Failure."""
    import httpx2
    import openai

    try:
        with openai.OpenAI(
            base_url=server.url,
            api_key=server.key.get_secret_value() if server.key else "none",
            max_retries=0,
            http_client=openai.DefaultHttpxClient(trust_env=not server.is_local, timeout=server.timeout),
        ) as client:
            yield client
    except openai.OpenAIError as error:
        raise _failure(error) from error
    except UnicodeEncodeError as error:
        raise Failure(Kind.ACCESS, Notice("the key contains characters that are not allowed")) from error
    except (ValueError, TypeError, AttributeError, httpx2.InvalidURL) as error:
        raise Failure(Kind.FORMAT, error) from error


def _failure(error: "openai.OpenAIError") -> Failure:
    import httpx2
    import openai

    match error:
        case openai.APITimeoutError():
            return Failure(Kind.TIMEOUT)
        case openai.APIConnectionError():
            refused = isinstance(error.__cause__, (httpx2.ConnectError, httpx2.UnsupportedProtocol))
            return Failure(Kind.UNREACHABLE if refused else Kind.CUT, error.__cause__ or error)
        case openai.APIStatusError():
            return failure_of_status(
                error.status_code,
                error.body.get("message") if isinstance(error.body, dict) else error.body,
                codes=(error.code, error.type),
                retry_after=error.response.headers.get("retry-after"),
            )
        case openai.APIError():
            return Failure(Kind.SERVER, error.message)
    return Failure(Kind.REQUEST, error)
