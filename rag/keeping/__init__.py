"""Keeping what Passage holds: a backup of all of it, and plain files of the documents."""

from rag.keeping.backup import Backup, back_up
from rag.keeping.export import Export, export
from rag.keeping.restore import Restored, restore

__all__ = ["Backup", "Export", "Restored", "back_up", "export", "restore"]
