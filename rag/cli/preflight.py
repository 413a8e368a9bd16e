"""rag ingest --preflight: what adding files would mean, before anything is added."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rag.cli.common import note, one_line, print_json, say, show_progress

if TYPE_CHECKING:
    from rag.catalog import Collection
    from rag.documents import ChunkSize
    from rag.engine import Engine
    from rag.ingestion.preflight import CutFile, Estimate

LANGUAGES = {
    "zh": "Chinese",
    "en": "English",
    "latin": "other, in Latin letters",
    "ja": "Japanese",
    "ko": "Korean",
    "other": "other scripts",
}
_Command = TypeVar("_Command", bound=Callable[..., Any])


def preflight_options(command: _Command) -> _Command:
    """The options of a look before adding, and of the chunks' size."""
    for option in (
        click.option("--overlap-tokens", type=int, metavar="N", help="What neighbouring chunks share."),
        click.option("--chunk-tokens", type=int, metavar="N", help="The longest chunk, else as set."),
        click.option("--preflight", is_flag=True, help="Only tell what adding the files would take."),
    ):
        command = option(command)
    return command


def chosen_size(
    engine: "Engine", collection: "Collection", tokens: int | None, overlap: int | None
) -> "ChunkSize | None":
    """The size that was asked for; None where none was. Raises UsageError."""
    if tokens is None and overlap is None:
        return None
    return engine.preflight.chunk_size(collection, tokens, overlap)


def show_preflight(
    engine: "Engine",
    collection: "Collection",
    files: Sequence[tuple[str, Path]],
    size: "ChunkSize | None",
    *,
    as_json: bool,
) -> None:
    """Read the files, tell what adding them would take, and end with status 1 if one cannot be added."""
    look, used = engine.preflight, size or engine.preflight.chunk_size(collection, None, None)
    cut = []
    for name, path in files:
        show_progress(f"{name}: reading")
        cut.append(look.cut(collection, look.read(collection, name, path), used))
    estimate = look.estimate(collection, cut)
    if as_json:
        print_json(
            {
                "collection": collection.name,
                "model": collection.fingerprint.id,
                "chunk_tokens": used.tokens,
                "overlap_tokens": used.overlap,
                "documents": list(map(_row, cut)),
                **_sums(estimate),
            }
        )
    else:
        _print(cut, estimate, used)
    if any(each.error for each in cut):
        raise SystemExit(1)


def _row(cut: "CutFile") -> dict[str, Any]:
    parsed = cut.file.parsed
    return {
        "name": cut.file.name,
        "type": parsed.kind if parsed else None,
        "bytes": cut.file.bytes,
        "pages": parsed.pages if parsed else None,
        "sections": len(parsed.sections) if parsed else 0,
        "chunks": len(cut.chunks),
        "tokens": cut.tokens,
        "new_tokens": cut.new_tokens,
        "languages": _rounded(cut.file.languages),
        "warnings": [str(warning) for warning in parsed.warnings] if parsed else [],
        "error": str(cut.error) if cut.error else None,
        "preview": [chunk.text for chunk in cut.chunks[:3]],
    }


def _sums(estimate: "Estimate") -> dict[str, Any]:
    amount, currency = estimate.cost or (None, None)
    return {
        "chunks": estimate.chunks,
        "tokens": estimate.tokens,
        "new_tokens": estimate.new_tokens,
        "languages": _rounded(estimate.languages),
        "seconds": estimate.seconds,
        "disk_bytes": estimate.disk_bytes,
        "free_bytes": estimate.free_bytes,
        "cost": None if amount is None else {"amount": amount, "currency": currency},
        "host": estimate.host or None,
        "problem": str(estimate.problem) if estimate.problem else None,
    }


def _rounded(languages: Mapping[Any, float]) -> dict[str, float]:
    return {language: round(share, 3) for language, share in languages.items()}


def _print(files: Sequence["CutFile"], estimate: "Estimate", size: "ChunkSize") -> None:
    width = max(len(each.file.name) for each in files)
    click.echo(
        f"{'file':<{width}}  {'type':<8}{'pages':>6}{'sections':>9}{'chunks':>8}{'tokens':>10}  languages"
    )
    for each in files:
        row = _row(each)
        numbers = f"{row['pages'] or '–':>6}{row['sections']:>9}{row['chunks']:>8}{row['tokens']:>10,}"
        languages = _languages(each.file.languages)
        say(f"{one_line(row['name']):<{width}}  {row['type'] or '–':<8}{numbers}  {languages}".rstrip())
        for notice in ([f"cannot be added: {row['error']}"] if each.error else []) + row["warnings"]:
            say(f"    {one_line(notice)}")
    click.echo()
    click.echo(
        f"Chunks of at most {size.tokens} tokens, {size.overlap} shared; "
        f"{estimate.new_tokens:,} tokens to embed."
    )
    if estimate.seconds is not None:
        click.echo(f"Time: about {_duration(estimate.seconds)}.")
    if estimate.problem:
        click.echo(f"Time: unknown. {estimate.problem}")
    click.echo(
        f"Disk: about {estimate.disk_bytes / 1e6:,.1f} MB, "
        f"of {estimate.free_bytes / 1e6:,.0f} MB that are free."
    )
    if estimate.host:
        click.echo(f"The texts would be sent to {estimate.host}.")
    if estimate.cost:
        amount, currency = estimate.cost
        click.echo(f"Cost: about {amount:.2g} {currency} by the public price.")
    note("Nothing was added.")


def _languages(languages: Mapping[Any, float]) -> str:
    return ", ".join(f"{LANGUAGES[key]} {share:.0%}" for key, share in languages.items())


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
