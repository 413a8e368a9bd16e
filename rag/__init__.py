"""Passage: ask questions of your own documents and see the passages every answer rests on."""
