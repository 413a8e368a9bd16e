"""How a provider's server can misbehave."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Fault:
    """One misbehaviour. `after` is how many pieces still go out before it."""

    kind: Literal[
        "status",
        "html",
        "no body",
        "hang",
        "cut",
        "end",
        "stop",
        "wrong count",
        "wrong dimension",
        "uneven",
        "nan",
        "null",
        "zero",
        "no vectors",
        "shuffled",
        "misnumbered",
        "no list",
    ]
    after: int = 0
    status: int = 200
    message: str = "it went wrong"
    code: str = "some_error"
    param: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    finish: str = "stop"


def status(code: int, message: str = "it went wrong", *, error: str = "some_error", **headers: str) -> Fault:
    """An HTTP error; keyword arguments are headers (retry_after="0")."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault("status", status=code, message=message, code=error, headers=named)


def hang(after: int = 0) -> Fault:
    """Say nothing more until the client hangs up or the server ends."""
    return Fault("hang", after=after)


def cut(after: int = 0, *, cleanly: bool = False) -> Fault:
    """Break off: by closing the socket, or by ending the reply without its last word."""
    return Fault("end" if cleanly else "cut", after=after)


def stop(after: int = 0, finish: str = "stop") -> Fault:
    """Finish early with a reason of one's own; stop() is an empty answer."""
    return Fault("stop", after=after, finish=finish)


HTML = Fault("html")
NO_BODY = Fault("no body")
WRONG_COUNT = Fault("wrong count")
WRONG_DIMENSION = Fault("wrong dimension")
UNEVEN = Fault("uneven")
NAN = Fault("nan")
NULL = Fault("null")
ZERO = Fault("zero")
NO_VECTORS = Fault("no vectors")
SHUFFLED = Fault("shuffled")
MISNUMBERED = Fault("misnumbered")
NO_LIST = Fault("no list")
