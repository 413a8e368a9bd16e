"""rag adopt: its JSON, what it says to people, its exit status."""

from pathlib import Path

import pytest

from rag.embedders.builtin import BuiltinEmbedder
from rag.model_files import install
from rag.settings import load_settings
from tests.commands import Run, read
from tests.foreign import ANIMALS, foreign_client, state_of, write_plain

MINILM = "builtin:all-minilm-l6-v2"


@pytest.fixture
def folder(tmp_path: Path, models_dir: Path) -> Path:
    embedder = BuiltinEmbedder(install(load_settings(models_dir=models_dir), "all-minilm-l6-v2"))
    write_plain(tmp_path / "theirs", embedder, metadatas=[{"kind": "animal", "page": 1}] * 6)
    return tmp_path / "theirs"


def test_look_search_adopt(run: Run, folder: Path) -> None:
    before = state_of(folder)
    done = run("adopt", "theirs", "--json")
    assert "Copying 0." in done.stderr
    found = read(done)
    assert found["origin"] == str(folder)
    (theirs,) = found["collections"]
    assert (theirs["name"], theirs["records"], theirs["dimension"], theirs["space"]) == (
        "notes",
        6,
        384,
        "l2",
    )
    assert (theirs["function"], theirs["keys"]) == ("default", ["kind", "page"])
    assert theirs["shown"][0] == {"id": "n0", "text": ANIMALS[0], "metadata": {"kind": "animal", "page": 1}}

    found = read(run("adopt", "theirs", "--search", "open a jar", "-k", "2", "--json"))
    assert (found["embedder"], found["distance"], found["notices"]) == (MINILM, "squared L2 distance", [])
    assert [each["rank"] for each in found["records"]] == [1, 2]
    assert found["records"][0]["text"] == ANIMALS[3]
    assert found["records"][0]["distance"] == pytest.approx(2 - 2 * found["records"][0]["cosine"], abs=1e-4)

    row = read(run("adopt", "theirs", "--as", "animals", "--keep-vectors", "--json"))
    counts = {key: row[key] for key in ("documents", "records", "chunks", "kept", "embedded", "textless")}
    assert counts == {"documents": 1, "records": 6, "chunks": 6, "kept": 6, "embedded": 0, "textless": 0}
    assert (row["collection"], row["embedder"], row["why_embedded"]) == ("animals", MINILM, None)
    (passage, *_) = read(run("search", "open a jar", "-c", "animals", "--json"))["passages"]
    assert (passage["text"], passage["page"]) == (ANIMALS[3], 1)
    assert read(run("check", "--json"))["clean"] is True
    assert state_of(folder) == before


def test_in_words(run: Run, folder: Path) -> None:
    printed = run("adopt", "theirs").stdout
    assert printed.startswith(
        "notes  6 records, 384 dimensions, squared L2 distance, embedding function default, with texts\n"
        "    keys: kind, page\n"
        f"    n0  {ANIMALS[0]}\n"
    )
    assert f"  n3  {ANIMALS[3]}\n" in run("adopt", "theirs", "--search", "open a jar").stdout
    done = run("adopt", "theirs", "--as", "animals", "--embed-again", "--embedder", MINILM, "--one-each")
    assert "“animals”: 6 documents added, 0 were there already; 6 records, 6 passages" in done.stderr
    assert "The texts were embedded again, as was asked for." in done.stderr


def test_what_is_left_out_is_told(run: Run, folder: Path) -> None:
    with foreign_client(folder) as client:
        client.get_collection("notes", embedding_function=None).add(ids=["bare"], embeddings=[[0.1] * 384])
    done = run("adopt", "theirs", "--as", "animals", status=1)
    assert "1 records without a text were left out: bare" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "cannot be opened"),
        (["ftp://127.0.0.1"], "cannot be opened"),
        (["theirs", "--search", "a", "--as", "b"], "Say either --search or --as"),
        (["theirs", "--keep-vectors"], "To adopt say --as NEW_NAME."),
        (["theirs", "--as", "a", "--group-by", "k", "--one-each"], "Say either --group-by or --one-each"),
        (
            ["theirs", "--as", "a", "--group-by", "k"],
            "No record has the key k. The keys there are: kind, page.",
        ),
        (["theirs", "-c", "other"], "There is no collection “other”"),
        (["theirs", "--search", " "], "There is nothing to search for"),
        (["theirs", "--search", "a", "--embedder", "builtin:nothing"], "nothing"),
    ],
)
def test_wrong_usage(run: Run, folder: Path, arguments: list[str], message: str) -> None:
    assert message in run("adopt", *arguments, status=2).stderr


def test_one_of_several_must_be_named(run: Run, folder: Path) -> None:
    with foreign_client(folder) as client:
        client.create_collection("other")
    done = run("adopt", "theirs", "--as", "animals", status=2)
    assert "holds 2 collections: notes, other. Name one with --collection." in done.stderr
