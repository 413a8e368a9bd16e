"""A process that adds, replaces, deletes, switches models and rebuilds until it is killed, over and over.

`python -m tests.crashing FOLDER SEED` first makes sure that the process before it, which was killed at any
moment, left nothing lost, half visible or embedded twice; then it works on. It writes what it begins and what
was acknowledged to FOLDER/diary.jsonl, and tells on stdout where it is.
"""

import io
import json
import os
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rag.catalog import Catalog, Collection, text_hash
from rag.embedders.base import Vectors
from rag.ingestion import Indexing, Pipeline, Upkeep
from rag.ingestion.checking import keyword_difference, vector_difference
from rag.ingestion.other_index import OtherIndexes
from rag.keyword_index import KeywordIndex
from rag.loaders import Parser
from rag.retrieval import Query, Retriever
from rag.settings import Settings
from rag.vector_index import VectorIndex
from tests.fakes import WordEmbedder

FRUIT = ("apple", "pear", "plum", "quince", "cherry", "medlar", "fig", "grape")
NAMES = tuple(f"{number}.txt" for number in range(12))
HNSW = {"batch_size": 10, "sync_threshold": 10}  # so that Chroma often writes its files


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


class Diary:
    """What was begun, and what of it was acknowledged."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, entry: Sequence[Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def states(self) -> tuple[dict[str, str | None], tuple[str, str | None] | None]:
        """The text of each name (None: deleted), and what may or may not have happened at the end."""
        lines = self._path.read_text("utf-8").splitlines() if self._path.exists() else []
        certain: dict[str, str | None] = {}
        open_end: tuple[str, str | None] | None = None
        for kind, *values in map(json.loads, lines):
            if kind == "begin":
                name, text = values
                open_end = (name, text)
            elif open_end:
                certain[open_end[0]] = open_end[1]
                open_end = None
        return certain, open_end


def verify(rig: Rig, diary: Diary) -> None:
    """Nothing acknowledged is lost, nothing is half there, nothing deleted is found."""
    certain, open_end = diary.states()
    collection = rig.collection
    vectors = vector_difference(rig.catalog, rig.vectors, collection)
    assert vectors.clean and keyword_difference(rig.catalog, rig.keywords, collection).clean, vectors
    assert not rig.catalog.documents.with_status("indexing", "deleting")
    assert not rig.catalog.jobs.any_waiting()
    documents = {each.name: each for each in rig.catalog.documents.all(collection.id)}
    assert all(each.status == "ready" for each in documents.values()), documents
    found = {name: text_of(rig, each.id) for name, each in documents.items()}
    for name in NAMES:
        allowed = {certain.get(name)} | ({open_end[1]} if open_end and open_end[0] == name else set())
        assert found.get(name) in allowed, (name, found.get(name), allowed)
    for name, text in found.items():
        word = text.split()[0]
        first, *_ = rig.retriever.search(collection, Query(word, mode="keyword")).passages
        assert first.name == name, (first, name)
        dense = rig.retriever.search(collection, Query(text, k=100, mode="dense"))
        assert {passage.name for passage in dense.passages} <= set(found)
    if open_end and found.get(open_end[0]) != certain.get(open_end[0]):
        diary.write(["end"])
    elif open_end:
        diary.write(["begin", open_end[0], certain.get(open_end[0])])
        diary.write(["end"])
    unused = rig.catalog.unused_originals()
    assert not unused, unused


def text_of(rig: Rig, document_id: str) -> str:
    return " ".join(chunk.chunk.text for chunk in rig.catalog.documents.chunks(document_id))


def act(rig: Rig, diary: Diary, chance: random.Random) -> None:
    """One thing that users do."""
    verb = chance.choices(("add", "delete", "switch", "rebuild"), (8, 3, 1, 1))[0]
    name = chance.choice(NAMES)
    if verb == "add":
        word = f"mark{chance.randrange(10**9)}"
        sentences = (
            f"{word} {' '.join(chance.sample(FRUIT, 4))} here." for _ in range(chance.randint(1, 60))
        )
        text = " ".join(sentences)
        diary.write(["begin", name, text])
        rig.catalog.queue(rig.collection.id, name, io.BytesIO(text.encode()), {}, most_mb=1)
        diary.write(["end"])
        rig.work()
    elif verb == "delete":
        for document in rig.catalog.documents.named(rig.collection.id, name):
            diary.write(["begin", name, None])
            rig.indexing.delete(document.id)
            diary.write(["end"])
    elif verb == "switch":
        collection = rig.collection
        other = "2" if collection.fingerprint.revision == "1" else "1"
        rig.others.build(collection, rig.embedders[other].fingerprint, lambda *_: None, lambda: False)
        rig.others.swap(collection)
        if chance.random() < 0.5:
            rig.others.remove(rig.collection)
    else:
        rig.indexing.rebuild_vectors(rig.collection)
        rig.indexing.rebuild_keywords(rig.collection)


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
        act(rig, diary, chance)


if __name__ == "__main__":
    main()
