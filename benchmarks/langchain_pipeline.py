"""PDFs into Chroma with LangChain, as its users write it: the other side of `benchmarks.peers`.

Its defaults wherever there is one. The embeddings are those of langchain-community, which call
sentence-transformers exactly as those of langchain-huggingface do; that package wants an older
huggingface-hub than transformers.
"""

import logging
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag.embedders.base import Vectors

CHUNK_CHARACTERS, OVERLAP_CHARACTERS = 1000, 200
PACKAGES = ("langchain-community", "langchain-text-splitters", "langchain-chroma", "sentence-transformers")


def ingest(paths: Sequence[Path], model: Path) -> tuple[float, list[str], list[str]]:
    """Seconds, the texts of the pages, and those of the chunks. The clock starts with the model loaded."""
    embeddings = _embeddings(model)
    logging.getLogger("pypdf").setLevel(logging.ERROR)  # a warning for every font that it knows not much of
    from langchain_chroma import Chroma
    from langchain_community.document_loaders import PyPDFLoader
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Chroma.from_texts(["warm up"], embeddings, persist_directory=str(folder / "warm"))
        started = time.perf_counter()
        pages = [page for path in paths for page in PyPDFLoader(path).load()]
        splitter = RecursiveCharacterTextSplitter(
            chunk_size=CHUNK_CHARACTERS, chunk_overlap=OVERLAP_CHARACTERS
        )
        chunks = splitter.split_documents(pages)
        store = Chroma.from_documents(chunks, embeddings, persist_directory=str(folder / "store"))
        seconds = time.perf_counter() - started
        if len(store.get(include=[])["ids"]) != len(chunks):
            raise SystemExit("Not all chunks are in LangChain's store.")
    return seconds, [page.page_content for page in pages], [chunk.page_content for chunk in chunks]


def embed(texts: Sequence[str], model: Path) -> tuple[Vectors, int]:
    """The vectors that LangChain stores, shape (n, dimension), and how many tokens of a text they tell of."""
    embeddings = _embeddings(model)
    vectors = np.asarray(embeddings.embed_documents(list(texts)), np.float32)
    special = embeddings.client.tokenizer.num_special_tokens_to_add()
    return vectors, embeddings.client.max_seq_length - special


def _embeddings(model: Path) -> Any:
    from langchain_community.embeddings import HuggingFaceEmbeddings
    from transformers.utils import logging

    logging.disable_progress_bar()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the class has moved to langchain-huggingface
        return HuggingFaceEmbeddings(model_name=str(model))
