"""Embedders: each turns texts into unit vectors, one file per provider."""
