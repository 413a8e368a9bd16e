"""A look at files before they are added: what is in them, how they would be cut, what that takes."""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from rag.catalog import Catalog, Collection, vector_key
from rag.documents import Chunk, ChunkSize, Notice, ParsedFile
from rag.embedders.base import Embedder
from rag.embedders.pictures import takes_pictures
from rag.errors import DocumentError, RagError, UsageError, too_large
from rag.ingestion.probe import Pace, measure_pace
from rag.ingestion.reading import split_for
from rag.languages import Language, language_shares, mixed
from rag.model_catalogue import estimated_cost
from rag.settings import Settings

FEWEST_TOKENS = 32
# Measured: bytes on disk for each byte of a vector and of a text, and for a chunk beside them.
PER_VECTOR_BYTE = 1.9
PER_TEXT_BYTE = 1.6
PER_CHUNK = 4700


class FileParser(Protocol):
    """Reads a file in bounded time and memory; raises DocumentError where there is nothing to be had."""

    def parse(self, path: Path, name: str, *, password: str | None, pictures: Path | None) -> ParsedFile: ...


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file as it was read in `seconds`, not cut yet; `error` says why it cannot be added."""

    name: str
    bytes: int
    parsed: ParsedFile | None
    languages: Mapping[Language, float]
    seconds: float
    error: Notice | None = None


@dataclass(frozen=True, slots=True)
class CutFile:
    """A file as it would be indexed. Of its `tokens`, `new_tokens` have no vector of the model yet."""

    file: ReadFile
    chunks: Sequence[Chunk]
    new_tokens: int = 0
    new_pictures: int = 0
    error: Notice | None = None

    @property
    def tokens(self) -> int:
        return sum(chunk.tokens for chunk in self.chunks)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What adding files takes: `seconds` and `disk_bytes` are estimated, `free_bytes` is what the disk has.

    `cost` is (amount, ISO 4217 currency) where a price is known; `host` is where texts are sent, "" for
    nowhere; `problem` says why the time could not be measured.
    """

    files: int
    chunks: int
    tokens: int
    new_tokens: int
    languages: Mapping[Language, float]
    seconds: float | None
    disk_bytes: int
    free_bytes: int
    cost: tuple[float, str] | None
    host: str
    problem: Notice | None = None


