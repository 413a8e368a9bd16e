"""A process that adds, edits, deletes, switches models and rebuilds until it is killed, over and over.

`python -m tests.crashing FOLDER SEED` first makes sure that the process before it, which was killed at any
moment, left nothing lost, half visible or embedded twice; then it works on. It writes what it begins and what
was acknowledged to FOLDER/diary.jsonl, and tells on stdout where it is.
"""

import io
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rag.catalog import NOTES_NAME, Catalog, Collection, text_hash
from rag.embedders.base import Vectors
from rag.ingestion import Indexing, Pipeline, Upkeep
from rag.ingestion.checking import keyword_difference, vector_difference
from rag.ingestion.other_index import OtherIndexes
from rag.keyword_index import KeywordIndex
from rag.loaders import Parser
from rag.retrieval import Query, Retriever
from rag.settings import Settings
from rag.vector_index import VectorIndex
from rag.workbench.editing import Editing
from tests.crash_diary import MARK, Diary, Texts, state
from tests.fakes import WordEmbedder

FRUIT = ("apple", "pear", "plum", "quince", "cherry", "medlar", "fig", "grape")
NAMES = tuple(f"{number}.txt" for number in range(12))
HNSW = {"batch_size": 10, "sync_threshold": 10}  # so that Chroma often writes its files
GONE = 40  # marks that are looked for in vain


class ThriftyEmbedder(WordEmbedder):
    """Refuses to embed what has a vector."""

    catalog: Catalog

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        hashes = [text_hash(text) for text in texts]
        known = set(hashes) - set(self.catalog.vectors.missing(self.fingerprint, hashes))
        assert not known, "embedded twice"
        return super().embed_documents(texts)


