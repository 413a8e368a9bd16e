"""What every remote chat model does around its stream: try again before the first piece, map errors once."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from rag.chat_models.failures import RETRIED, Failure, Kind, Server, explained
from rag.documents import Notice
from rag.retrying import seconds_to_wait


def stream_answer(pieces_of: Callable[[], Generator[str]], server: Server) -> Iterator[str]:
    """Pieces of an answer that is asked for at most three times, and never again once it has begun.

    `pieces_of` sends the request and raises Failure; closing this iterator closes it. Raises ProviderError.
    """
    tries, waited = 0, 0.0
    while True:
        begun = False
        try:
            with closing(pieces_of()) as pieces:
                for piece in pieces:
                    begun = True
                    yield piece
            if not begun:
                raise Failure(Kind.EMPTY)
            return
        except Failure as failure:
            tries += 1
            wait = _wait_before_next_try(failure, tries, waited, begun)
            if wait is None:
                _drop_secret(failure, server)
                raise explained(failure, server, begun=begun) from failure
        waited += wait
        time.sleep(wait)


def check_end(finished: str | None) -> None:
    """Raise the Failure that a stream's last word tells: None means that it ended without one."""
    if finished is None:
        raise Failure(Kind.CUT, Notice("the connection closed early"))
    if finished == "length":
        raise Failure(Kind.LENGTH)
    if finished in ("content_filter", "sensitive"):
        raise Failure(Kind.REFUSED, finished)


def is_loopback(url: str) -> bool:
    """Whether `url` is this machine, which no proxy must come between."""
    host = urlsplit(url if "://" in url else f"//{url}").hostname or ""
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_loopback or address.is_unspecified


def _wait_before_next_try(failure: Failure, tries: int, waited: float, begun: bool) -> float | None:
    if begun or failure.kind not in RETRIED:
        return None
    return seconds_to_wait(tries, failure.retry_after, waited=waited, now=datetime.now(UTC))


def _drop_secret(failure: Failure, server: Server) -> None:
    """Keep a key that the server echoed out of the tracebacks of logs."""
    cause = failure.__cause__
    if cause and server.key and server.key.get_secret_value() in repr(cause) + str(cause):
        failure.__cause__ = None
    failure.detail = server.masked(failure.detail)
