"""Chat models behind the OpenAI API, and behind every server that speaks it."""

from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from rag.chat_models.base import Message
from rag.chat_models.failures import Failure, Kind, Server, failure_of_status
from rag.chat_models.streaming import check_end, is_loopback, stream_answer
from rag.documents import Notice

if TYPE_CHECKING:
    import openai

DEFAULT_URL = "https://api.openai.com/v1"


class OpenAIChat:
    """A model of OpenAI, vLLM, LM Studio, llama.cpp, DeepSeek or another server that speaks OpenAI's API.

    Without `base_url` it is OpenAI itself. `timeout` is the longest silence in seconds.
    """

    context_tokens = 6000
    follows_citation_rules = True

    def __init__(
        self,
        model: str,
        *,
        timeout: float,
        base_url: str | None = None,
        api_key: SecretStr | None = None,
        temperature: float | None = 0.0,
    ) -> None:
        self.id = f"openai:{model}"
        self._temperature = temperature
        self._server = Server(
            f"{urlsplit(base_url).netloc.rpartition('@')[2] or base_url} (OpenAI API)"
            if base_url
            else "OpenAI",
            base_url or DEFAULT_URL,
            model,
            timeout,
            api_key,
            url_setting="RAG_OPENAI_BASE_URL",
            key_setting="OPENAI_API_KEY",
        )

    @property
    def is_local(self) -> bool:
        return is_loopback(self._server.url)

    def stream(self, messages: Sequence[Message]) -> Iterator[str]:
        """Pieces of the answer as they come; closing it closes the request. Raises ProviderError."""
        return stream_chat(self._server, messages, temperature=self._temperature)


def stream_chat(
    server: Server, messages: Sequence[Message], *, temperature: float | None = 0.0
) -> Iterator[str]:
    """Stream the answer of any server that speaks OpenAI's chat completions. Raises ProviderError."""
    body: dict[str, Any] = {
        "model": server.model,
        "messages": [{"role": message.role, "content": message.content} for message in messages],
    }
    if temperature is not None:
        body["temperature"] = temperature
    return stream_answer(lambda: _pieces(server, body), server)


def _pieces(server: Server, body: dict[str, Any]) -> Generator[str]:
    import httpx2
    import openai

    try:
        with _client(server) as client, _open(client, body) as stream:
            yield from _texts(stream)
    except openai.OpenAIError as error:
        raise _failure(error) from error
    except UnicodeEncodeError as error:
        raise Failure(Kind.ACCESS, Notice("the key contains characters that are not allowed")) from error
    except (ValueError, TypeError, AttributeError, httpx2.InvalidURL) as error:
        raise Failure(Kind.FORMAT, error) from error


def _client(server: Server) -> "openai.OpenAI":
    import openai

    return openai.OpenAI(
        base_url=server.url,
        api_key=server.key.get_secret_value() if server.key else "none",
        max_retries=0,
        http_client=openai.DefaultHttpxClient(trust_env=not is_loopback(server.url), timeout=server.timeout),
    )


def _open(client: "openai.OpenAI", body: dict[str, Any]) -> "openai.Stream[Any]":
    import openai

    try:
        return client.chat.completions.create(**body, stream=True)  # type: ignore[no-any-return]
    except openai.BadRequestError as error:
        # Reasoning models accept their own temperature only.
        if error.param != "temperature" or "temperature" not in body:
            raise
        del body["temperature"]
        return client.chat.completions.create(**body, stream=True)  # type: ignore[no-any-return]


def _texts(stream: "openai.Stream[Any]") -> Generator[str]:
    finished = None
    chunks = 0
    for chunk in stream:
        chunks += 1
        for choice in chunk.choices or ():
            if choice.delta.content:
                yield choice.delta.content
            if getattr(choice.delta, "refusal", None):
                raise Failure(Kind.REFUSED, choice.delta.refusal)
            finished = choice.finish_reason or finished
    content_type = stream.response.headers.get("content-type", "")
    if not chunks and "event-stream" not in content_type:
        raise Failure(Kind.FORMAT, content_type)
    check_end(finished)


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
