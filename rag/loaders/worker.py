"""The process that files are read in: one JSON request a line on stdin, one JSON answer a line on stdout.

`python -m rag.loaders.worker MEMORY_MB NICENESS` is started by rag.loaders.parser and ends when stdin closes.
"""

import base64
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any, BinaryIO

from rag.errors import DocumentError
from rag.loaders.archives import too_deep
from rag.loaders.limits import (
    THREADS,
    allow_processor_seconds,
    deny_reaching_out,
    give_way,
    limit_resources,
)
from rag.loaders.reading import parse, render_page
from rag.loaders.source import OnProgress, untold
from rag.loaders.wire import error_to_row, parsed_to_dict

MOST_CHARACTERS = 100_000_000


def main() -> None:
    """Answer requests until stdin ends."""
    answers = _own_stdout()
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    sys.setrecursionlimit(3000)
    deny_reaching_out()
    limit_resources(int(sys.argv[1]))
    give_way(int(sys.argv[2]))
    for line in sys.stdin.buffer:
        request = json.loads(line)
        seconds = request.pop("seconds")
        allow_processor_seconds(THREADS * seconds)

        def on_progress(done: int, total: int, seconds: float = seconds) -> None:
            allow_processor_seconds(THREADS * seconds)
            _send(answers, {"progress": [done, total]})

        _send(answers, answer(request, on_progress))


def answer(request: dict[str, Any], on_progress: OnProgress = untold) -> dict[str, Any]:
    """What came of one request: "parsed", "png" (base64), "error", "no_memory" or "failure"."""
    action = request.pop("do")
    path = Path(request.pop("path"))
    try:
        if action == "render":
            return {"png": base64.b64encode(render_page(path, **request)).decode()}
        folder = request.pop("pictures")
        pictures = Path(folder) if folder else None
        parsed = parse(path, **request, pictures=pictures, on_progress=on_progress)
        _check_length(parsed_to_dict(parsed), request["name"])
        return {"parsed": parsed_to_dict(parsed)}
    except DocumentError as error:
        return {"error": error_to_row(error)}
    except MemoryError:
        return {"no_memory": True}
    except RecursionError:
        return {"error": error_to_row(too_deep(request["name"]))}
    except Exception as error:
        logging.getLogger(__name__).error("%s", error, exc_info=True)
        return {"failure": f"{type(error).__name__}: {error}"[:300]}


def _check_length(parsed: dict[str, Any], name: str) -> None:
    if sum(len(section[0]) for section in parsed["sections"]) > MOST_CHARACTERS:
        raise DocumentError(
            "{name} holds more than {limit} characters of text. Split it and add the parts.",
            name=name,
            limit=f"{MOST_CHARACTERS:,}",
        )


def _send(answers: BinaryIO, row: dict[str, Any]) -> None:
    answers.write(json.dumps(row).encode() + b"\n")
    answers.flush()


def _own_stdout() -> BinaryIO:
    """The pipe to the parent, taken away from file descriptor 1 so that no library can write into it."""
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return pipe


if __name__ == "__main__":
    main()
