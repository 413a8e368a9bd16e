"""What well-known models want before a question and before a document. Pure."""

import re
from typing import NamedTuple


class Prefixes(NamedTuple):
    """Texts put before a question and before a document."""

    query: str = ""
    document: str = ""


_SEARCH = "Represent this sentence for searching relevant passages: "
_SEARCH_ZH = "为这个句子生成表示以用于检索相关文章："
_INSTRUCT = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"

# The first that is found in a model's name, in lower case, is its family.
_FAMILIES = (
    (r"qwen3-embedding", Prefixes(_INSTRUCT)),
    (r"gte-qwen2|e5-mistral|e5-.*instruct", Prefixes(_INSTRUCT + " ")),
    (r"\be5-(small|base|large)", Prefixes("query: ", "passage: ")),
    (r"nomic-embed-text", Prefixes("search_query: ", "search_document: ")),
    (r"embeddinggemma", Prefixes("task: search result | query: ", "title: none | text: ")),
    (r"bge-(small|base|large)-zh", Prefixes(_SEARCH_ZH)),
    (r"bge-(small|base|large)|mxbai-embed-large", Prefixes(_SEARCH)),
    (r"arctic-embed.*(2|v2\.0)$", Prefixes("query: ")),
    (r"arctic-embed", Prefixes(_SEARCH)),
)


def prefixes_of(model: str) -> Prefixes:
    """The prefixes that the model's authors prescribe; none for a model nobody knows."""
    name = model.lower().replace("_", "-").partition(":")[0]
    return next((prefixes for family, prefixes in _FAMILIES if re.search(family, name)), Prefixes())
