"""Why a passage was not shown, with cosines and ranks by hand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.documents import Chunk, Document
from rag.embedders.base import Vectors
from rag.errors import ProviderError, UsageError
from rag.retrieval import POOL, Query
from rag.retrieval.explaining import Explaining, WhyNot
from rag.retrieval.neighbours import neighbours
from rag.retrieval.side_by_side import MODES, side_by_side
from rag.retrieval.wanted import Wanted
from tests.fakes import WordEmbedder
from tests.library import Library

CAT, CATS_AND_DOG, BIRD = "cat", "cat and dog", "bird"  # √(2·2)⁻¹·2 = 1, √(2·3)⁻¹·2 = .816, √(2·2)⁻¹ = .5


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(tmp_path, WordEmbedder("cat", "dog", "bird", "sleeps"))
    yield library
    library.close()


@pytest.fixture
def animals(library: Library) -> Library:
    library.add("cat.txt", CAT, year=2020)
    library.add("dog.md", CATS_AND_DOG, year=2024)
    library.add("bird.txt", BIRD, year=2024)
    return library


def why(library: Library, question: str, wanted: Wanted | str, **options: Any) -> WhyNot:
    explaining = Explaining(
        library.catalog, library.keywords, library.retriever, lambda _collection: library.embedder
    )
    meant = Wanted(wanted) if isinstance(wanted, str) else wanted
    return explaining.why_not(library.collection, Query(question, **options), meant)


def test_a_passage_that_was_found_says_so(animals: Library) -> None:
    told = why(animals, "cat", CAT)
    assert str(told.reason) == "It was found: it is number 1."
    (first, second) = told.ways  # "cat" stands in both texts
    assert (first.passage.text, first.dense_rank, first.chunks, first.rank) == (CAT, 1, 3, 1)
    assert first.passage.cosine == pytest.approx(1.0)
    assert (second.passage.text, second.dense_rank) == (CATS_AND_DOG, 2)
    assert second.passage.cosine == pytest.approx(2 / 6**0.5)


def test_more_passages_would_show_it(animals: Library) -> None:
    told = why(animals, "cat", BIRD, k=1)
    assert str(told.reason) == ("It is number 3, and 1 are asked for: raise the number of passages to 3.")
    (way,) = told.ways
    assert (way.dense_rank, way.keyword_rank, way.rank, way.in_pool) == (3, None, 3, True)
    assert way.passage.cosine == pytest.approx(0.5)
    raised = why(animals, "cat", BIRD, k=3)
    assert str(raised.reason) == "It was found: it is number 3."


@pytest.mark.parametrize(
    ("where", "keys"),
    [
        ({"type": {"$in": ["md"]}}, "type"),
        ({"$and": [{"type": "txt"}, {"year": {"$lt": 2024}}]}, "year"),
        ({"$and": [{"type": "md"}, {"$or": [{"year": 1}, {"page": 2}]}]}, "type, year, page"),
    ],
)
def test_the_filter_that_leaves_it_out_is_named(
    animals: Library, where: dict[str, object], keys: str
) -> None:
    told = why(animals, "bird", BIRD, where=where)
    assert str(told.reason) == (
        f"The filter on {keys} leaves it out: change or clear that filter. Without filters it is number 1."
    )
    assert told.ways[0].rank is None and told.ways[0].left_out_by


def test_a_text_it_must_contain_counts_as_a_filter(animals: Library) -> None:
    told = why(animals, "bird", BIRD, contains="cat")
    assert told.ways[0].left_out_by == ('{"$contains": "cat"}',)


def test_the_minimum_similarity_is_named(animals: Library) -> None:
    told = why(animals, "cat", BIRD, min_similarity=0.7)
    assert str(told.reason).startswith(
        "Its similarity of 0.500 is below the minimum of 0.70: lower the minimum to "
    )
    both = why(animals, "cat", BIRD, min_similarity=0.7, k=2)
    assert "raise the number of passages to 3" in str(both.reason)
    least = float(str(told.reason).rsplit(" ", 1)[1].rstrip("."))
    assert str(why(animals, "cat", BIRD, min_similarity=least).reason) == "It was found: it is number 3."


def test_keywords_need_a_word_in_common(animals: Library) -> None:
    told = why(animals, "cat", BIRD, mode="keyword")
    assert str(told.reason).startswith("It shares no word with the question")


def test_a_text_that_is_not_there(animals: Library) -> None:
    told = why(animals, "cat", "A bird sleeps on the roof of the town hall.")
    assert not told.is_there
    assert "The nearest passage stands in “bird.txt”." in str(told.reason)
    assert told.ways[0].passage.text == BIRD


def test_other_breaks_and_case_are_the_same_text(library: Library) -> None:
    library.add("a.txt", "The cat sleeps\nin the old house by the river.")
    pieces = (
        "cat sleeps in the old house",
        "the CAT sleeps in the OLD house",
        "Cat - sleeps, in an old house by",
    )
    for pasted in pieces:
        told = why(library, "bird", pasted)
        assert told.is_there and told.ways[0].passage.name == "a.txt"
    assert not why(library, "bird", "the dog sleeps by the old tree in the garden").is_there


def test_a_text_that_is_still_to_be_read(animals: Library) -> None:
    animals.queue("new.txt", "dog dog dog")
    assert "Still to be read: 1." in str(why(animals, "cat", "The whale swims in the sea").reason)


def test_a_document_that_is_being_indexed_or_failed(animals: Library) -> None:
    add(animals, "indexing", "whale", status="indexing")
    for wanted in ("whale", Wanted(document_id="indexing")):
        told = why(animals, "whale", wanted)
        assert "“indexing.txt” is still being indexed" in str(told.reason)
        assert told.ways == ()
    job = animals.add("bad.txt", "  ")
    assert job.error
    failed = next(each for each in animals.documents() if each.status == "failed")
    told = why(animals, "cat", Wanted(document_id=failed.id))
    assert str(told.reason).startswith("“bad.txt” could not be read: bad.txt contains only white space")


def test_the_best_chunks_of_a_document_are_explained(animals: Library) -> None:
    add(animals, "long", *[f"filler {number}" for number in range(10)], "cat", status="ready")
    told = why(animals, "cat", Wanted(document_id="long"))
    assert told.ways[0].passage.chunk_id == "long-00010"
    picked = why(animals, "cat", Wanted(chunk_id="long-00003"))
    assert [way.passage.text for way in picked.ways] == ["filler 3"]


def test_beyond_the_candidates_the_exact_ranks_are_told(animals: Library) -> None:
    crowd = [f"bird {number}" for number in range(POOL + 5)]
    add(animals, "crowd", *crowd, status="ready")
    told = why(animals, "bird", CAT)
    (way, *_rest) = [way for way in told.ways if way.passage.text == CAT]
    # Before it: the crowd and "bird" (cosine 1). "cat" is nearer (½) than "cat and dog" (1/√6).
    assert (way.dense_rank, way.chunks, way.keyword_rank) == (POOL + 7, POOL + 8, None)
    assert not way.in_pool and way.rank is None
    assert str(told.reason) == (
        f"It shares no word with the question and is number {POOL + 7} of {POOL + 8} by meaning, where the "
        f"first {POOL} count: use a word that stands in it."
    )


def add(library: Library, name: str, *texts: str, status: str) -> None:
    """A document written straight into the catalogue and, where ready, into the indexes."""
    chunks = [Chunk(text, 2) for text in texts]
    document = Document(
        name, library.collection.id, f"{name}.txt", name, "txt", 1, "indexing", "2026-11-26T00:00:00+00:00"
    )
    vectors = library.embedder.embed_documents([chunk.embedded_text for chunk in chunks])
    library.catalog.documents.add(document, chunks)
    stored = library.catalog.documents.chunks(name)
    library.catalog.vectors.save(library.collection.fingerprint, [each.text_hash for each in stored], vectors)
    if status == "ready":
        library.indexing.publish(document)


def test_what_is_wanted_must_be_said() -> None:
    with pytest.raises(UsageError, match="Paste the text"):
        Wanted("  ")


def test_all_modes_side_by_side(animals: Library) -> None:
    both = side_by_side(lambda query: animals.retriever.search(animals.collection, query), Query("cat", k=1))
    assert {mode: len(found.passages) for mode, found in both.results.items()} == {
        "dense": 1, "keyword": 1, "hybrid": 1,
    }  # fmt: skip
    assert not both.failures
    chunks = {passage.text: passage for passage in found_by(animals, "cat")}
    assert both.ranks[chunks[CAT].chunk_id] == {"dense": 1, "keyword": 1, "hybrid": 1}
    assert both.ranks[chunks[BIRD].chunk_id] == {"dense": 3, "hybrid": 3}


def test_where_the_keyword_index_is_damaged_meaning_answers(animals: Library) -> None:
    animals.keywords.close()
    (meta,) = (animals.settings.data_dir / "keyword").glob("*/meta.json")
    meta.write_bytes(meta.read_bytes()[:20])
    both = side_by_side(lambda query: animals.retriever.search(animals.collection, query), Query("cat"))
    assert "keyword index cannot be used" in str(both.failures["keyword"])
    assert [passage.text for passage in both.results["dense"].passages] == [CAT, CATS_AND_DOG, BIRD]
    (notice,) = both.results["hybrid"].notices
    assert str(notice).startswith("Searched by meaning only, not by keywords.")
    told = why(animals, "cat", BIRD, k=1)
    assert (told.mode, told.ways[0].keyword_rank, told.ways[0].dense_rank) == ("dense", None, 3)
    assert told.notices == (notice,)


class Unreachable(WordEmbedder):
    """Embeds documents, and no question."""

    def embed_query(self, text: str) -> Vectors:
        if text == "dog":
            raise ProviderError("The server is away.")
        return super().embed_query(text)


def test_where_the_embedder_is_away_keywords_answer(tmp_path: Path) -> None:
    library = Library(tmp_path, Unreachable("cat", "dog"))
    library.add("dog.md", CATS_AND_DOG)
    both = side_by_side(lambda query: library.retriever.search(library.collection, query), Query("dog"))
    assert str(both.failures["dense"]) == "The server is away."
    for mode in MODES[1:]:
        assert [passage.text for passage in both.results[mode].passages] == [CATS_AND_DOG]
    assert str(both.results["hybrid"].notices[0]).startswith("Searched by keywords only.")
    told = why(library, "dog", CATS_AND_DOG)
    assert (told.mode, told.ways[0].dense_rank, str(told.reason)) == (
        "keyword", None, "It was found: it is number 1.",
    )  # fmt: skip
    library.close()


def found_by(library: Library, question: str) -> Any:
    return library.retriever.search(library.collection, Query(question)).passages


def test_neighbours_by_vector_and_by_place(animals: Library) -> None:
    add(animals, "long", "bird sleeps", "cat", "cat sleeps", status="ready")
    near = neighbours(animals.catalog, animals.retriever.exact, animals.collection, "long-00001", n=2)
    assert near.before and near.after
    assert (near.before.text, near.after.text) == ("bird sleeps", "cat sleeps")
    assert [(each.rank, each.text) for each in near.nearest[:1]] == [(1, CAT)]
    assert near.nearest[0].cosine == pytest.approx(1.0)
    assert near.nearest[1].cosine == pytest.approx(2 / 6**0.5)  # "cat and dog" and "cat sleeps" alike
    first = neighbours(animals.catalog, animals.retriever.exact, animals.collection, "long-00000")
    assert first.before is None
    with pytest.raises(UsageError, match="no longer in the collection"):
        neighbours(animals.catalog, animals.retriever.exact, animals.collection, "gone-00000")
