"""How long to wait before asking a busy server again, and doing so."""

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from rag.errors import ProviderError
from rag.providers.failures import RETRIED, Failure, Server, drop_secret

TRIES = 3
FIRST_WAIT = 0.5
LONGEST_WAIT = 20.0

_Result = TypeVar("_Result")


def patiently(
    call: Callable[[], _Result], server: Server, explain: Callable[[Failure, Server], ProviderError]
) -> _Result:
    """What `call` gives, tried again where that is sensible.

    `call` raises Failure; this, the ProviderError that `explain` makes of it, with the failure as its cause.
    """
    tries, waited = 0, 0.0
    while True:
        try:
            return call()
        except Failure as failure:
            tries += 1
            wait = wait_before_next_try(failure, tries, waited)
            if wait is None:
                drop_secret(failure, server)
                raise explain(failure, server) from failure
        waited += wait
        time.sleep(wait)


def wait_before_next_try(failure: Failure, tries: int, waited: float) -> float | None:
    """Seconds to wait after a failure, or None where asking again is of no use."""
    if failure.kind not in RETRIED:
        return None
    return seconds_to_wait(tries, failure.retry_after, waited=waited, now=datetime.now(UTC))


def seconds_to_wait(tries: int, asked: str | None, *, waited: float, now: datetime) -> float | None:
    """Seconds until the next try after `tries` failed ones, or None to give up.

    `asked` is the server's Retry-After header (seconds or an HTTP date); without a usable one the wait
    doubles from FIRST_WAIT seconds. Never more than TRIES tries, nor
    LONGEST_WAIT seconds with the `waited` ones.
    """
    if tries >= TRIES:
        return None
    seconds = _asked_seconds(asked, now)
    if seconds is None:
        seconds = FIRST_WAIT * 2 ** (tries - 1)
    return seconds if waited + seconds <= LONGEST_WAIT else None


def _asked_seconds(asked: str | None, now: datetime) -> float | None:
    if not asked:
        return None
    try:
        seconds = float(asked)
        return max(0.0, seconds) if math.isfinite(seconds) else None
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(asked)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds())
