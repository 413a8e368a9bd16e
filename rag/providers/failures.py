"""What can go wrong with a model's server, told once for all providers."""

import traceback
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias
from urllib.parse import unquote

from pydantic import SecretStr

from rag.documents import Notice
from rag.errors import ProviderError
from rag.providers.addresses import is_loopback, parts_of

Reason: TypeAlias = str | Notice  # a vendor's words, or ours


class Kind(StrEnum):
    """What happened, whichever SDK reported it."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    ACCESS = "access"
    NO_MODEL = "no model"
    BUSY = "busy"
    QUOTA = "quota"
    SERVER = "server"
    FORMAT = "format"
    CUT = "cut"
    TOO_LONG = "too long"
    REQUEST = "request"
    EMPTY = "empty"
    REFUSED = "refused"
    LENGTH = "length"
    VECTORS = "vectors"
    SCORES = "scores"


RETRIED = frozenset({Kind.BUSY, Kind.SERVER, Kind.CUT})


@dataclass(frozen=True, slots=True)
class Server:
    """Who is asked, as the messages name it. `timeout` is in seconds; the settings are named for the user."""

    name: str
    url: str
    model: str
    timeout: float
    key: SecretStr | None = None
    url_setting: str = ""
    key_setting: str = ""

    @property
    def is_local(self) -> bool:
        """Whether what is sent stays on this machine."""
        return is_loopback(self.url)

    @property
    def host(self) -> str:
        """The machine that texts are sent to, with its port where one is named."""
        return parts_of(self.url).host

    @property
    def shown_url(self) -> str:
        """The address without a name and password in it."""
        parts = parts_of(self.url)
        return parts.scheme + parts.host + parts.rest

    @property
    def secrets(self) -> list[str]:
        """What no message may show: the key and the address's password, also as Python quotes them."""
        key = self.key.get_secret_value() if self.key else ""
        user = parts_of(self.url).user
        password = user.partition(":")[2]
        plain = {key, key.strip(), password, unquote(password), user and f"{user}@"}
        return sorted({*plain, *(repr(each)[1:-1] for each in plain)} - {""}, key=len, reverse=True)

    def masked(self, text: Reason) -> Reason:
        """A vendor's words on one line, not long, without the key and without a web page's source."""
        if isinstance(text, Notice):
            return text
        for secret in self.secrets:
            text = text.replace(secret, "***")
        text = "" if text.lstrip().startswith("<") else " ".join(text.split())
        return text if len(text) <= 300 else text[:300] + "…"


class Failure(Exception):
    """A vendor's error in our words, before it is explained. `retry_after` is the header's text."""

    def __init__(self, kind: Kind, detail: object = "", *, retry_after: str | None = None) -> None:
        self.kind = kind
        self.detail: Reason = detail if isinstance(detail, Notice) else str(detail or "")
        self.retry_after = retry_after
        super().__init__(kind)


_CODES = {
    "insufficient_quota": Kind.QUOTA,
    "arrearage": Kind.QUOTA,
    "throttling.allocationquota": Kind.QUOTA,
    "allocationquota.freetieronly": Kind.QUOTA,
    "content_filter": Kind.REFUSED,
    "content_policy_violation": Kind.REFUSED,
    "datainspectionfailed": Kind.REFUSED,
    "data_inspection_failed": Kind.REFUSED,
    "context_length_exceeded": Kind.TOO_LONG,
    "exceed_context_size_error": Kind.TOO_LONG,
    "model_not_found": Kind.NO_MODEL,
    "modelnotfound": Kind.NO_MODEL,
    "invalidapikey": Kind.ACCESS,
    "invalid_api_key": Kind.ACCESS,
}


def failure_of_status(
    status: int, detail: object, *, codes: tuple[object, ...] = (), retry_after: str | None = None
) -> Failure:
    """The failure behind an HTTP status, the vendor's own error codes and its message."""
    text = str(detail or "")
    told = f"{status}: {text}" if text and not text.lstrip().startswith("<") else str(status)
    for code in codes:
        if kind := _CODES.get(str(code).lower()):
            return Failure(kind, told)
    kind = _kind_of_status(status, text.lower())
    if kind is Kind.BUSY and retry_after:
        told += f", Retry-After {retry_after}"
    return Failure(kind, told, retry_after=retry_after)


def _kind_of_status(status: int, text: str) -> Kind:
    if status in (401, 403):
        return Kind.ACCESS
    if status in (408, 425, 429):
        return Kind.BUSY
    if "context length" in text or "input length" in text or "too large to process" in text:
        return Kind.TOO_LONG
    if status >= 500:
        return Kind.SERVER
    if "model" in text and (status == 404 or "not exist" in text or "not found" in text):
        return Kind.NO_MODEL
    if status == 404:
        return Kind.FORMAT
    return Kind.REQUEST


