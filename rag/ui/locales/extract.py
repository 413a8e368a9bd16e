"""Finds the texts that the pages translate; `make messages` runs it through Babel.

Babel's own extractor does not look into f-strings before Python 3.12.
"""

import ast
from collections.abc import Iterator
from typing import IO

# What the functions of rag.ui.text and the constructors of notices and errors are to gettext.
CALLS = {
    "t": "gettext",
    "tn": "ngettext",
    **dict.fromkeys(
        (
            "Notice",
            "RagError",
            "UsageError",
            "DocumentError",
            "ProviderError",
            "StoreError",
            "Cancelled",
        ),
        "gettext",
    ),
}


def templates(
    source: IO[bytes], _keywords: object, _comment_tags: object, **_options: object
) -> Iterator[tuple[int, str, str | tuple[str | None, ...], list[str]]]:
    """The texts in a Python file, as Babel wants them: line, gettext function, its arguments, comments."""
    for node in ast.walk(ast.parse(source.read())):
        if isinstance(node, ast.Call) and (function := CALLS.get(called(node))):
            yield node.lineno, function, tuple(text_of(each) for each in node.args), []


def called(call: ast.Call) -> str:
    """The name a call calls, without the module in front of it."""
    function = call.func
    return getattr(function, "id", "") or getattr(function, "attr", "")


def text_of(argument: ast.expr) -> str | None:
    """The text an argument spells out, or None."""
    value = argument.value if isinstance(argument, ast.Constant) else None
    return value if isinstance(value, str) else None
