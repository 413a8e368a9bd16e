"""The pages: a thin client of the engine."""