@dataclass(slots=True)
class _Paces:
    """What was measured in this process, by the fingerprint's key."""

    by_model: dict[str, Pace] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Preflight:
    """Reads files and tells what adding them would mean; nothing of them is embedded or kept."""

    def __init__(
        self,
        settings: Settings,
        catalog: Catalog,
        parser: FileParser,
        embedder_of: Callable[[Collection], Embedder],
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._parser = parser
        self._embedder_of = embedder_of
        self._paces = _Paces()

    def most_tokens(self, collection: Collection) -> int | None:
        """The longest chunk that the collection's model reads; None where that is not known."""
        return self._embedder_of(collection).max_tokens

    def chunk_size(self, collection: Collection, tokens: int | None, overlap: int | None) -> ChunkSize:
        """The size that is wanted; what is None is as in the settings, where that fits. Raises UsageError."""
        usual, most = self._settings.chunk_size, self.most_tokens(collection)
        wanted = tokens if tokens is not None else min(usual.tokens, most or usual.tokens)
        least = min(FEWEST_TOKENS, most or FEWEST_TOKENS)
        if wanted < least or (most and wanted > most):
            raise UsageError(
                "Chunks of {tokens} tokens cannot be made: {model} takes {least} to {most}.",
                tokens=wanted,
                model=collection.fingerprint.id,
                least=least,
                most=most or "∞",
            )
        shared = overlap if overlap is not None else min(usual.overlap, wanted // 3)
        if not 0 <= shared <= wanted // 3:
            raise UsageError(
                "An overlap of {overlap} tokens cannot be made: of {tokens}, at most {most} can be shared.",
                overlap=shared,
                tokens=wanted,
                most=wanted // 3,
            )
        return ChunkSize(wanted, shared)

    def read(
        self, collection: Collection, name: str, source: BinaryIO | Path, *, password: str | None = None
    ) -> ReadFile:
        """Read a file, from a stream or where it lies, in the parser's process.

        What is wrong with it is told in `error`. Raises ProviderError where the model cannot be asked.
        """
        with_pictures = takes_pictures(self._embedder_of(collection))
        started = time.perf_counter()
        size = 0
        try:
            size = _size(source)
            if size > (most := self._settings.max_file_mb) << 20:
                raise too_large(name, size, most)
            with self._at_hand(source) as (path, folder):
                pictures = folder if with_pictures else None
                parsed = self._parser.parse(path, name, password=password, pictures=pictures)
        except (DocumentError, OSError) as error:
            return ReadFile(name, size, None, {}, time.perf_counter() - started, _reason(name, error))
        seconds = time.perf_counter() - started
        languages = language_shares("\n".join(section.text for section in parsed.sections))
        return ReadFile(name, size, parsed, languages, seconds)

    def cut(self, collection: Collection, file: ReadFile, size: ChunkSize) -> CutFile:
        """Cut a file into chunks of this size for the collection's model. Raises ProviderError."""
        if file.parsed is None:
            return CutFile(file, (), error=file.error)
        chunks = split_for(self._embedder_of(collection), file.parsed.sections, size)
        if not chunks:
            none = Notice("“{name}” holds no text that could be searched.", {"name": file.name})
            return CutFile(file, (), error=none)
        by_key = {vector_key(chunk): chunk for chunk in chunks}
        missing = [by_key[key] for key in self._catalog.vectors.missing(collection.fingerprint, by_key)]
        return CutFile(
            file,
            chunks,
            new_tokens=sum(chunk.tokens for chunk in missing if not chunk.picture),
            new_pictures=sum(chunk.picture is not None for chunk in missing),
        )

    def estimate(self, collection: Collection, files: Sequence[CutFile]) -> Estimate:
        """What adding these takes, by the pace of the model, which is measured once. Raises ProviderError."""
        taken = [each for each in files if each.error is None]
        embedder = self._embedder_of(collection)
        seconds, problem = None, None
        try:
            seconds = self._seconds(collection, embedder, taken) if taken else 0.0
        except RagError as error:
            problem = Notice.of(error)
        new_tokens = sum(each.new_tokens for each in taken)
        return Estimate(
            files=len(taken),
            chunks=sum(len(each.chunks) for each in taken),
            tokens=sum(each.tokens for each in taken),
            new_tokens=new_tokens,
            languages=mixed((each.file.languages, each.tokens) for each in taken),
            seconds=seconds,
            disk_bytes=sum(_disk_bytes(each, collection.fingerprint.dimension) for each in taken),
            free_bytes=shutil.disk_usage(self._settings.data_dir).free,
            cost=estimated_cost(collection.fingerprint.id, new_tokens),
            host="" if embedder.is_local else embedder.host,
            problem=problem,
        )

    def _seconds(self, collection: Collection, embedder: Embedder, files: Sequence[CutFile]) -> float:
        with self._paces.lock:
            key = collection.fingerprint.key
            if key not in self._paces.by_model:
                self._paces.by_model[key] = measure_pace(embedder)
            pace = self._paces.by_model[key]
        return sum(
            each.file.seconds + pace.seconds(each.new_tokens, each.new_pictures, len(each.chunks))
            for each in files
        )

    @contextmanager
    def _at_hand(self, source: BinaryIO | Path) -> Iterator[tuple[Path, Path]]:
        """A path to the file, and an empty folder for what is in it; both are gone afterwards."""
        self._catalog.reading_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._catalog.reading_dir) as folder:
            pictures = Path(folder) / "pictures"
            pictures.mkdir()
            if isinstance(source, Path):
                yield source, pictures
                return
            path = Path(folder) / "original"
            with path.open("wb") as copy:
                source.seek(0)
                shutil.copyfileobj(source, copy)
                source.seek(0)
            yield path, pictures


def _size(source: BinaryIO | Path) -> int:
    if isinstance(source, Path):
        if source.exists() and not source.is_file():
            raise DocumentError("{path} is not a file. Copy what it gives to a file first.", path=source)
        return source.stat().st_size
    size = source.seek(0, 2)
    source.seek(0)
    return size


def _reason(name: str, error: DocumentError | OSError) -> Notice:
    if isinstance(error, DocumentError):
        return Notice.of(error)
    reason = error.strerror or str(error)
    return Notice(
        "{path} cannot be opened: {reason}. Check the path and its permissions.",
        {"path": str(error.filename or name), "reason": reason},
    )


def _disk_bytes(cut: CutFile, dimension: int) -> int:
    """The original, and what texts, vectors and both indexes take of them."""
    texts = sum(len(chunk.text.encode("utf-8", "surrogatepass")) for chunk in cut.chunks)
    vectors = 4 * dimension * len(cut.chunks)
    return round(
        cut.file.bytes + PER_TEXT_BYTE * texts + PER_VECTOR_BYTE * vectors + PER_CHUNK * len(cut.chunks)
    )
