"""Disks that are full or cannot be written: a clear message, and nothing is damaged."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

RAG = Path(sys.executable).with_name("rag")
MEGABYTES = 12


def rag(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = os.environ | {"RAG_DATA_DIR": str(folder), "RAG_CONFIG": ""}
    return subprocess.run([RAG, *arguments], env=variables, capture_output=True, text=True, check=False)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes, where one may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def names(folder: Path, question: str) -> set[str]:
    found = rag(folder, "search", question, "-k", "20", "--json")
    return {passage["name"] for passage in json.loads(found.stdout)["passages"]}


def test_a_full_disk_loses_nothing(small_disk: Path, tmp_path: Path, models_dir: Path) -> None:
    first = tmp_path / "first.txt"
    first.write_text("Books may be kept for four weeks.")
    store = small_disk / "store"
    assert rag(store, "ingest", str(first)).returncode == 0
    more = tmp_path / "more"
    more.mkdir()
    for number in range(6):
        (more / f"{number}.bin.txt").write_text(f"Volume {number}.\n" + "The same line. " * 200_000)
    done = rag(store, "ingest", str(more))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert any(word in done.stderr.lower() for word in ("space", "full")), done.stderr
    assert "first.txt" in names(store, "books")
    subprocess.run(["mount", "-o", "remount,size=400m", str(small_disk)], check=True)
    assert json.loads(rag(store, "check", "--repair", "--json").stdout)["clean"] is True
    assert "first.txt" in names(store, "books")
    second = tmp_path / "second.txt"
    second.write_text("Cats sleep for most of the day.")
    assert rag(store, "ingest", str(second)).returncode == 0
    assert "second.txt" in names(store, "cats")


@pytest.mark.parametrize("folder", ["/proc/passage", __file__])
def test_a_folder_that_cannot_be_written_is_named(folder: str, models_dir: Path) -> None:
    done = rag(Path(folder) / "store", "ingest", __file__)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert folder in done.stderr and "RAG_DATA_DIR" in done.stderr
