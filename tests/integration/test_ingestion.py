"""From a file to both indexes and out again, on a real Chroma folder."""

import io
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from rag.catalog import Catalog, Job, text_hash
from rag.documents import ChunkSize, Notice, Section
from rag.embedders.base import Vectors
from rag.errors import Cancelled, ProviderError, StoreError, UsageError
from rag.ingestion.reading import split_for
from rag.retrieval import Query
from tests.fakes import WordEmbedder
from tests.library import Library


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(tmp_path, WordEmbedder("apple", "pear", "plum", "苹果"))
    yield opened
    opened.close()


def test_a_file_becomes_passages(library: Library) -> None:
    job = library.add("fruit.md", "# Fruit\n\nAn apple is red.", author="Ann")
    (document,) = library.documents()
    assert (job.state, job.status, job.document_id) == ("done", "added", document.id)
    assert (document.name, document.kind, document.status, document.chunks) == ("fruit.md", "md", "ready", 1)
    assert library.is_clean()
    (passage,) = library.retriever.search(library.collection, Query("apple", mode="dense")).passages
    assert (passage.text, passage.headings, passage.metadata) == (
        "# Fruit\n\nAn apple is red.",
        ("Fruit",),
        {"author": "Ann"},
    )
    assert passage.cosine == pytest.approx(1.0, abs=1e-5)
    assert passage.relevance and passage.relevance > 0.5


def test_the_same_file_twice_changes_nothing(library: Library) -> None:
    first = library.add("fruit.txt", "An apple is red.")
    embedded = list(library.embedder.embedded)
    second = library.add("fruit.txt", "An apple is red.")
    assert (second.status, second.document_id) == ("unchanged", first.document_id)
    assert library.embedder.embedded == embedded


def test_a_changed_file_replaces_the_earlier_version(library: Library) -> None:
    first = library.add("fruit.txt", "An apple is red.")
    old_original = library.catalog.originals.path(first.sha256)
    second = library.add("fruit.txt", "A pear is green.")
    assert second.status == "replaced"
    assert [document.id for document in library.documents()] == [second.document_id]
    assert library.found("apple pear") == ["A pear is green."]
    assert library.is_clean()
    assert not old_original.exists()


def test_a_file_that_comes_to_equal_another_replaces_its_own_version(library: Library) -> None:
    library.add("a.txt", "An apple is red.")
    library.add("b.txt", "A pear is green.")
    assert library.add("b.txt", "An apple is red.").status == "replaced"
    assert library.found("pear", mode="keyword") == []
    assert library.add("b.txt", "An apple is red.").status == "unchanged"
    assert library.add("c.txt", "An apple is red.").status == "unchanged"
    assert sorted(document.name for document in library.documents()) == ["a.txt", "b.txt"]


def test_every_copy_is_compared_with_its_metadata(library: Library) -> None:
    first = library.add("a.txt", "An apple is red.", year=1)
    library.add("b.txt", "An apple is red.", year=2)
    again = library.add("c.txt", "An apple is red.", year=1)
    assert (again.status, again.document_id) == ("unchanged", first.document_id)


def test_a_failure_keeps_the_earlier_version_and_says_why(library: Library) -> None:
    library.add("fruit.txt", "An apple is red.")
    job = library.add("fruit.txt", "   \n")
    assert job.state == "failed" and job.error and "fruit.txt" in str(job.error)
    assert {document.status for document in library.documents()} == {"ready", "failed"}
    assert library.found("apple") == ["An apple is red."]
    library.add("fruit.txt", "A plum is blue.")
    assert [document.status for document in library.documents()] == ["ready"]


def test_deleting_leaves_nothing(library: Library) -> None:
    kept = library.add("kept.txt", "An apple is red. A pear is green.")
    gone = library.add("gone.txt", "An apple is red. 苹果是红的。")
    library.indexing.delete(str(gone.document_id))
    assert library.found("苹果 apple", mode="hybrid") == ["An apple is red. A pear is green."]
    assert [document.id for document in library.documents()] == [kept.document_id]
    assert not library.catalog.originals.path(gone.sha256).exists()
    assert library.is_clean()
    with pytest.raises(UsageError):
        library.indexing.delete(str(gone.document_id))


