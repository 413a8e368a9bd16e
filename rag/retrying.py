"""How long to wait before asking a busy server again; pure."""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

TRIES = 3
LONGEST_WAIT = 20.0


def seconds_to_wait(tries: int, asked: str | None, *, waited: float, now: datetime) -> float | None:
    """Seconds until the next try after `tries` failed ones, or None to give up.

    `asked` is the server's Retry-After header (seconds or an HTTP date); without a usable one the wait
    doubles from half a second. Never more than TRIES tries, nor LONGEST_WAIT seconds with the `waited` ones.
    """
    if tries >= TRIES:
        return None
    seconds = _asked_seconds(asked, now)
    if seconds is None:
        seconds = 0.5 * 2 ** (tries - 1)
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
