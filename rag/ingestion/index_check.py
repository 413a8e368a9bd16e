"""The vector indexes compared with the catalogue in a process of its own, which a damaged one may crash.

`python -m rag.ingestion.index_check DATA_DIR` writes one JSON line for each index that it compared.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from rag.catalog import Catalog, Collection
from rag.ingestion.checking import Difference, vector_difference
from rag.vector_index import VectorIndex
from rag.vector_index.apart import lines_of

TIMEOUT = 600  # seconds


def all_indexes(catalog: Catalog) -> Iterator[Collection]:
    """Every collection with its index, and with its second one if that should hold everything."""
    for collection in catalog.collections.all():
        yield collection
        other = catalog.collections.other_index(collection)
        if other and other.is_complete:
            yield other.of(collection)


def compare_apart(data_dir: Path) -> dict[str, Difference]:
    """How the indexes in a folder differ, by name, as far as they could be looked into.

    Chroma must not be open in this process.
    """
    lines = lines_of("rag.ingestion.index_check", str(data_dir), timeout=TIMEOUT)
    return {name: Difference(**difference) for name, difference in lines}


def compare_here(catalog: Catalog, vectors: VectorIndex) -> Iterator[tuple[str, Difference]]:
    """How the indexes differ, by name, looked into by this process: for a server, which cannot crash it."""
    for each in all_indexes(catalog):
        yield each.index_name, vector_difference(catalog, vectors, each)


def main() -> None:
    """Compare the indexes of the folder that is named."""
    data_dir = Path(sys.argv[1])
    with closing(Catalog(data_dir)) as catalog, closing(VectorIndex(data_dir)) as vectors:
        vectors.open()  # where that fails no index is told of
        for name, difference in compare_here(catalog, vectors):
            print(json.dumps([name, asdict(difference)]), flush=True)  # noqa: T201 - its parent reads it


if __name__ == "__main__":
    main()
