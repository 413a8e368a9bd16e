"""What a process that reads strangers' files may not do."""

import os
import sys
from contextlib import suppress

OPEN_FILES = 128
WRITTEN_BYTES = 512 << 20
THREADS = 2  # that text recognition computes with at most
FORBIDDEN = frozenset({
    "socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
    "socket.gethostbyname", "socket.gethostbyaddr", "urllib.Request", "subprocess.Popen", "os.system",
    "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.startfile", "pty.spawn",
    "webbrowser.open",
})  # fmt: skip


def limit_resources(memory_mb: int) -> None:
    """Cap memory at `memory_mb` above what the process has now, and open files, written bytes and core dumps.

    Where the system has no such limits (Windows; memory on macOS) the parent process watches instead.
    """
    try:
        import resource
    except ImportError:
        return
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_FSIZE, WRITTEN_BYTES),
    ):
        resource.setrlimit(limit, (value, value))
    if sys.platform == "linux":
        import psutil

        cap = psutil.Process().memory_info().vms + (memory_mb << 20)
        resource.setrlimit(resource.RLIMIT_AS, (cap, cap))


def give_way(niceness: int) -> None:
    """Be so much nicer than now to others who want the processor, where the system lets a process be nice."""
    if niceness and sys.platform != "win32":
        with suppress(OSError):
            os.nice(niceness)


def allow_processor_seconds(seconds: float) -> None:
    """Let this process compute for `seconds` more; then the system ends it."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def deny_reaching_out() -> None:
    """Refuse, from now on and for good, every connection and every new process."""
    sys.addaudithook(_refuse)


def _refuse(event: str, _arguments: object) -> None:
    if event in FORBIDDEN:
        raise PermissionError(f"a file being read may not cause {event}")
    return
