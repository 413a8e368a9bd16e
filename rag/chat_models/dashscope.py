"""Chat models of Alibaba Cloud's DashScope (Model Studio)."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from pydantic import SecretStr

from rag.chat_models.base import Message
from rag.chat_models.failures import Failure, Kind, Server, failure_of_status
from rag.chat_models.streaming import check_end, is_loopback, stream_answer
from rag.documents import Notice

DEFAULT_URL = "https://dashscope.aliyuncs.com/api/v1"


class DashScopeChat:
    """A model such as qwen-plus. `timeout` is the longest silence in seconds."""

    context_tokens = 6000
    follows_citation_rules = True

    def __init__(
        self, model: str, *, api_key: SecretStr, timeout: float, base_url: str | None = None
    ) -> None:
        self.id = f"dashscope:{model}"
        self._server = Server(
            "DashScope",
            base_url or DEFAULT_URL,
            model,
            timeout,
            api_key,
            url_setting="RAG_DASHSCOPE_BASE_URL",
            key_setting="DASHSCOPE_API_KEY",
        )

    @property
    def is_local(self) -> bool:
        return is_loopback(self._server.url)

    def stream(self, messages: Sequence[Message]) -> Iterator[str]:
        """Pieces of the answer as they come; closing it closes the request. Raises ProviderError."""
        return stream_answer(lambda: _pieces(self._server, messages), self._server)


def _pieces(server: Server, messages: Sequence[Message]) -> Generator[str]:
    import requests
    from dashscope.common.error import DashScopeException

    try:
        with _session(server) as session:
            yield from _texts(_replies(server, messages, session))
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


@contextmanager
def _session(server: Server) -> Generator[Any]:
    """A requests session that closes its responses with itself; the SDK's own leaves them to chance."""
    import requests

    responses: list[Any] = []
    with requests.Session() as session:
        session.trust_env = not is_loopback(server.url)
        session.hooks["response"].append(lambda response, *_, **__: responses.append(response))
        try:
            yield session
        finally:
            for response in responses:
                response.close()


def _replies(server: Server, messages: Sequence[Message], session: Any) -> Any:
    import dashscope

    turns: list[Any] = [{"role": message.role, "content": message.content} for message in messages]
    return dashscope.Generation.call(
        server.model,
        messages=turns,
        api_key=server.key.get_secret_value() if server.key else "",
        base_address=server.url,
        request_timeout=server.timeout,
        session=session,
        stream=True,
        incremental_output=True,
        result_format="message",
        temperature=0.0,
    )


def _texts(replies: Generator[Any]) -> Generator[str]:
    finished = None
    with closing(replies):
        for reply in replies:
            if reply.status_code != 200:
                raise _reply_failure(reply)
            choice = reply.output.choices[0]
            if choice.message.content:
                yield choice.message.content
            # While the answer goes on, DashScope writes the word "null".
            if choice.finish_reason not in (None, "", "null"):
                finished = choice.finish_reason
    check_end(finished)


def _reply_failure(reply: Any) -> Failure:
    headers = {name.lower(): value for name, value in (reply.headers or {}).items()}
    return failure_of_status(
        reply.status_code, reply.message, codes=(reply.code,), retry_after=headers.get("retry-after")
    )


def _connection_failure(error: Exception) -> Failure:
    from urllib3.exceptions import MaxRetryError, ReadTimeoutError

    cause = error.args[0] if error.args else error
    if isinstance(cause, ReadTimeoutError):
        return Failure(Kind.TIMEOUT)
    if isinstance(cause, MaxRetryError):
        return Failure(Kind.UNREACHABLE, str(cause.reason).partition("): ")[2])
    return Failure(Kind.CUT, error)
