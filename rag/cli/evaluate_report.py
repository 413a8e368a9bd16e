"""What rag evaluate tells a person."""

from typing import Any

import click

from rag.rerankers import NO_RERANKER


def print_report(report: dict[str, Any]) -> None:
    """The figures for a person to read."""
    for metric, (low, high) in report["intervals"].items():
        click.echo(f"{metric:<10} {report[metric]:.3f}  (95 %: {low:.3f}–{high:.3f})")
    seconds = report["seconds"]
    indexing = f"{seconds['index']:.1f} s to index, " if "index" in seconds else ""
    reranked = "" if report["reranker"] == NO_RERANKER else f", reranked by {report['reranker']}"
    click.echo(
        f"{report['queries']} questions ({report['skipped']} skipped), {report['documents']} documents, "
        f"{report['chunks']} chunks; {report['mode']}, {report['embedder']}{reranked}; "
        f"{indexing}{1000 * seconds['median_search']:.0f} ms a question"
    )
    for system in report.get("systems", ())[1:]:
        _print_system(system)


def _print_system(system: dict[str, Any]) -> None:
    """One more system: its figures, and how far it is from the first."""
    click.echo(f"\n{system['name']} ({system['chunks']} chunks)")
    for metric, (low, high) in system["intervals"].items():
        differs = system["differences"].get(metric)
        told = (
            f"  {differs['mean']:+.3f} (95 %: {differs['low']:+.3f} to {differs['high']:+.3f})"
            if differs
            else ""
        )
        click.echo(f"{metric:<10} {system[metric]:.3f}  (95 %: {low:.3f}–{high:.3f}){told}")
    click.echo(f"{len(system['won'])} questions won, {len(system['lost'])} lost, by ndcg@10")
    for mark, changed in (("+", system["won"][:5]), ("−", system["lost"][:5])):
        for each in changed:
            click.echo(f"  {mark} {each['before']:.2f} → {each['after']:.2f}  {each['question']}")
