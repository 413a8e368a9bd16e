"""rag serve and rag models: the app, and the model files it runs on."""

import socket
import sys
from typing import TYPE_CHECKING, Any

import click

from rag.cli.common import json_option, note, print_json

if TYPE_CHECKING:
    from rag.model_files import ModelState
    from rag.provider_state import ProviderState


@click.command()
@click.option("--host", metavar="H", help="The address to listen on; 127.0.0.1 unless set.")
@click.option("--port", type=click.IntRange(1, 65535), metavar="P", help="The port; 8501 unless set.")
def serve(host: str | None, port: int | None) -> None:
    """Start the app in the browser."""
    from rag.settings import load_settings
    from rag.ui.server import serve as run

    settings = load_settings()
    address, number = host or settings.host, port or settings.port
    _check_free(address, number)
    shown = "localhost" if address in ("127.0.0.1", "0.0.0.0", "::") else address
    note(f"Passage is starting on http://{shown}:{number} — stop it with Ctrl+C.")
    run(settings, host=address, port=number)


def _check_free(host: str, port: int) -> None:
    from rag.errors import UsageError

    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return
    except OSError as error:
        raise UsageError(
            "Passage cannot listen on {host}, port {port}: {reason}. Stop what uses it, or choose another "
            "port with --port.",
            host=host,
            port=port,
            reason=error.strerror or error,
        ) from error


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def models(context: click.Context, as_json: bool) -> None:
    """List the built-in model files and the providers with their state; install or compare models."""
    if context.invoked_subcommand:
        return
    from rag import model_files
    from rag.provider_state import provider_states
    from rag.settings import load_settings

    settings = load_settings()
    files = model_files.state(settings)
    providers = provider_states(settings)
    if as_json:
        print_json({"models": list(map(_file_row, files)), "providers": list(map(_provider_row, providers))})
        return
    for each in files:
        mark = "installed" if each.installed else "not installed"
        model = each.model
        click.echo(f"{model.name:<24} {mark:<14} {model.size >> 20:>5} MB  {model.description}")
    click.echo()
    for state in providers:
        next_step = f"  {state.notice}" if state.notice else ""
        click.echo(f"{state.provider:<24} {state.state:<14} {', '.join(state.tasks)}{next_step}".rstrip())
        for offered in state.models:
            click.echo(f"    {state.provider}:{offered.name}")


@models.command()
@json_option
def catalogue(as_json: bool) -> None:
    """Compare models to choose among: what each is for, what it wants, what it costs."""
    from dataclasses import asdict

    from rag.model_catalogue import HEADINGS, MODELS, catalogue_table

    if as_json:
        rows = [asdict(model) | {"notes": list(map(str, model.notes))} for model in MODELS]
        print_json({"models": rows})
        return
    table = [HEADINGS, *catalogue_table()]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


@models.command()
@click.argument("names", nargs=-1)
def install(names: tuple[str, ...]) -> None:
    """Install model NAMES, built-in ones or like ollama:bge-m3; without a name, those of the set-up."""
    from rag import model_files
    from rag.errors import ProviderError, StoreError
    from rag.providers.ollama_api import pull
    from rag.settings import load_settings

    settings = load_settings()
    wanted = names or tuple(each.model.name for each in model_files.state(settings) if each.model.default)
    failed = False
    for name in wanted:
        provider, _, tag = name.partition(":")
        try:
            if provider == "ollama" and tag:
                pull(settings, tag, _Progress(name))
                note(f"{name}: Ollama has it")
                continue
            folder = model_files.install(settings, name, _Progress(name))
            note(f"{name}: installed in {folder}")
        except (ProviderError, StoreError) as error:
            failed = True
            note(f"{name}: {error}")
    if failed:
        raise SystemExit(1)


class _Progress:
    """Says how far an installation is, whenever the whole per cent changes."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last = ""

    def __call__(self, stage: str, done: int, total: int) -> None:
        percent = 100 * done // total if total else 0
        live = sys.stderr.isatty()
        text = f"{self._name}: {stage} {percent if live else percent // 10 * 10} % of {total >> 20} MB"
        if text != self._last:
            self._last = text
            click.echo(f"\r{text}\033[K" if live else text, err=True, nl=not live)


def _file_row(state: "ModelState") -> dict[str, Any]:
    return {
        "name": state.model.name,
        "task": state.model.task,
        "installed": state.installed,
        "bytes": state.model.size,
        "licence": state.model.licence,
        "sha256": state.model.sha256,
        "description": state.model.description,
    }


def _provider_row(state: "ProviderState") -> dict[str, Any]:
    return {
        "name": state.provider,
        "tasks": state.tasks,
        "state": state.state,
        "next": str(state.notice) if state.notice else None,
        "host": state.host,
        "is_local": state.is_local,
        "models": [
            {"name": model.name, "tasks": model.tasks, "bytes": model.bytes} for model in state.models
        ],
    }
