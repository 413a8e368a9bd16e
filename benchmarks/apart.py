"""Work in a process of its own, so that its memory is its own and nothing that was loaded before helps it."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of a process in MB: at its peak and now, and of that its own and mapped files'.

    Pages of mapped files count as resident, but the system takes them back where it needs the room.
    """

    peak: int
    now: int
    own: int
    mapped: int


def apart(work: Callable[..., Result], *arguments: Any) -> Result:
    """What `work` returns in a new process that ends with it."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as process:
        return process.submit(work, *arguments).result()


def memory() -> Memory:
    """The memory of this process. Linux only."""
    # getrusage's ru_maxrss would not do: a new process inherits there what its parent has in memory.
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    kilobytes = {line[0]: int(line[1]) for line in lines if line[-1] == "kB"}
    names = ("VmHWM:", "VmRSS:", "RssAnon:", "RssFile:")
    return Memory(*(kilobytes[name] >> 10 for name in names))
