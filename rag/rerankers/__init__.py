"""Rerankers: each reads a question and a text together and scores them, one file per provider."""
