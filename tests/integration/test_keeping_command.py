"""rag backup, restore, export and the receipts, and what the manual says of them."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

from rag.settings import PROJECT_DIR
from tests.commands import Run, read
from tests.integration.test_folders import write


def test_the_command_backs_up_restores_exports_and_shows_receipts(
    run: Run,
    tmp_path: Path,
) -> None:
    for arguments in (("backup", "all.zip"), ("export", "out"), ("restore", "all.zip")):
        assert "Traceback" not in run(*arguments, status=2).stderr
    write(tmp_path, "rules.txt", "Books may be kept for four weeks.")
    write(tmp_path, "规则.txt", "每年有 25 天年假。")
    run("ingest", "rules.txt", "规则.txt")

    def found() -> list[dict[str, Any]]:
        return [
            passage
            for question in ("books", "年假")
            for passage in read(run("search", question, "--json"))["passages"]
        ]

    before = found()
    assert read(run("backup", "all.zip", "--json"))["originals"] == 2
    run("backup", "all.zip", status=2)
    exported = read(run("export", "out", "--json"))
    assert (exported["documents"], exported["chunks"]) == (2, 2)
    lines = (tmp_path / "out" / "chunks.jsonl").read_text("utf-8").splitlines()
    assert {json.loads(line)["name"] for line in lines} == {"rules.txt", "规则.txt"}

    document = read(run("documents", "--json"))["documents"][0]
    [receipt] = read(run("documents", "delete", document["id"], "--json"))["deleted"]
    assert (receipt["id"], receipt["clean"], receipt["chunks"]) == (document["id"], True, 1)
    run("restore", "all.zip", status=2)
    restored = read(run("restore", "all.zip", "--replace", "--json"))
    assert restored["documents"] == 2 and Path(restored["aside"]).is_dir()
    assert read(run("check", "--json"))["clean"] is True
    assert found() == before


def test_the_documented_commands(run: Run, tmp_path: Path) -> None:
    manual = (PROJECT_DIR / "docs" / "keeping.md").read_text("utf-8")
    (tmp_path / "data").symlink_to(PROJECT_DIR / "data")
    blocks = re.findall(r"^```sh\n(.*?)^```", manual, re.M | re.S)
    commands = [line for block in blocks for line in block.splitlines()]
    assert len(commands) >= 6
    for command in commands:
        name, *arguments = shlex.split(command)
        assert name == "rag", command
        run(*arguments)
    assert (tmp_path / "passage-export" / "documents.jsonl").is_file()
