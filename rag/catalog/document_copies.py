"""Documents copied into another collection: text and vectors by content are shared, nothing is embedded."""

import secrets

from rag.catalog.database import Database
from rag.catalog.documents import Documents
from rag.documents import Document

_DOCUMENT = (
    "sha256, kind, title, bytes, pages, tokens, warnings, error, metadata, added_at, chunk_tokens, "
    "overlap_tokens"
)
# All of a chunk but its ids.
_CHUNK = "ordinal, page, page_label, headings, text, tokens, text_hash, picture, metadata, edited_at"


class DocumentCopies:
    """Copies documents as they are; their deleted records are left behind."""

    def __init__(self, database: Database, documents: Documents) -> None:
        self._database = database
        self._documents = documents

    def copy(self, document: Document, collection_id: str, name: str) -> Document:
        """A document's copy in state "indexing" under a name in another collection."""
        new_id = secrets.token_hex(8)
        with self._database.transaction() as connection:
            connection.execute(
                f"insert into documents (id, collection_id, name, status, {_DOCUMENT}) "
                f"select ?, ?, ?, 'indexing', {_DOCUMENT} from documents where id = ?",
                (new_id, collection_id, name, document.id),
            )
            connection.execute(
                f"insert into chunks (id, document_id, {_CHUNK}) "
                f"select printf('%s-%05d', ?1, ordinal), ?1, {_CHUNK} from chunks where document_id = ?2",
                (new_id, document.id),
            )
        return self._documents.get(new_id)
