"""Steps that must not stop what they belong to."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rag.errors import RagError

log = logging.getLogger(__name__)


@contextmanager
def logged(doing: str, name: str) -> Iterator[None]:
    """What goes wrong inside is in the log and ends there; what is no error of ours with its traceback."""
    try:
        yield
    except RagError as error:
        log.warning("%s %s: %s", doing, name, error)
    except Exception:
        log.exception("%s %s", doing, name)