def explained(failure: Failure, server: Server, *, begun: bool) -> ProviderError:
    """The error the user reads; `begun` tells that a part of the answer is already there."""
    detail = server.masked(failure.detail)
    if begun and failure.kind is Kind.TIMEOUT:
        return ProviderError(
            "The answer broke off: {server} sent nothing more for {seconds} seconds. "
            "Ask again, or raise RAG_REQUEST_TIMEOUT.",
            server=server.name,
            seconds=f"{server.timeout:g}",
        )
    if failure.kind in (Kind.EMPTY, Kind.REFUSED, Kind.LENGTH):
        return _about_the_answer(failure.kind, server, detail)
    if begun:
        return ProviderError(
            "The answer broke off: {server} stopped in the middle ({reason}). Ask again.",
            server=server.name,
            reason=detail or failure.kind,
        )
    if failure.kind in (Kind.UNREACHABLE, Kind.TIMEOUT, Kind.CUT, Kind.FORMAT):
        return _about_the_connection(failure.kind, server, detail)
    return _about_the_request(failure.kind, server, detail)


def _about_the_answer(kind: Kind, server: Server, detail: Reason) -> ProviderError:
    if kind is Kind.EMPTY:
        return ProviderError(
            "{server} returned an empty answer with {model}. Ask again, or choose another model.",
            server=server.name,
            model=server.model,
        )
    if kind is Kind.REFUSED:
        return ProviderError(
            "{server} refused to answer by its content rules ({reason}). Ask differently.",
            server=server.name,
            reason=detail,
        )
    return ProviderError(
        "The answer is incomplete: {model} reached its length limit. Ask a narrower question.",
        model=server.model,
    )


def _about_the_connection(kind: Kind, server: Server, detail: Reason) -> ProviderError:
    about = {"server": server.name, "url": server.shown_url, "setting": server.url_setting, "reason": detail}
    if kind is Kind.TIMEOUT:
        return ProviderError(
            "{server} at {url} sent nothing for {seconds} seconds. Try again, or raise RAG_REQUEST_TIMEOUT.",
            server=server.name,
            url=server.shown_url,
            seconds=f"{server.timeout:g}",
        )
    if kind is Kind.FORMAT:
        return ProviderError(
            "{url} does not answer as {server} does ({reason}). Check the address in {setting}.",
            **about,
        )
    if not server.url_setting:
        return ProviderError("{server} has stopped ({reason}). Ask again to restart it.", **about)
    if kind is Kind.CUT:
        return ProviderError("{server} at {url} closed the connection ({reason}). Try again.", **about)
    return ProviderError(
        "{server} cannot be reached at {url} ({reason}). "
        "Check that it is running, and that {setting} is right.",
        **about,
    )


def _about_the_request(kind: Kind, server: Server, detail: Reason) -> ProviderError:
    about = {"server": server.name, "model": server.model, "url": server.shown_url, "reason": detail}
    match kind:
        case Kind.ACCESS:
            return ProviderError(
                "{server} refused the key ({reason}). Check {setting}.", **about, setting=server.key_setting
            )
        case Kind.NO_MODEL if server.name == "Ollama":
            return ProviderError("Ollama at {url} has no model {model}. Run: ollama pull {model}", **about)
        case Kind.NO_MODEL:
            return ProviderError(
                "{model} is not available to you at {server} ({reason}). Check the model's name.", **about
            )
        case Kind.BUSY:
            return ProviderError("{server} takes no more questions now ({reason}). Try again later.", **about)
        case Kind.QUOTA:
            return ProviderError(
                "Your {server} quota is used up ({reason}). Check your account there.", **about
            )
        case Kind.SERVER:
            return ProviderError("{server} reported an internal error ({reason}). Try again later.", **about)
        case Kind.TOO_LONG:
            return ProviderError(
                "Question and passages are too long for {model} ({reason}). Use fewer passages.", **about
            )
    return ProviderError("{server} refused the request ({reason}).", **about)


def drop_secret(failure: Failure, server: Server) -> None:
    """Keep a key or password that the server or the SDK quotes out of the tracebacks of logs."""
    cause = failure.__cause__
    if cause:
        told = repr(cause) + "".join(traceback.format_exception(cause))
        if any(secret in told for secret in server.secrets):
            failure.__cause__ = None
    failure.detail = server.masked(failure.detail)


def missing_key(server: str, variable: str, toml_key: str) -> ProviderError:
    """What is said where a provider needs a key that is not set."""
    return ProviderError(
        "{server} needs a key. Set {variable}, or {toml_key} in rag.toml, or choose another model.",
        server=server,
        variable=variable,
        toml_key=toml_key,
    )
