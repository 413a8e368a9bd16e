"""Work on Chroma's files in a process of its own, which damage may crash."""

import json
import subprocess
import sys
from typing import Any


def lines_of(module: str, *arguments: str, timeout: float) -> list[Any]:
    """The whole lines of JSON that a module prints until it ends, crashes or has taken `timeout` seconds."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=timeout,
            check=False,
        )
        output = done.stdout
    except subprocess.TimeoutExpired as error:
        output = error.stdout or b""
    return [json.loads(line) for line in output.splitlines(keepends=True) if line.endswith(b"\n")]
