"""How long a busy server is left alone."""

from datetime import UTC, datetime

import pytest

from rag.providers.retrying import LONGEST_WAIT, TRIES, seconds_to_wait

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("tries", "asked", "waited", "seconds"),
    [
        (1, None, 0.0, 0.5),
        (2, None, 0.5, 1.0),
        (TRIES, None, 0.0, None),
        (1, "7", 0.0, 7.0),
        (1, "0", 0.0, 0.0),
        (1, "-3", 0.0, 0.0),
        (1, "soon", 0.0, 0.5),
        (1, "nan", 0.0, 0.5),
        (1, "inf", 0.0, 0.5),
        (1, "Thu, 01 Jan 2026 12:00:05 GMT", 0.0, 5.0),
        (1, "Thu, 01 Jan 2026 11:00:00 GMT", 0.0, 0.0),
        (1, "3600", 0.0, None),
        (2, "10", LONGEST_WAIT - 9, None),
    ],
)
def test_seconds_to_wait(tries: int, asked: str | None, waited: float, seconds: float | None) -> None:
    assert seconds_to_wait(tries, asked, waited=waited, now=NOW) == seconds
