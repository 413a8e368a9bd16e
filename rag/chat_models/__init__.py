"""Chat models: each streams an answer, one file per provider."""
