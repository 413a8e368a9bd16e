"""The `rag` command. Imports are light here: what a subcommand needs is loaded when it runs."""

import sys

import click

from rag.cli.adopt import adopt
from rag.cli.app import models, serve
from rag.cli.collections import collections
from rag.cli.common import note
from rag.cli.compare import compare
from rag.cli.evaluate import evaluate
from rag.cli.ingest import ingest
from rag.cli.keeping import backup, export, restore
from rag.cli.library import check, documents
from rag.cli.questions import ask, search
from rag.cli.records import records
from rag.errors import RagError, UsageError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="passage", prog_name="rag")
def group() -> None:
    """Passage: ask questions of your own documents and see the passages every answer rests on."""


COMMANDS = (
    *(serve, models, collections, ingest, documents, records, search, ask, compare, evaluate),
    *(adopt, check, export, backup, restore),
)
for command in COMMANDS:
    group.add_command(command)


def main() -> None:
    """Run the command: exit status 0 done, 1 some of it failed, 2 wrong usage."""
    try:
        group()
    except RagError as error:
        note(f"rag: {error}")
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except KeyboardInterrupt:
        click.echo("rag: stopped.", err=True)
        sys.exit(130)
