"""A query of the workbench as a command and as Python, to be copied and run as they stand."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from rag.catalog import DEFAULT_NAME, Collection
from rag.workbench.query import RecordQuery


def query_command(collection: Collection, query: RecordQuery) -> str:
    """`rag records query` for a shell."""
    words = ["rag", "records", "query", "-n", str(query.n)]
    if collection.name != DEFAULT_NAME:
        words += ["-c", collection.name]
    if query.where:
        words += ["--where", json.dumps(query.where, ensure_ascii=False)]
    if query.contains:
        words += ["--contains", query.contains]
    if query.vector is not None:
        return shlex.join([*words, "--vector", json.dumps(list(query.vector))])
    if query.text.startswith("-"):  # an option to the command, unless it comes last
        return shlex.join([*words, "--", query.text])
    return shlex.join([*words[:3], query.text, *words[3:]])


def query_with_passage(collection: Collection, query: RecordQuery) -> str:
    """The query by Passage's engine."""
    options = [f"text={query.text!r}"] if query.vector is None else [f"vector={list(query.vector)!r}"]
    options += [f"n={query.n}"]
    options += [f"where={dict(query.where)!r}"] if query.where else []
    options += [f"contains={query.contains!r}"] if query.contains else []
    return f"""from rag.engine import open_engine
from rag.settings import load_settings
from rag.workbench import RecordQuery

query = RecordQuery({", ".join(options)})
with open_engine(load_settings()) as engine:
    found = engine.workbench.browsing.query(engine.collection({collection.name!r}), query)
for hit in found.hits:
    print(hit.rank, hit.distance, hit.cosine, hit.record.id, hit.record.text)
"""


def query_with_chroma(
    collection: Collection, query: RecordQuery, vector: Sequence[float], *, client: str
) -> str:
    """The query in plain Chroma, of the vector that Passage looks for.

    `client` makes Chroma's client, as `client_code` writes it. Chroma holds no texts: they and `contains` are
    Passage's.
    """
    where = f"    where={dict(query.where)!r},\n" if query.where else ""
    contains = (
        "\n# Passage keeps the texts: only there can records be asked for what they contain."
        if (query.contains)
        else ""
    )
    return f"""import chromadb
{contains}
{client}
collection = client.get_collection({collection.index_name!r}, embedding_function=None)
vector = {json.dumps([round(float(each), 7) for each in vector])}
found = collection.query(
    query_embeddings=[vector],
    n_results={query.n},
{where}    include=["distances", "metadatas"],
)
print(found["ids"], found["distances"])
"""


def client_code(data_dir: Path, server_url: str | None, *, in_memory: bool, is_cloud: bool) -> str:
    """The line of Python that opens the same Chroma."""
    if in_memory:
        return "client = chromadb.EphemeralClient()  # in Passage's own process: nobody else can look into it"
    if is_cloud:
        return (
            "# It reads CHROMA_API_KEY, CHROMA_TENANT and CHROMA_DATABASE from the environment.\n"
            "client = chromadb.CloudClient()"
        )
    if server_url:
        from urllib.parse import urlsplit

        url = urlsplit(server_url)
        port = url.port or (443 if url.scheme == "https" else 80)
        secure = ", ssl=True" if url.scheme == "https" else ""
        return f"client = chromadb.HttpClient(host={url.hostname!r}, port={port}{secure})"
    return (
        "# Stop Passage first: one process at a time may open the folder.\n"
        f"client = chromadb.PersistentClient({str(data_dir / 'chroma')!r})"
    )