def test_two_documents_share_a_vector_until_the_last_is_gone(library: Library) -> None:
    one = library.add("one.txt", "An apple is red.")
    two = library.add("two.txt", "An apple is red.\n")
    assert two.status == "added"
    assert library.embedder.embedded.count("An apple is red.") == 1
    library.indexing.delete(str(one.document_id))
    library.indexing.rebuild_vectors(library.collection)
    library.collection = library.catalog.collections.get("test")
    assert library.is_clean()
    assert library.found("apple") == ["An apple is red."]


def test_what_a_stopped_process_left_is_finished(tmp_path: Path) -> None:
    embedder = WordEmbedder("apple", "pear")
    library = Library(tmp_path, embedder)
    added = library.add("half.txt", "An apple is red.")
    doomed = library.add("doomed.txt", "A pear is green.")
    library.catalog.documents.set_status([str(added.document_id)], "indexing")
    library.catalog.documents.set_status([str(doomed.document_id)], "deleting")
    library.vectors.delete_document(library.collection.index_name, str(added.document_id))
    assert library.found("apple") == []
    library.close()

    again = Library(tmp_path, embedder)
    again.upkeep.run_once()
    again.collection = again.catalog.collections.get("test")
    assert again.found("apple pear") == ["An apple is red."]
    assert [document.status for document in again.documents()] == ["ready"]
    assert again.is_clean()
    again.close()


def test_a_lost_index_is_rebuilt_without_embedding(library: Library) -> None:
    library.add("fruit.txt", "An apple is red.")
    library.vectors.drop(library.collection.index_name)
    library.keywords.drop(library.collection.id)
    report = library.upkeep.report()
    assert [(each.missing_vectors, each.missing_keywords) for each in report.collections] == [(1, 1)]
    assert library.found("apple") == ["An apple is red."]
    library.upkeep.repair()
    library.collection = library.catalog.collections.get("test")
    assert library.is_clean()
    assert library.embedder.embedded.count("An apple is red.") == 1
    assert library.found("apple") == ["An apple is red."]


def test_many_files_at_once_end_as_if_one_by_one(library: Library) -> None:
    texts = ["An apple.", "A pear.", " ", "An apple.", "A plum and a pear."]
    numbers = [library.queue(f"{place}.txt", text) for place, text in enumerate(texts)]
    assert sorted(library.pipeline.run(library.catalog.jobs.take)) == numbers
    statuses = [library.catalog.jobs.get(number).status for number in numbers]
    assert statuses == ["added", "added", "failed", "unchanged", "added"]
    assert library.is_clean()


def test_of_versions_queued_together_the_last_stays(library: Library) -> None:
    for number in range(6):
        library.queue("fruit.txt", f"An apple of {number} grams.")
    list(library.pipeline.run(library.catalog.jobs.take))
    assert library.found("apple") == ["An apple of 5 grams."]


def test_a_short_file_does_not_wait_for_a_long_one(library: Library) -> None:
    long_may_end, long_has_begun = threading.Event(), threading.Event()

    class Slow(WordEmbedder):
        def embed_documents(self, texts: Sequence[str]) -> Vectors:
            if any("long" in text for text in texts):
                long_has_begun.set()
                assert long_may_end.wait(60)
            return super().embed_documents(texts)

    library.embedder = Slow(*library.embedder.vocabulary)
    long = library.queue("long.txt", "A long text on the apple.")
    ended = library.pipeline.run(library.catalog.jobs.take)
    first: list[int] = []
    running = threading.Thread(target=lambda: first.append(next(ended)))
    running.start()
    assert long_has_begun.wait(60)
    short = library.queue("short.txt", "A pear.")  # when the long one is being embedded
    running.join(60)
    assert first == [short]
    assert library.found("pear") == ["A pear."]
    long_may_end.set()
    assert list(ended) == [long]


