"""What the subcommands share: options, an engine, and output for people or for programs."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rag.engine import Engine

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
collection_option = click.option(
    "-c", "--collection", metavar="NAME", help="The collection; else the default one."
)

Command = Callable[..., None]
# What moves a terminal's cursor or gives it orders, and what turns the order of letters around.
_ORDERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@contextmanager
def open_engine() -> Iterator["Engine"]:
    """An engine with the user's settings, closed at the end."""
    from rag.engine import open_engine as open_with
    from rag.settings import load_settings

    with open_with(load_settings()) as engine:
        yield engine


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    from rag.documents import readable

    click.echo(readable(json.dumps(value, ensure_ascii=False, indent=2)))


def note(text: str) -> None:
    """A message to the person, not part of the output."""
    click.echo(harmless(text), err=True)


def say(text: str) -> None:
    """A line or more of what was asked for, on stdout."""
    click.echo(harmless(text))


def tell_where_texts_go(engine: "Engine", embedder_id: str, tokens: int | None = None) -> None:
    """Before a remote model embeds: who gets the texts and, for so many tokens, the cost if known."""
    from rag.errors import RagError
    from rag.whereabouts import texts_go_to

    try:
        told = texts_go_to(engine.models, embedder_id)
        cost = engine.models.cost_of(embedder_id, tokens or 0)
    except RagError:
        return  # told where the model is used
    if told:
        note(str(told))
    if told and tokens is not None:
        price = f", about {cost[0]:.2g} {cost[1]}" if cost else ""
        note(f"About {tokens:,} tokens{price}.")


def one_line(text: str) -> str:
    """Harmless text with “�” for its line breaks too: a file's name may hold them to look like two lines."""
    return re.sub("[\n\t]", "�", harmless(text))


def harmless(text: str) -> str:
    """The text with “�” for terminal escapes and marks that turn the order of letters around."""
    return _ORDERS.sub("�", text)


def show_progress(text: str) -> None:
    """A line that the next one overwrites, where a person looks on."""
    if sys.stderr.isatty():
        click.echo(f"\r{one_line(text)}\033[K\r", err=True, nl=False)


def key_values(_context: click.Context, _parameter: click.Parameter, pairs: Sequence[str]) -> dict[str, Any]:
    """key=value options as a dict; a value that reads as a number or true/false is one."""
    values: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not key or not equals:
            raise click.BadParameter(f"“{pair}” should be key=value")
        values[key] = _typed(text)
    return values


def _typed(text: str) -> str | int | float | bool:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, (int, float, bool)) else text
