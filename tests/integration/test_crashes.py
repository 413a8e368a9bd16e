"""Passage is killed at random moments: nothing acknowledged is lost, nothing half there, no ghost is found.

RAG_CRASHES says how often; 200 take about half an hour.
"""

import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

CRASHES = int(os.environ.get("RAG_CRASHES") or 6)
LONGEST = 2.0  # seconds at work before a kill


@pytest.mark.timeout(CRASHES * 60)
def test_kills_at_random_moments(tmp_path: Path) -> None:
    chance = random.Random(CRASHES)
    for number in range(CRASHES + 1):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.crashing", str(tmp_path / "store"), str(number)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stdout
        # Most are killed at work, some while they recover from the kill before; the last one only verifies.
        mark = "begun" if chance.random() < 0.3 and number < CRASHES else "verified"
        told = iter(process.stdout.readline, "")
        reached = any(line.strip() == mark for line in told)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=chance.random() * LONGEST if number < CRASHES else 0)
        has_failed = not reached or process.poll() is not None
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        _, errors = process.communicate()
        assert not has_failed, f"after {number} kills:\n{errors}"
