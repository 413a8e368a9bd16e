"""Ingestion of PDFs, Passage against LangChain: `python -m benchmarks.peers FILE_OR_FOLDER…`.

LangChain with all-MiniLM-L6-v2 (`benchmarks/langchain_pipeline.py`), Passage with the same weights, and
Passage with its default model, in turns, each turn in a process of its own with the model loaded before the
clock starts. docs/measuring.md tells which figure is fair and why.
"""

import argparse
import hashlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from benchmarks import ingestion, langchain_pipeline
from benchmarks.apart import apart
from benchmarks.files import files_of
from rag.embedders.base import Embedder, Vectors
from rag.embedders.builtin import BuiltinEmbedder
from rag.embedders.builtin.engines import Choice
from rag.embedders.factory import make_embedder
from rag.errors import RagError
from rag.loaders import Parser
from rag.model_files import model_path
from rag.settings import load_settings

SAME = "all-minilm-l6-v2"
SAME_MODEL, DEFAULT_MODEL = f"builtin:{SAME}", "builtin:multilingual-e5-small"
SAME_WEIGHTS = 0.9999  # cosine, at least
SENTENCES = (
    "an international dispute",
    "The library lends ten books for four weeks; a reminder costs one euro.",
    "Proteins fold into shapes that decide what they bind to, and misfolded ones clump together.",
    "Revenue rose by 12 % to $4.3 billion in the quarter that ended on 30 June 2024.",
    "def mean(values): return sum(values) / len(values)",
    "How do I plant tomatoes? " * 12,
)


@dataclass(frozen=True, slots=True)
class Turn:
    """One ingestion: seconds, the characters read from the PDFs, and the texts that were to be embedded."""

    seconds: float
    characters: int
    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Side:
    """One of those compared; tokens are counted with `model_id`."""

    name: str
    model_id: str
    ingest: Callable[[Sequence[Path]], Turn]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a side's turns come to; `cut` chunks are longer than the model's window, by `lost` tokens."""

    seconds: Sequence[float]
    characters: int
    chunks: int
    tokens: int
    cut: int
    lost: int

    @property
    def characters_per_second(self) -> float:
        return self.characters * len(self.seconds) / sum(self.seconds)

    @property
    def tokens_per_second(self) -> float:
        return self.tokens * len(self.seconds) / sum(self.seconds)


def langchain(model: Path, paths: Sequence[Path]) -> Turn:
    seconds, pages, texts = langchain_pipeline.ingest(paths, model)
    return Turn(seconds, characters(pages), texts)


def passage(model_id: str, paths: Sequence[Path]) -> Turn:
    seconds, texts, _ = ingestion.ingest(list(paths), model_id)
    with Parser(load_settings()) as parser:
        read = [section.text for path in paths for section in parser.parse(path, path.name).sections]
    return Turn(seconds, characters(read), texts)


def characters(texts: Sequence[str]) -> int:
    """How many there are but for white space, which the sides keep in different amounts."""
    return sum(len(part) for text in texts for part in text.split())


def figures(turns: Sequence[Turn], embedder: Embedder) -> Figures:
    """Sums over a side's turns; the texts of all its turns are the same."""
    texts, window = turns[0].texts, embedder.max_tokens
    tokens = [embedder.count_tokens(text) for text in texts]
    beyond = [count - window for count in tokens if window and count > window]
    seconds = [turn.seconds for turn in turns]
    return Figures(seconds, turns[0].characters, len(texts), sum(tokens), len(beyond), sum(beyond))


def same_weights(model: Path, engine: Choice) -> str:
    """How alike the two sides' vectors of a few sentences are; ends the run if their weights differ."""
    theirs, most = apart(langchain_pipeline.embed, SENTENCES, model)
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
    cosines = {}
    for choice in dict.fromkeys(("onnxruntime", engine)):
        label, ours, our_most = apart(passage_vectors, model, choice)
        cosines[label] = float(np.min(np.sum(ours * theirs, axis=1)))
        if most != our_most:
            raise SystemExit(f"Not the same model: texts of {most} and of {our_most} tokens at most.")
    if cosines["onnxruntime"] < SAME_WEIGHTS:  # the only engine that is exact everywhere
        raise SystemExit(f"Not the same weights: cosines {cosines}.")
    return ", ".join(f"{cosine:.6f} with {label}" for label, cosine in cosines.items())


