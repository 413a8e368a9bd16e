"""The same search as a command and as a few lines of Python, to be copied."""

import json
import shlex

from rag.catalog import DEFAULT_NAME
from rag.retrieval import Query

NO_MINIMUM = -1  # where the settings have a minimum similarity and the search has none


def command(collection: str, query: Query, *, settings_minimum: float | None = None) -> str:
    """`rag search` with the options of a query, for a shell."""
    words = ["rag", "search", query.question, "-k", str(query.k), "--mode", query.mode]
    if collection != DEFAULT_NAME:
        words += ["-c", collection]
    if query.where:
        words += ["--where", json.dumps(query.where, ensure_ascii=False)]
    if query.contains:
        words += ["--contains", query.contains]
    least = query.min_similarity
    if least is None and settings_minimum is not None:
        least = NO_MINIMUM
    if least is not None:
        words += ["--min-similarity", str(least)]
    if query.reranker:
        words += ["--reranker", query.reranker]
    if query.question.startswith("-"):  # an option to the command, unless it comes last
        words = [*words[:2], *words[3:], "--", query.question]
    return shlex.join(words)


def python(collection: str, query: Query) -> str:
    """The search as a program."""
    options = [f"k={query.k}", f"mode={query.mode!r}"]
    options += [f"where={dict(query.where)!r}"] if query.where else []
    options += [f"contains={query.contains!r}"] if query.contains else []
    options += [f"min_similarity={query.min_similarity}"] if query.min_similarity is not None else []
    options += [f"reranker={query.reranker!r}"] if query.reranker else []
    return f"""from rag.engine import open_engine
from rag.retrieval import Query
from rag.settings import load_settings

query = Query({query.question!r}, {", ".join(options)})
with open_engine(load_settings()) as engine:
    found = engine.search(engine.collection({collection!r}), query)
for passage in found.passages:
    print(passage.rank, passage.name, passage.page, passage.cosine, passage.score)
"""
