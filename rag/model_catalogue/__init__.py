"""A catalogue of models to choose among: what each is for, what it wants, what it costs.

MODELS                            all of them, the recommended ones first
find_model(id)                    the facts of "provider:model", or None
models_for(task=…, …)             those for a task, a language or a provider
estimated_cost(id, tokens)        what embedding so many tokens costs, or None
price_text(model)                 what a million tokens cost, with the day
catalogue_table(…)                the catalogue as rows of text; markdown_table() as docs/models.md shows it
"""

from collections.abc import Iterable

from rag.model_catalogue.facts import Language, ModelFacts, Price, RunsOn, Task
from rag.model_catalogue.table import MODELS

__all__ = [
    "HEADINGS",
    "MODELS",
    "Language",
    "ModelFacts",
    "Price",
    "RunsOn",
    "Task",
    "catalogue_table",
    "estimated_cost",
    "find_model",
    "markdown_table",
    "models_for",
    "price_text",
]

HEADINGS = ("model", "for", "languages", "dimensions", "tokens", "size", "runs on", "licence", "1M tokens")

UNKNOWN = "–"

_LANGUAGES = {"en": "English", "zh": "Chinese", "mul": "more"}
_RUNS_ON = {"cpu": "CPU", "gpu": "GPU", "service": "service"}


def find_model(id: str) -> ModelFacts | None:
    """The facts of "provider:model", None where the catalogue does not know it.

    Ollama's tag ":latest" and a length of vectors asked for are left out of the comparison.
    """
    wanted = id.partition("?")[0]
    wanted = wanted.removesuffix(":latest") if wanted.startswith("ollama:") else wanted
    return next((model for model in MODELS if wanted in model.ids), None)


def models_for(
    *, task: Task | None = None, language: Language | None = None, provider: str | None = None
) -> tuple[ModelFacts, ...]:
    """The models that fit all that is given, the recommended ones first."""
    return tuple(
        model
        for model in MODELS
        if (task is None or model.task == task)
        and (language is None or language in model.languages)
        and (provider is None or provider in model.providers)
    )


def estimated_cost(model_id: str, tokens: int) -> tuple[float, str] | None:
    """(amount, currency) for reading `tokens` by the public price; None where nothing is known to be charged.

    The currency is ISO 4217. Prices change: `find_model(id).price` has the date and the source.
    """
    model = find_model(model_id)
    if model is None or model.price is None:
        return None
    return tokens * model.price.per_million / 1_000_000, model.price.currency


def price_text(model: ModelFacts) -> str:
    """The price of a million tokens and the day it was so; "" where none is known."""
    if not model.price:
        return ""
    return f"{model.price.per_million:g} {model.price.currency} ({model.price.as_of})"


def catalogue_table(models: Iterable[ModelFacts] = MODELS) -> list[tuple[str, ...]]:
    """A row of text for each model, in the order of HEADINGS: the id to prefer, the usual dimension."""
    return [(model.ids[0], *_facts(model, model.dimensions[:1])) for model in models]


def markdown_table() -> str:
    """The whole catalogue as a table in Markdown: all ids, the notes, and links to the facts' sources."""
    headings = [heading.capitalize() for heading in (*HEADINGS, "notes")]
    lines = [headings, ["---"] * len(headings)]
    for model in MODELS:
        ids = "<br>".join(f"`{id}`" for id in model.ids)
        notes = " ".join(map(str, model.notes))
        lines.append([f"[{model.name}]({model.source})<br>{ids}", *_facts(model, model.dimensions), notes])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _facts(model: ModelFacts, dimensions: tuple[int, ...]) -> tuple[str, ...]:
    return (
        "text and pictures" if model.task == "multimodal" else model.task,
        ", ".join(_LANGUAGES[language] for language in model.languages),
        ", ".join(map(str, dimensions)) or UNKNOWN,
        f"{model.max_tokens:,}" if model.max_tokens else UNKNOWN,
        _size(model),
        _RUNS_ON[model.runs_on],
        model.licence or UNKNOWN,
        price_text(model) or UNKNOWN,
    )


def _size(model: ModelFacts) -> str:
    parameters = f"{model.parameters / 1e6:,.0f} M parameters" if model.parameters else ""
    download = f"{model.bytes / 1e6:,.0f} MB" if model.bytes else ""
    return ", ".join(filter(None, (parameters, download))) or UNKNOWN
