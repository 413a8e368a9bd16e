"""Somebody else's Chroma: opened without a change to it, searched as it stands, adopted into Passage."""

from rag.adoption.adopting import Adopter
from rag.adoption.adoption import Adoption, AdoptionState
from rag.adoption.outcome import Adopted, Wish
from rag.adoption.searching import ForeignSearch

__all__ = ["Adopted", "Adopter", "Adoption", "AdoptionState", "ForeignSearch", "Wish"]