def test_several_senders_take_turns(library: Library) -> None:
    def queue(name: str, sender: str) -> None:
        library.catalog.queue(
            library.collection.id, name, io.BytesIO(name.encode()), {}, most_mb=1, sender=sender
        )

    for number in range(6):
        queue(f"ann{number}", "ann")
    queue("ben0", "ben")
    queue("ben1", "ben")
    queue("cem0", "cem")
    taken = iter(library.catalog.jobs.take, None)
    names = [job.name for job in taken]
    assert names == ["ann0", "ben0", "cem0", "ann1", "ben1", "ann2"]  # of ann's, no more at once
    for job in library.catalog.jobs.recent(library.collection.id):
        if job.state == "running":
            library.catalog.jobs.finish(job.id, "done")
    queue("ben2", "ben")
    assert [job.name for job in taken] == []  # it has ended
    again = [job.name for job in iter(library.catalog.jobs.take, None)]
    assert again == ["ben2", "ann3", "ann4", "ann5"]


NAMES = [
    "../../up.txt",
    "/etc/passwd.txt",
    "C:\\windows\\a.txt",
    "nul\0.txt",
    "two\nlines\t.txt",
    "\x1b[31mred.txt",
    "safe\u202etxt.exe",
    "苹果🍎.txt",
    "é" * 125 + ".txt",  # 254 bytes
    "x" * 5000,
    "-rf",
    "'; drop table documents; --",
    '{"$ne": 1}',
]


def test_a_name_is_only_a_label(library: Library, tmp_path: Path) -> None:
    for number, name in enumerate(NAMES):
        library.queue(name, f"An apple is red, number {number}.")
    jobs = [library.catalog.jobs.get(key) for key in library.pipeline.run(library.catalog.jobs.take)]
    assert {(job.name, job.status) for job in jobs} == {(name, "added") for name in NAMES}
    for number, name in enumerate(NAMES):
        query = Query("apple", where={"document": name})
        [passage] = library.retriever.search(library.collection, query).passages
        assert (passage.name, passage.text) == (name, f"An apple is red, number {number}.")
    files = {path.name for path in (tmp_path / "originals").rglob("*") if path.is_file()}
    assert files == {document.sha256 for document in library.documents()}
    assert library.add(NAMES[0], "A pear is green.").status == "replaced"
    for document in library.documents():
        library.indexing.delete(document.id)
    assert library.documents() == [] and library.is_clean()


def test_of_two_senders_files_of_one_name_the_last_one_stays(library: Library) -> None:
    def queue(name: str, text: str, sender: str) -> None:
        source = io.BytesIO(text.encode())
        library.catalog.queue(library.collection.id, name, source, {}, most_mb=1, sender=sender)

    for number in range(4):
        queue(f"{number}.txt", f"A plum, number {number}.", "ann")
    queue("same.txt", "An apple is red.", "ann")
    queue("same.txt", "A pear is green.", "ben")  # whose turn would come first
    queue("ben.txt", "A plum of ben's.", "ben")
    list(library.pipeline.run(library.catalog.jobs.take))
    assert library.found("apple pear", mode="keyword") == ["A pear is green."]
    assert len(library.documents()) == 6 and library.is_clean()


@pytest.mark.parametrize("texts", [("An apple is red.", "A pear is green."), ("An apple is red.",) * 2])
def test_one_name_queued_twice_at_once_is_one_document(library: Library, texts: tuple[str, str]) -> None:
    barrier = threading.Barrier(2)

    def queue(text: str) -> None:
        barrier.wait(10)
        library.queue("same.txt", text)

    threads = [threading.Thread(target=queue, args=(text,)) for text in texts]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    jobs = [library.catalog.jobs.get(key) for key in library.pipeline.run(library.catalog.jobs.take)]
    assert [job.status for job in jobs] == ["added", "replaced" if len(set(texts)) > 1 else "unchanged"]
    [document] = library.documents()
    assert document.sha256 == jobs[-1].sha256 and library.is_clean()
    assert library.catalog.unused_originals() == []


