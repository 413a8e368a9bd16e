"""Files read and split into chunks."""

import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rag.catalog import Catalog, Collection, Job
from rag.chunking import split_sections
from rag.documents import Chunk, ChunkSize, Fingerprint, ParsedFile, Section
from rag.embedders.base import Embedder
from rag.embedders.pictures import takes_pictures
from rag.errors import Cancelled, DocumentError, asks_for_password
from rag.ingestion.passwords import Passwords
from rag.settings import Settings

LOOK_SECONDS = 0.5  # between two looks whether a job was cancelled


class FileParser(Protocol):
    """Reads a file in bounded time and memory; raises DocumentError where there is nothing to be had."""

    def parse(
        self,
        path: Path,
        name: str,
        *,
        password: str | None,
        pictures: Path | None,
        cancelled: Callable[[], bool],
        on_progress: Callable[[int, int], None],
    ) -> ParsedFile: ...


@dataclass(frozen=True, slots=True)
class Read:
    """What was read from a file, in the pieces that are indexed, cut for the model of `fingerprint`.

    `pictures` are files by their SHA-256.
    """

    parsed: ParsedFile
    chunks: Sequence[Chunk]
    fingerprint: Fingerprint
    pictures: Mapping[str, Path]

    def picture(self, sha256: str) -> bytes:
        """One of the pictures."""
        return self.pictures[sha256].read_bytes()


def split_for(
    embedder: Embedder,
    sections: Iterable[Section],
    size: ChunkSize,
    *,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[Chunk]:
    """Chunks of this size, or of the model's window where that is smaller. Raises Cancelled."""
    return split_sections(
        sections,
        _watched(embedder.count_tokens, cancelled),
        max_tokens=min(size.tokens, embedder.max_tokens or size.tokens),
        overlap_tokens=size.overlap,
    )


def _watched(count_tokens: Callable[[str], int], cancelled: Callable[[], bool]) -> Callable[[str], int]:
    """Counts tokens, and asks from time to time whether to go on: a long text takes minutes to split."""
    next_look = time.monotonic() + LOOK_SECONDS

    def count(text: str) -> int:
        nonlocal next_look
        if time.monotonic() > next_look:
            next_look = time.monotonic() + LOOK_SECONDS
            if cancelled():
                raise Cancelled("Stopped.")
        return count_tokens(text)

    return count


class Reader:
    """Reads a job's original and splits it for the collection's model."""

    def __init__(
        self,
        settings: Settings,
        catalog: Catalog,
        parser: FileParser,
        embedder_of: Callable[[Collection], Embedder],
        passwords: Passwords,
        cancelled: Callable[[Job], bool],
        on_progress: Callable[[Job, int, int], None],
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._parser = parser
        self._embedder_of = embedder_of
        self._passwords = passwords
        self._cancelled = cancelled
        self._on_progress = on_progress

    def read(self, job: Job) -> Read:
        """What the job's file holds. Raises DocumentError, ProviderError, Cancelled."""
        collection = self._catalog.collections.get(job.collection_id)
        embedder = self._embedder_of(collection)
        path = self._catalog.originals.path(job.sha256)
        if not path.is_file():
            raise DocumentError("The file is no longer there: “{name}”. Add it again.", name=job.name)
        folder = self._empty_folder(job) if takes_pictures(embedder) else None
        parsed = self._parsed(job, path, folder)
        size = job.chunk_size or self._settings.chunk_size
        chunks = split_for(embedder, parsed.sections, size, cancelled=lambda: self._cancelled(job))
        if not chunks:
            raise DocumentError("“{name}” holds no text that could be searched.", name=job.name)
        digests = [chunk.picture for chunk in chunks if folder and chunk.picture]
        pictures = {each: path if each == job.sha256 else self._folder(job) / each for each in digests}
        return Read(parsed, chunks, collection.fingerprint, pictures)

    def _parsed(self, job: Job, path: Path, folder: Path | None) -> ParsedFile:
        """What is in the file, opened without a password or with the first known one that fits."""
        known = self._passwords.of(job.sha256)
        for place, password in enumerate((None, *known)):
            try:
                parsed = self._parser.parse(
                    path,
                    job.name,
                    password=password,
                    pictures=folder,
                    cancelled=lambda: self._cancelled(job),
                    on_progress=lambda done, total: self._on_progress(job, done, total),
                )
            except DocumentError as error:
                if place == len(known) or not asks_for_password(error.message):
                    raise
            else:
                if password:
                    self._passwords.keep(job.sha256, password)
                return parsed
        raise AssertionError("the last attempt returns or raises")

    def clear(self, job: Job) -> None:
        """Remove what was read of a job's file and is not kept elsewhere."""
        shutil.rmtree(self._folder(job), ignore_errors=True)

    def _folder(self, job: Job) -> Path:
        return self._catalog.reading_dir / str(job.id)

    def _empty_folder(self, job: Job) -> Path:
        self.clear(job)
        self._folder(job).mkdir(parents=True)
        return self._folder(job)
