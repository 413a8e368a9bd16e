"""What every remote chat model does around its stream: try again before the first piece, map errors once."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing

from rag.documents import Notice
from rag.providers.failures import Failure, Kind, Server, drop_secret, explained
from rag.providers.retrying import wait_before_next_try


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
            wait = None if begun else wait_before_next_try(failure, tries, waited)
            if wait is None:
                drop_secret(failure, server)
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