def passage_vectors(model: Path, engine: Choice) -> tuple[str, Vectors, int]:
    """The engine, the vectors that Passage stores, shape (n, dimension), and the most tokens of a text."""
    embedder = BuiltinEmbedder(model, engine=engine)
    return embedder.engine, embedder.embed_documents(SENTENCES), embedder.max_tokens


def pdfs(arguments: Sequence[Path]) -> list[Path]:
    """The PDFs, those of the same content once: Passage embeds nothing twice."""
    found = files_of(arguments, "*.pdf")
    different = list({hashlib.sha256(path.read_bytes()).digest(): path for path in found}.values())
    if not different or len({path.name for path in different}) < len(different):
        raise SystemExit("There should be PDFs, no two of the same name: those would be versions to Passage.")
    return different


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE_OR_FOLDER")
    parser.add_argument("--rounds", type=int, default=2, metavar="N", help="turns of each side (default: 2)")
    chosen = parser.parse_args()
    os.environ |= {"HF_HUB_OFFLINE": "1", "LANGSMITH_TRACING": "false"}
    settings, paths = load_settings(), pdfs(chosen.files)
    try:
        model = model_path(settings, SAME)
        packages = ", ".join(f"{name} {version(name)}" for name in langchain_pipeline.PACKAGES)
    except (RagError, PackageNotFoundError) as error:
        raise SystemExit(f"{error}\nRun: pip install -c constraints.txt -e '.[bench]'") from error
    cosines = same_weights(model, settings.embedder_engine)
    sides = (
        Side("LangChain, all-MiniLM-L6-v2", SAME_MODEL, partial(langchain, model)),
        Side(f"Passage, {SAME_MODEL}", SAME_MODEL, partial(passage, SAME_MODEL)),
        Side(f"Passage, {DEFAULT_MODEL}", DEFAULT_MODEL, partial(passage, DEFAULT_MODEL)),
    )
    turns: dict[str, list[Turn]] = {side.name: [] for side in sides}
    for _ in range(chosen.rounds):
        for side in sides:
            turns[side.name].append(apart(side.ingest, paths))
            print(f"{side.name}: {turns[side.name][-1].seconds:.1f} s", file=sys.stderr, flush=True)
    found = {side.name: figures(turns[side.name], make_embedder(settings, side.model_id)) for side in sides}
    print(f"{len(paths)} PDFs, {os.cpu_count()} processors; {packages}")
    print(f"The least cosine between the two sides' vectors by all-MiniLM-L6-v2: {cosines}")
    report(found)


def report(found: dict[str, Figures]) -> None:
    """Print a line for each side, and how many times as fast as the first the others are."""
    print(f"\n{'':38} {'seconds':14} chunks   cut    lost   tokens tokens/s  characters characters/s")
    for name, each in found.items():
        seconds = " ".join(f"{one:.1f}" for one in each.seconds)
        print(
            f"{name:38} {seconds:14} {each.chunks:6} {each.cut:5} {each.lost / each.tokens:7.1%} "
            f"{each.tokens:8} {each.tokens_per_second:8.0f} {each.characters:11} "
            f"{each.characters_per_second:12.0f}"
        )
    base, *others = found.values()
    print(f"\n{'times as fast as LangChain, by':38} characters/s   seconds   tokens/s")
    for name, each in zip(list(found)[1:], others, strict=True):
        by_seconds = sum(base.seconds) / sum(each.seconds)
        by_tokens = each.tokens_per_second / base.tokens_per_second
        by_characters = each.characters_per_second / base.characters_per_second
        print(f"{name:38} {by_characters:12.2f} {by_seconds:9.2f} {by_tokens:10.2f}")


if __name__ == "__main__":
    main()
