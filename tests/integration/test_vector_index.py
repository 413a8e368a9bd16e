"""The same promises from a Chroma folder and from a real Chroma server."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rag.errors import StoreError, UsageError
from rag.vector_index import READ_ROWS, Row, VectorIndex

NAME = "passage-test-1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A `chroma run` server on 127.0.0.1; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("chroma")
    chroma = Path(sys.executable).with_name("chroma")
    process = subprocess.Popen(
        [chroma, "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
    )
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(timeout=30)


@pytest.fixture(params=["folder", "server"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorIndex]:
    opened = VectorIndex(tmp_path, request.getfixturevalue("server") if request.param == "server" else None)
    opened.create(NAME, {"ef_search": 50})
    yield opened
    opened.drop(NAME)
    opened.close()


def rows(count: int, document: str = "one") -> tuple[list[Row], np.ndarray]:
    """`count` rows at angles of 0°, 1°, 2° … from the first axis."""
    angles = np.radians(np.arange(count))
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    return [
        Row(f"{document}-{number}", {"document_id": document, "page": number}) for number in range(count)
    ], vectors


def test_nearest_first_with_cosines(index: VectorIndex) -> None:
    index.write(NAME, *rows(60))
    found = index.query(NAME, np.array([1, 0], np.float32), n=3)
    assert [key for key, _ in found] == ["one-0", "one-1", "one-2"]
    assert [cosine for _, cosine in found] == pytest.approx(np.cos(np.radians([0, 1, 2])), abs=1e-5)


@pytest.mark.parametrize("hnsw", [{"ef_search": "many"}, {"max_neighbors": 1.5}, {"batch_size": 0}])
def test_a_bad_hnsw_option_is_the_users_error(index: VectorIndex, hnsw: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(hnsw))):
        index.create("passage-other-1", hnsw)
    assert not index.exists("passage-other-1")


def test_a_deleted_document_leaves_nothing(index: VectorIndex) -> None:
    index.write(NAME, *rows(3))
    index.write(NAME, *rows(3, "two"))
    index.delete_document(NAME, "one")
    assert set(index.ids(NAME)) == {"two-0", "two-1", "two-2"}
    index.delete_document(NAME, "one")


def test_more_rows_than_one_read(index: VectorIndex) -> None:
    index.write(NAME, *rows(READ_ROWS + 1))
    assert len(set(index.ids(NAME))) == READ_ROWS + 1


def test_what_is_not_there(tmp_path: Path) -> None:
    index = VectorIndex(tmp_path)
    assert not index.exists(NAME)
    index.drop(NAME)
    with pytest.raises(StoreError, match="rag check --repair"):
        list(index.ids(NAME))
    with pytest.raises(UsageError, match="HNSW"):
        index.create(NAME, {"speed": 9})
    index.close()
    with pytest.raises(StoreError, match="RAG_CHROMA_URL"):
        VectorIndex(tmp_path, "http://127.0.0.1:9").open()
    with pytest.raises(UsageError, match="RAG_CHROMA_URL"):
        VectorIndex(tmp_path, "localhost").open()
