"""Rerankers: each reads a question and a text together and scores them, one file per provider."""

NO_RERANKER = "none"  # the name that turns reranking off