def test_a_long_text_can_be_cancelled_while_it_is_split() -> None:
    with pytest.raises(Cancelled):
        split_for(
            WordEmbedder("apple"), [Section("apple " * 300_000)], ChunkSize(32, 0), cancelled=lambda: True
        )


@pytest.mark.parametrize("stage", ["waiting", "reading", "embedding", "indexing"])
def test_a_file_cancelled_at_any_stage_can_be_added_again(library: Library, stage: str) -> None:
    number = library.queue("fruit.txt", "An apple is red.")
    original = library.catalog.originals.path(library.catalog.jobs.get(number).sha256)

    def cancel(job: Job) -> None:
        if job.stage == stage:
            library.catalog.cancel(number)

    class Cancelling(WordEmbedder):
        def count_tokens(self, text: str) -> int:  # between reading and embedding
            cancel(library.catalog.jobs.get(number))
            return super().count_tokens(text)

    library.embedder = Cancelling("apple", "pear", "plum", "苹果")
    if stage == "waiting":
        library.catalog.cancel(number)
    list(library.pipeline.run(library.catalog.jobs.take, cancel))
    job = library.catalog.jobs.get(number)
    # What is just being stored is stored whole: it is too late then.
    assert job.state == ("done" if stage == "indexing" else "cancelled")
    assert original.exists() == (stage == "indexing") and library.is_clean()
    assert library.catalog.vectors.kept([text_hash("An apple is red.")]) == (int(stage == "indexing"), 0)
    library.embedder = WordEmbedder("apple", "pear", "plum", "苹果")
    again = library.add("fruit.txt", "An apple is red.")
    assert again.status == ("unchanged" if stage == "indexing" else "added")
    assert library.found("apple") == ["An apple is red."]


def test_a_cancelled_job_leaves_no_trace(library: Library) -> None:
    number = library.queue("fruit.txt", "An apple is red.")
    job = library.catalog.jobs.take(number)
    assert job
    library.catalog.jobs.cancel(number)
    library.run(job)
    assert library.catalog.jobs.get(number).state == "cancelled"
    assert library.documents() == []
    assert not library.catalog.originals.path(job.sha256).exists()


def test_a_job_cancelled_while_it_is_embedded_leaves_no_vectors(library: Library) -> None:
    text = "\n\n".join(f"An apple of {number} grams." + " It is red." * 8 for number in range(200))
    number = library.queue("fruit.txt", text)

    class Cancelling(WordEmbedder):
        def embed_documents(self, texts: Sequence[str]) -> Vectors:
            library.catalog.cancel(number)
            return super().embed_documents(texts)

    library.add("kept.txt", "An apple is red.")
    library.embedder = Cancelling(*library.embedder.vocabulary)
    job = library.catalog.jobs.take(number)
    assert job
    library.run(job)
    assert library.catalog.jobs.get(number).state == "cancelled"
    hashes = [text_hash(each) for each in library.embedder.embedded]
    vectors = library.catalog.vectors
    assert hashes and vectors.missing(library.embedder.fingerprint, hashes) == hashes
    assert not vectors.missing(library.embedder.fingerprint, [text_hash("An apple is red.")])


def test_a_provider_that_fails_fails_the_file_whole(library: Library) -> None:
    class Broken(WordEmbedder):
        def embed_documents(self, texts: Sequence[str]) -> Vectors:
            raise ProviderError("The server is away. Start it.")

    working, library.embedder = library.embedder, Broken(*library.embedder.vocabulary)
    job = library.add("fruit.txt", "An apple is red.")
    assert str(job.error) == "The server is away. Start it."
    library.embedder = working
    assert library.found("apple") == []
    assert library.add("fruit.txt", "An apple is red.").status == "added"


