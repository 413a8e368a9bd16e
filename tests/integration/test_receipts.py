"""A receipt says what a look into every store found after a deletion."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.documents import Notice
from rag.ingestion.receipts import DeletionReceipt, delete_with_receipt, receipt_notices
from rag.keyword_index import KeywordIndex
from rag.vector_index import VectorIndex
from tests.fakes import WordEmbedder
from tests.library import Library

SHARED = "An apple is red."


class Forgetful(KeywordIndex):
    """Says that it deleted, and did not."""

    def delete_document(self, index: str, document_id: str) -> None:
        return None


class ForgetfulVectors(VectorIndex):
    """Says that it deleted, and did not."""

    def delete_document(self, index: str, document_id: str) -> None:
        return None


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(tmp_path, WordEmbedder("apple", "pear"))
    yield opened
    opened.close()


def deleted(library: Library, document_id: str | None) -> DeletionReceipt:
    return delete_with_receipt(
        library.catalog, library.indexing, library.vectors, library.keywords, str(document_id)
    )


def test_nothing_is_left_of_a_document(library: Library) -> None:
    job = library.add("苹果.txt", SHARED)
    receipt = deleted(library, job.document_id)
    assert receipt == DeletionReceipt(
        str(job.document_id), "苹果.txt", 1, False, False, False, False, 0, 0, 0, 0, ()
    )
    assert receipt.clean
    [notice] = receipt_notices(receipt)
    assert "苹果.txt" in str(notice) and "are gone" in str(notice)


def test_a_failed_file_leaves_nothing_either(library: Library) -> None:
    assert deleted(library, library.add("empty.txt", " ").document_id).clean


def test_what_others_need_is_kept_and_said(library: Library) -> None:
    kept = library.add("kept.txt", SHARED)
    other = library.add("other.txt", SHARED, year=2026)
    receipt = deleted(library, other.document_id)
    assert receipt.clean
    assert (receipt.vectors_shared, receipt.files_shared, receipt.shared_with) == (1, 1, ("kept.txt",))
    told = " ".join(map(str, receipt_notices(receipt)))
    assert "kept.txt" in told and "1 of its vectors" in told
    assert library.found("apple") == [SHARED]
    receipt = deleted(library, kept.document_id)
    assert receipt.clean and (receipt.vectors_shared, receipt.files_shared) == (0, 0)


def test_a_file_that_waits_is_told_by_its_name(library: Library) -> None:
    job = library.add("one.txt", SHARED)
    library.queue("waiting.txt", SHARED)
    assert deleted(library, job.document_id).shared_with == ("waiting.txt",)


def test_it_looks_and_does_not_believe(library: Library) -> None:
    for place, index in (
        ("in_keywords", Forgetful(library.settings.data_dir)),
        ("in_vectors", ForgetfulVectors(library.settings.data_dir)),
    ):
        job = library.add("fruit.txt", SHARED)
        usual = library.indexing._keywords, library.indexing._vectors
        if isinstance(index, KeywordIndex):
            library.indexing._keywords = index
        else:
            index.trust(library.collection.index_name)
            library.indexing._vectors = index
        receipt = deleted(library, job.document_id)
        library.indexing._keywords, library.indexing._vectors = usual
        assert not receipt.clean
        assert [name for name in ("in_keywords", "in_vectors") if getattr(receipt, name)] == [place]
        assert list(receipt_notices(receipt)) == [
            Notice("Something of “{name}” is left. Run: rag check --repair", {"name": "fruit.txt"})
        ]
        library.indexing.rebuild_keywords(library.collection)
        library.indexing.rebuild_vectors(library.collection)
        library.collection = library.catalog.collections.get("test")
