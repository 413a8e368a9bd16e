"""What lies in Chroma's folder and is nobody's."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path


def remove_orphans(folder: Path) -> None:
    """Remove the directories of indexes that were deleted: Chroma leaves them. Chroma must not be open."""
    database = folder / "chroma.sqlite3"
    if not database.is_file():
        return
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            used = {str(row[0]) for row in connection.execute("select id from segments")}
    except sqlite3.Error:  # damaged, or of another version: what is there is Chroma's business
        return
    for directory in folder.iterdir():
        if (directory / "header.bin").is_file() and directory.name not in used:
            shutil.rmtree(directory, ignore_errors=True)
