"""rag documents audit: what in a collection may need mending."""

from typing import TYPE_CHECKING, Any

import click

from rag.cli.common import collection_option, json_option, one_line, open_engine, print_json, say
from rag.cli.preflight import LANGUAGES

if TYPE_CHECKING:
    from rag.ingestion.audit import Audit


@click.command()
@collection_option
@json_option
@click.pass_obj
def audit(from_group: str | None, collection: str | None, as_json: bool) -> None:
    """Look through what a collection holds: text that cannot be read, stands twice, or is cut off."""
    with open_engine() as engine:
        found = engine.audit(engine.collection(collection or from_group))
    if as_json:
        print_json(_json(found))
        return
    for finding in found.findings:
        say(one_line(f"{finding.document}: {finding.what}"))
        say(one_line(f"    {finding.advice}"))
    if not found.findings:
        click.echo("Nothing to mend.")
    if found.problem:
        click.echo(f"Passages were not compared with the model's window. {found.problem}")
    if found.languages:
        click.echo(
            "Languages: "
            + ", ".join(f"{LANGUAGES[key]} {share:.0%}" for key, share in found.languages.items())
        )


def _json(found: "Audit") -> dict[str, Any]:
    return {
        "documents": found.documents,
        "languages": {language: round(share, 3) for language, share in found.languages.items()},
        "findings": [
            {
                "kind": finding.kind,
                "id": finding.document_id,
                "name": finding.document,
                "finding": str(finding.what),
                "advice": str(finding.advice),
            }
            for finding in found.findings
        ],
        "problem": str(found.problem) if found.problem else None,
    }