def test_a_second_process_is_refused(library: Library) -> None:
    library.catalog.lock()
    other = Catalog(library.settings.data_dir)
    with pytest.raises(StoreError, match="RAG_DATA_DIR"):
        other.lock()
    other.close()


def test_diversity_puts_a_second_copy_after_something_new(library: Library) -> None:
    for name, text in {"a": "An apple is red.", "b": "An apple is red!", "c": "A pear and an apple."}.items():
        library.add(f"{name}.txt", text)
    for mode in ("hybrid", "dense"):
        plain = library.found("Is an apple red?", mode=mode)
        assert plain[2] == "A pear and an apple."
        diverse = library.found("Is an apple red?", mode=mode, diversity=0.9)
        assert diverse == [plain[0], plain[2], plain[1]]
        assert library.found("Is an apple red?", mode=mode, diversity=0.9, k=2) == diverse[:2]
    with pytest.raises(UsageError, match="between 0 and 1"):
        Query("apple", diversity=1.5)


def test_filters_and_thresholds(library: Library) -> None:
    library.add("one.txt", "An apple is red.", year=2024)
    library.add("two.md", "# Two\n\nAn apple and a pear.", year=2026)
    assert library.found("apple", where={"type": "md"}) == ["# Two\n\nAn apple and a pear."]
    assert library.found("apple", where={"year": {"$lt": 2025}}) == ["An apple is red."]
    assert library.found("apple", contains="pear") == ["# Two\n\nAn apple and a pear."]
    assert library.found("apple", min_similarity=0.9) == ["An apple is red."]
    assert library.found("apple", mode="keyword", where={"document": "one.txt"}) == ["An apple is red."]
    with pytest.raises(UsageError, match="filter"):
        library.found("apple", where={"a": 1, "b": 2})


def test_more_passages_do_not_reorder_the_first(library: Library) -> None:
    for number in range(12):
        library.add(f"{number}.txt", f"apple number {number} " + "pear " * (number % 3))
    for mode in ("dense", "keyword", "hybrid"):
        assert library.found("apple pear", k=3, mode=mode) == library.found("apple pear", k=10, mode=mode)[:3]


def test_chinese_words_are_found_by_keyword(library: Library) -> None:
    library.add("zh.txt", "北京的苹果很好吃。")
    library.add("other.txt", "上海的天气很好。")
    result = library.retriever.search(library.collection, Query("苹果好吃吗", mode="keyword"))
    assert result.passages[0].text == "北京的苹果很好吃。"
    assert result.passages[0].keyword_score


def test_hybrid_without_a_model_searches_words_and_says_so(library: Library) -> None:
    library.add("fruit.txt", "An apple is red.")

    class Broken(WordEmbedder):
        def embed_query(self, text: str) -> Vectors:
            raise ProviderError("The server is away.")

    library.embedder = Broken(*library.embedder.vocabulary)
    result = library.retriever.search(library.collection, Query("apple"))
    assert result.mode == "keyword"
    assert [passage.cosine for passage in result.passages] == [None]
    assert str(result.notices[0]) == "Searched by keywords only. The server is away."
    assert result.notices[0].values["reason"] == Notice("The server is away.")
    with pytest.raises(ProviderError):
        library.found("apple", mode="dense")


def test_a_search_does_not_wait_for_a_writer(library: Library) -> None:
    library.add("fruit.txt", "An apple is red.")
    rows = [(f"other-{number:05d}", "other", "A pear is green. " * 20) for number in range(20_000)]
    writing = threading.Thread(target=library.keywords.write, args=(library.collection.id, rows))
    writing.start()
    searches = 0
    while writing.is_alive():
        library.keywords.search(library.collection.id, "apple", n=3)
        searches += writing.is_alive()
        time.sleep(0.01)
    assert searches > 3
