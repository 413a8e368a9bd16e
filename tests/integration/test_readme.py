"""The README's commands do what they say, in the order in which they stand there."""

import re
import shlex
import subprocess
from pathlib import Path

from rag.settings import PROJECT_DIR
from tests.commands import RAG, environment

NOT_RUN_HERE = ("make run", "make test", "docker compose up --build")  # this test is part of make test


def test_the_readmes_commands(tmp_path: Path, models_dir: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", (PROJECT_DIR / "README.md").read_text("utf-8"), re.M | re.S)
    commands = [line for block in blocks for line in block.splitlines() if line not in NOT_RUN_HERE]
    assert len(commands) >= 8
    (tmp_path / "data").symlink_to(PROJECT_DIR / "data")
    for command in commands:
        name, *arguments = shlex.split(command)
        assert name == "rag", command
        done = subprocess.run(
            [RAG, *arguments],
            cwd=tmp_path,
            env=environment(tmp_path / "store", models_dir),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert done.stdout or done.stderr, command
