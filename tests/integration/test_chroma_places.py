"""Which Chroma the settings name: one in memory is written from the catalogue; Chroma Cloud gets its key."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from rag.errors import StoreError, UsageError
from rag.settings import Settings, load_settings
from rag.vector_index import Row, VectorIndex
from rag.vector_index.choosing import CLOUD_URL, chosen_index
from rag.vector_index.connecting import CloudAccess
from rag.whereabouts import _stored
from rag.workbench import RecordQuery
from tests.bench import Bench


def test_an_index_in_memory_is_written_from_the_catalogue_at_the_start(tmp_path: Path) -> None:
    first = Bench(tmp_path / "store", vectors=VectorIndex(tmp_path / "store", in_memory=True))
    first.write("An apple.")
    first.editing.edit(first.collection, first.write("A pear."), text="A plum.")
    first.vectors.drop(first.collection.index_name)  # as where the process ends
    first.close()
    assert not (tmp_path / "store" / "chroma").exists()
    again = Bench(tmp_path / "store", vectors=VectorIndex(tmp_path / "store", in_memory=True))
    again.collection = again.catalog.collections.get("test")
    again.embedder.embedded.clear()
    found = again.browsing.query(again.collection, RecordQuery("plum"))
    assert [hit.record.text for hit in found.hits] == ["A plum.", "An apple."] and not found.is_exact
    assert again.embedder.embedded == [] and again.is_whole()
    again.indexing.drop(again.collection)
    again.close()


def test_the_settings_choose(tmp_path: Path) -> None:
    def index(**settings: object) -> VectorIndex:
        return chosen_index(Settings(data_dir=tmp_path, **settings))  # type: ignore[arg-type]

    assert index().is_in_folder and index(chroma="folder").is_in_folder
    memory = index(chroma="memory")
    assert not memory.is_in_folder and memory.server_url is None
    assert index(chroma="memory", chroma_url="http://127.0.0.1:1").server_url == "http://127.0.0.1:1"
    cloud = {"chroma_cloud_key": "ck-secret", "chroma_cloud_tenant": "t", "chroma_cloud_database": "d"}
    assert (index(**cloud).server_url, index(**cloud).is_in_cloud) == (CLOUD_URL, True)
    with pytest.raises(UsageError, match="RAG_CHROMA_CLOUD_TENANT"):
        index(chroma_cloud_key="ck-secret")


def test_the_key_of_the_cloud_is_never_shown_and_its_host_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_CHROMA_CLOUD_KEY", "ck-secret")
    assert "ck-secret" not in repr(load_settings()) and "ck-secret" not in repr(
        CloudAccess("ck-secret", "t", "d")
    )
    told = _stored(CLOUD_URL)
    assert told and "api.trychroma.com" in str(told)


class _Recorder(BaseHTTPRequestHandler):
    """Refuses everything, and keeps the headers."""

    seen: list[dict[str, str]]

    def do_GET(self) -> None:
        self.seen.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(401)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_the_cloud_gets_its_key_and_who_is_refused_is_told_without_it(tmp_path: Path) -> None:
    handler = type("Handler", (_Recorder,), {"seen": []})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        index = VectorIndex(tmp_path, url, cloud=CloudAccess("ck-secret", "tenant", "database"))
        with pytest.raises(StoreError, match="does not let Passage in") as refused:
            index.open()
        server.shutdown()
        thread.join()
    assert handler.seen[0]["x-chroma-token"] == "ck-secret"
    assert "ck-secret" not in str(refused.value)


def test_what_is_asked_of_the_cloud_works_with_a_server(chroma_server: str, tmp_path: Path) -> None:
    access = CloudAccess("ck-secret", "default_tenant", "default_database")
    index, name, many = VectorIndex(tmp_path, chroma_server, cloud=access), "passage-cloud-1", 650
    vectors = np.stack([np.cos(np.arange(many) / many), np.sin(np.arange(many) / many)], axis=1)
    index.create(name, {"space": "cosine"})
    index.write(name, [Row(str(n), {"n": n}) for n in range(many)], vectors.astype(np.float32))
    assert len(set(index.ids(name))) == many
    assert index.query(name, np.array([1, 0], np.float32), n=1)[0][0] == "0"
    index.drop(name)
    index.close()
