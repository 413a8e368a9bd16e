"""The same promises from a Chroma folder and from a real Chroma server."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rag.errors import StoreError, UsageError
from rag.vector_index import READ_ROWS, Row, VectorIndex

NAME = "passage-test-1"


@pytest.fixture(params=["memory", "folder", "server"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorIndex]:
    url = request.getfixturevalue("chroma_server") if request.param == "server" else None
    opened = VectorIndex(tmp_path, url, in_memory=request.param == "memory")
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


def test_a_folder_that_could_not_be_opened_once_opens_when_it_can(tmp_path: Path) -> None:
    index = VectorIndex(tmp_path)
    file = tmp_path / "chroma" / "chroma.sqlite3"
    file.parent.mkdir()
    file.write_bytes(b"garbage" * 1000)
    with pytest.raises(StoreError, match="open the index"):
        index.names()
    file.unlink()  # as a disk that was full has room again
    assert index.names() == []
    index.close()
