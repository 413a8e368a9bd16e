"""DashScope's SDK (Alibaba Cloud Model Studio): the only module that speaks to it."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from rag.documents import Notice
from rag.providers.failures import Failure, Kind, Server, failure_of_status, missing_key
from rag.settings import Settings

DEFAULT_URL = "https://dashscope.aliyuncs.com/api/v1"


def dashscope_server(settings: Settings, model: str) -> Server:
    """DashScope, here or at the address that is set. Raises ProviderError if the key is missing."""
    if not settings.dashscope_api_key:
        raise missing_key("DashScope", "DASHSCOPE_API_KEY", "dashscope_api_key")
    return Server(
        "DashScope",
        settings.dashscope_base_url or DEFAULT_URL,
        model,
        settings.request_timeout,
        settings.dashscope_api_key,
        url_setting="RAG_DASHSCOPE_BASE_URL",
        key_setting="DASHSCOPE_API_KEY",
    )


@contextmanager
def dashscope_call(server: Server) -> Generator[dict[str, Any]]:
    """What every call of the SDK needs; what it raises within becomes Failure."""
    import requests
    from dashscope.common.error import DashScopeException

    try:
        with _session(server) as session:
            yield {
                "api_key": server.key.get_secret_value() if server.key else "",
                "base_address": server.url,
                "request_timeout": server.timeout,
                "session": session,
            }
    except requests.Timeout as error:
        raise Failure(Kind.TIMEOUT) from error
    except requests.ConnectionError as error:
        raise _connection_failure(error) from error
    except (
        requests.exceptions.InvalidURL,
        requests.exceptions.InvalidSchema,
        requests.exceptions.MissingSchema,
    ) as error:
        raise Failure(Kind.UNREACHABLE, error) from error
    except requests.exceptions.JSONDecodeError as error:
        raise Failure(Kind.FORMAT, error) from error
    except requests.RequestException as error:
        raise Failure(Kind.CUT, error) from error
    except UnicodeEncodeError as error:
        raise Failure(Kind.ACCESS, Notice("the key contains characters that are not allowed")) from error
    except (DashScopeException, ValueError, TypeError, AttributeError, LookupError) as error:
        raise Failure(Kind.FORMAT, error) from error


def check_reply(reply: Any) -> None:
    """Raise the Failure that a reply tells: the SDK returns HTTP errors."""
    if reply.status_code == 200:
        return
    headers = {name.lower(): value for name, value in (reply.headers or {}).items()}
    raise failure_of_status(
        reply.status_code, reply.message, codes=(reply.code,), retry_after=headers.get("retry-after")
    )


@contextmanager
def _session(server: Server) -> Generator[Any]:
    """A requests session that closes its responses with itself; the SDK's own leaves them to chance."""
    import requests

    responses: list[Any] = []
    with requests.Session() as session:
        session.trust_env = not server.is_local
        session.hooks["response"].append(lambda response, *_, **__: responses.append(response))
        try:
            yield session
        finally:
            for response in responses:
                response.close()


def _connection_failure(error: Exception) -> Failure:
    from urllib3.exceptions import MaxRetryError, ReadTimeoutError

    cause = error.args[0] if error.args else error
    if isinstance(cause, ReadTimeoutError):
        return Failure(Kind.TIMEOUT)
    if isinstance(cause, MaxRetryError):
        return Failure(Kind.UNREACHABLE, str(cause.reason).partition("): ")[2])
    return Failure(Kind.CUT, error)
