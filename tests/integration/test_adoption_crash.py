"""A process that adopts is killed: nothing half there is shown, and the next one goes on."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from rag.adoption import Wish
from rag.engine import open_engine
from rag.settings import load_settings
from tests.foreign import state_of, write_numbers

RECORDS = 60
PROGRAM = """
import sys
from rag.adoption import Wish
from rag.engine import open_engine
from rag.settings import load_settings

with open_engine(load_settings(data_dir=sys.argv[1], models_dir=sys.argv[2])) as engine:
    engine.adoption.open(sys.argv[3])
    wish = Wish("numbers", "ours", one_each=True)
    engine.adoption.adopt(wish, lambda done, total: print(done, flush=True))
"""


def test_killed_while_it_adopts(tmp_path: Path, models_dir: Path) -> None:
    folder, store = tmp_path / "theirs", tmp_path / "store"
    write_numbers(folder, "numbers", RECORDS)
    before = state_of(folder)
    for stop_at in (5, 20):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(store), str(models_dir), str(folder)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        assert any(int(line) >= stop_at for line in iter(process.stdout.readline, ""))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert len(list((store / "foreign").iterdir())) == 1
    with open_engine(load_settings(data_dir=store, models_dir=models_dir)) as engine:
        assert engine.check(repair=True).clean
        assert not (store / "foreign").exists()
        there = len(engine.catalog.documents.all(engine.collection("ours").id))
        assert 19 <= there < RECORDS
        engine.adoption.open(str(folder))
        done = engine.adoption.adopt(Wish("numbers", "ours", one_each=True))
        assert (done.unchanged, done.documents) == (there, RECORDS - there)
        names = [each.name for each in engine.catalog.documents.all(engine.collection("ours").id)]
        assert sorted(names) == sorted(f"r{number}" for number in range(RECORDS))
        assert engine.check().clean
    assert state_of(folder) == before