class Rig:
    """The engine's parts around one collection that has two models to choose from."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(data_dir=folder, chunk_tokens=32, overlap_tokens=0)
        self.catalog = Catalog(folder)
        embedders = {revision: ThriftyEmbedder(*FRUIT, revision=revision) for revision in "12"}
        for each in embedders.values():
            each.catalog = self.catalog
        self.embedders = embedders
        self.vectors = VectorIndex(folder)
        self.keywords = KeywordIndex(folder)
        self.indexing = Indexing(self.catalog, self.vectors, self.keywords)
        self.upkeep = Upkeep(folder, self.catalog, self.indexing, self.vectors, self.keywords)
        self.pipeline = Pipeline(settings, self.catalog, self.indexing, Parser(settings), self.embedder_of)
        self.others = OtherIndexes(self.catalog, self.indexing, self.embedder_of)
        self.retriever = Retriever(self.catalog, self.vectors, self.keywords, self.embedder_of)
        self.editing = Editing(self.catalog, self.indexing, self.embedder_of, lambda: None, self.upkeep.wake)

    def embedder_of(self, collection: Collection) -> ThriftyEmbedder:
        return self.embedders[collection.fingerprint.revision]

    @property
    def collection(self) -> Collection:
        return self.catalog.collections.get("crashing")

    def start(self) -> None:
        """What Passage does at its start."""
        self.catalog.lock()
        self.upkeep.run_once()
        assert self.upkeep.trouble is None, self.upkeep.trouble
        if self.catalog.collections.find("crashing") is None:
            fingerprint = self.embedders["1"].fingerprint
            self.indexing.create(self.catalog.collections.create("crashing", fingerprint, hnsw=HNSW))
        self.catalog.jobs.requeue_interrupted()
        self.work()

    def work(self) -> None:
        list(self.pipeline.run(self.catalog.jobs.take))


def shelves(rig: Rig) -> dict[str, tuple[Texts, Texts]]:
    """The records of each document that is listed, by its name: those that are there, and the deleted."""
    documents = {each.id: each for each in rig.catalog.documents.all(rig.collection.id)}
    assert all(each.status == "ready" for each in documents.values()), documents
    assert len({each.name for each in documents.values()}) == len(documents), documents
    found: dict[str, tuple[Texts, Texts]] = {}
    for document in documents.values():
        chunks = rig.catalog.documents.chunks(document.id)
        found[document.name] = ({each.id: each.chunk.text for each in chunks}, {})
    for deletion in rig.editing.deletions(rig.collection):
        for each in rig.editing.deleted(deletion):
            found[documents[each.document_id].name][1][each.id] = each.chunk.text
    return found


def verify(rig: Rig, diary: Diary) -> None:
    """Nothing acknowledged is lost, nothing is half there, nothing deleted is found."""
    certain, open_end, marks = diary.states()
    collection = rig.collection
    vectors = vector_difference(rig.catalog, rig.vectors, collection)
    assert vectors.clean and keyword_difference(rig.catalog, rig.keywords, collection).clean, vectors
    assert not rig.catalog.documents.with_status("indexing", "deleting")
    assert not rig.catalog.jobs.any_waiting()
    assert not rig.catalog.changed_records.count()
    found = {name: state(*each) for name, each in shelves(rig).items()}
    outcomes = [{**certain, **changes} for changes in ({}, open_end)]
    possible = [{name: each for name, each in outcome.items() if each} for outcome in outcomes]
    assert {name: each for name, each in found.items() if each} in possible, (found, possible)
    verify_searches(rig, {name: each[0] for name, each in found.items() if each}, marks)
    with diary.noting({name: found.get(name) for name in open_end}):
        pass
    unused = rig.catalog.unused_originals()
    assert not unused, unused


def verify_searches(rig: Rig, texts: Texts, marks: Sequence[str]) -> None:
    """Each text is found by the marks in it, and no other mark leads anywhere."""
    present = {mark: name for name, text in texts.items() for mark in MARK.findall(text)}
    gone = [mark for mark in marks if mark not in present][-GONE:]
    for mark in (*present, *gone):
        passages = rig.retriever.search(rig.collection, Query(mark, mode="keyword")).passages
        assert {each.name for each in passages} == ({present[mark]} if mark in present else set()), mark
        assert all(mark in each.text for each in passages), (mark, passages)
    for text in filter(None, texts.values()):
        dense = rig.retriever.search(rig.collection, Query(text, k=100, mode="dense"))
        assert {passage.name for passage in dense.passages} <= set(texts)


def written(chance: random.Random, sentences: int = 1) -> str:
    """A text that no other is like."""
    mark = f"mark{chance.randrange(10**9)}"
    return " ".join(f"{mark} {' '.join(chance.sample(FRUIT, 4))} here." for _ in range(sentences))


def add(rig: Rig, diary: Diary, chance: random.Random) -> None:
    name, text = chance.choice(NAMES), written(chance, chance.randint(1, 60))
    with diary.noting({name: [text, ""]}):
        rig.catalog.queue(rig.collection.id, name, io.BytesIO(text.encode()), {}, most_mb=1)
    rig.work()


def delete(rig: Rig, diary: Diary, chance: random.Random) -> None:
    if documents := rig.catalog.documents.all(rig.collection.id):
        document = chance.choice(documents)
        with diary.noting({document.name: None}):
            rig.indexing.delete(document.id)


def write_record(rig: Rig, diary: Diary, chance: random.Random) -> None:
    text = written(chance)
    present, deleted = shelves(rig).get(NOTES_NAME, ({}, {}))
    with diary.noting({NOTES_NAME: state({**present, "~": text}, deleted)}):  # it is the last one
        rig.editing.add(rig.collection, text)


def edit_record(rig: Rig, diary: Diary, chance: random.Random) -> None:
    for name, (present, deleted) in chosen(rig, chance):
        key, text = chance.choice(list(present)), written(chance)
        vector = [chance.random() for _ in range(rig.collection.fingerprint.dimension)]
        with diary.noting({name: state({**present, key: text}, deleted)}):
            rig.editing.edit(rig.collection, key, text=text, vector=chance.choice((None, vector)))


def delete_records(rig: Rig, diary: Diary, chance: random.Random) -> None:
    for name, (present, deleted) in chosen(rig, chance):
        keys = chance.sample(list(present), chance.randint(1, len(present)))
        gone = {key: present[key] for key in keys}
        kept = {key: text for key, text in present.items() if key not in gone}
        with diary.noting({name: state(kept, {**deleted, **gone})}):
            rig.editing.delete(rig.collection, keys)


def undo(rig: Rig, diary: Diary, chance: random.Random) -> None:
    for deletion in rig.editing.deletions(rig.collection)[:1]:
        changes = {}
        for name, (present, deleted) in shelves(rig).items():
            back = {key: text for key, text in deleted.items() if key in deletion.ids}
            kept = {key: text for key, text in deleted.items() if key not in back}
            changes[name] = state({**present, **back}, kept)
        with diary.noting(changes):
            rig.editing.undo(rig.collection)


def compact(rig: Rig, diary: Diary, chance: random.Random) -> None:
    with diary.noting({name: state(present, {}) for name, (present, _) in shelves(rig).items()}):
        rig.editing.compact(rig.collection)


def switch(rig: Rig, diary: Diary, chance: random.Random) -> None:
    collection = rig.collection
    other = "2" if collection.fingerprint.revision == "1" else "1"
    rig.others.build(collection, rig.embedders[other].fingerprint, lambda *_: None, lambda: False)
    rig.others.swap(collection)
    if chance.random() < 0.5:
        rig.others.remove(rig.collection)


def rebuild(rig: Rig, diary: Diary, chance: random.Random) -> None:
    rig.indexing.rebuild_vectors(rig.collection)
    rig.indexing.rebuild_keywords(rig.collection)


def chosen(rig: Rig, chance: random.Random) -> Sequence[tuple[str, tuple[Texts, Texts]]]:
    """A document with records; none where there is none."""
    found = [(name, each) for name, each in shelves(rig).items() if each[0]]
    return [chance.choice(found)] if found else []


VERBS: Mapping[Callable[[Rig, Diary, random.Random], None], int] = {
    add: 8,
    delete: 3,
    write_record: 3,
    edit_record: 6,
    delete_records: 3,
    undo: 2,
    compact: 1,
    switch: 1,
    rebuild: 1,
}


def main() -> None:
    folder, seed = Path(sys.argv[1]), int(sys.argv[2])
    chance = random.Random(seed)
    diary = Diary(folder.with_name("diary.jsonl"))
    print("begun", flush=True)
    rig = Rig(folder)
    rig.start()
    verify(rig, diary)
    print("verified", flush=True)
    while True:
        [verb] = chance.choices(list(VERBS), list(VERBS.values()))
        verb(rig, diary, chance)


if __name__ == "__main__":
    main()
