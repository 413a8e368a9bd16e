"""Splits sections into chunks that fit the model's window, at headings, sentences, clauses and rows. Pure."""

from rag.chunking.sentences import split_sentences
from rag.chunking.splitting import split_sections

__all__ = ["split_sections", "split_sentences"]
