"""Reading files: one loader per type, and the worker process that files are read in."""

from rag.loaders.parser import Parser
from rag.loaders.reading import KINDS, parse, render_page

__all__ = ["KINDS", "Parser", "parse", "render_page"]
