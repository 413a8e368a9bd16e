"""rag serve and rag models: the app, and the model files it runs on."""

import socket
import sys
from typing import TYPE_CHECKING, Any

import click

from rag.cli.common import json_option, note, print_json

if TYPE_CHECKING:
    from rag.settings import Settings


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
    """List the built-in model files with their state, or install some."""
    if context.invoked_subcommand:
        return
    from rag import model_files
    from rag.settings import load_settings

    settings = load_settings()
    rows = [
        {
            "name": state.model.name,
            "task": state.model.task,
            "installed": state.installed,
            "bytes": state.model.size,
            "licence": state.model.licence,
            "sha256": state.model.sha256,
            "description": state.model.description,
        }
        for state in model_files.state(settings)
    ]
    providers = _providers(settings)
    if as_json:
        print_json({"models": rows, "providers": providers})
        return
    for row in rows:
        mark = "installed" if row["installed"] else "not installed"
        click.echo(f"{row['name']:<24} {mark:<14} {int(str(row['bytes'])) >> 20:>5} MB  {row['description']}")
    for provider in providers:
        click.echo(f"{provider['name']:<24} {provider['state']}")


@models.command()
@click.argument("names", nargs=-1)
def install(names: tuple[str, ...]) -> None:
    """Install model NAMES; without a name, those of the default set-up."""
    from rag import model_files
    from rag.errors import ProviderError, StoreError
    from rag.settings import load_settings

    settings = load_settings()
    wanted = names or tuple(each.model.name for each in model_files.state(settings) if each.model.default)
    failed = False
    for name in wanted:
        try:
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


def _providers(settings: "Settings") -> list[dict[str, Any]]:
    from rag.chat_models.ollama import local_ollama

    running = local_ollama(settings)
    return [
        {
            "name": "ollama",
            "state": "no server answers" if running is None else "ready",
            "models": running or [],
        },
        {
            "name": "openai",
            "state": "ready" if settings.openai_api_key or settings.openai_base_url else "no key",
        },
        {"name": "dashscope", "state": "ready" if settings.dashscope_api_key else "no key"},
    ]
