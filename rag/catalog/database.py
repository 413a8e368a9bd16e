"""The SQLite file under the catalogue: connections, transactions and the schema."""

import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from rag.catalog.connection import Connection, unusable
from rag.errors import StoreError

BATCH = 500  # values of one statement

_Value = TypeVar("_Value")

SCHEMA = """
create table collections (
    id text primary key,
    name text not null unique,
    fingerprint text not null,
    hnsw text not null,
    index_name text not null unique,
    created_at text not null
);
create table documents (
    id text primary key,
    collection_id text not null references collections(id),
    name text not null,
    sha256 text not null,
    kind text not null,
    title text,
    bytes integer not null,
    pages integer,
    tokens integer not null,
    status text not null check (status in ('indexing', 'ready', 'failed', 'deleting')),
    warnings text not null,
    error text,
    metadata text not null,
    added_at text not null
);
create index documents_by_content on documents (collection_id, sha256);
create index documents_by_name on documents (collection_id, name);
create index documents_by_original on documents (sha256);
create table chunks (
    id text primary key,
    document_id text not null references documents(id) on delete cascade,
    ordinal integer not null,
    page integer,
    page_label text,
    headings text not null,
    text text not null,
    tokens integer not null,
    text_hash text not null
);
create index chunks_by_document on chunks (document_id, ordinal);
create index chunks_by_text on chunks (text_hash);
create table vectors (
    fingerprint text not null,
    text_hash text not null,
    vector blob not null,
    primary key (fingerprint, text_hash)
) without rowid;
create table jobs (
    id integer primary key autoincrement,
    collection_id text not null references collections(id) on delete cascade,
    name text not null,
    sha256 text not null,
    metadata text not null,
    state text not null check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
    stage text not null default '',
    done integer not null default 0,
    total integer not null default 0,
    cancel_asked integer not null default 0,
    status text,
    document_id text,
    error text,
    created_at real not null,
    stage_started_at real,
    heartbeat real,
    finished_at real
);
create index jobs_by_state on jobs (state, id);
create table conversations (
    id text primary key,
    collection_id text not null references collections(id) on delete cascade,
    title text not null,
    updated_at real not null
);
create table messages (
    id integer primary key autoincrement,
    conversation_id text not null references conversations(id) on delete cascade,
    question text not null,
    answer text not null,
    updated_at real not null
);
create index messages_by_conversation on messages (conversation_id, id);
"""
VECTORS_BY_TEXT = """
create index vectors_by_text on vectors (text_hash);
alter table jobs drop column heartbeat;
"""
OTHER_INDEXES = """
create table canaries (
    fingerprint text primary key,
    vector blob not null
) without rowid;
create table other_indexes (
    collection_id text primary key references collections(id) on delete cascade,
    fingerprint text not null,
    index_name text not null unique,
    complete integer not null default 0
);
"""
PICTURES = """
alter table chunks add column picture text;
create index chunks_by_picture on chunks (picture) where picture is not null;
"""
DELETED_ROWS = """
create table deleted_rows (
    index_name text primary key,
    rows integer not null
) without rowid;
"""
FOLDERS = """
alter table documents add column folder text;
alter table jobs add column folder text;
"""
CHUNK_SIZES = """
alter table jobs add column chunk_tokens integer;
alter table jobs add column overlap_tokens integer;
alter table documents add column chunk_tokens integer;
alter table documents add column overlap_tokens integer;
create table examinations (
    document_id text primary key references documents(id) on delete cascade,
    version integer not null,
    cut_for text not null,
    findings text not null,
    sketch blob not null
) without rowid;
"""
SENDERS = """
alter table jobs add column sender text not null default '';
alter table jobs add column turn integer not null default 0;
alter table jobs add column heartbeat real;
create index jobs_by_sender on jobs (sender, turn);
"""
QUESTIONS = """
create table questions (
    id text primary key,
    collection_id text not null references collections(id) on delete cascade,
    text text not null,
    origin text not null check (origin in ('typed', 'imported', 'generated')),
    made_by text not null,
    created_at text not null
);
create index questions_by_collection on questions (collection_id);
create table judgements (
    question_id text not null references questions(id) on delete cascade,
    document_id text not null,
    name text not null,
    sha256 text not null,
    text_hash text not null,
    quote text,
    grade integer not null,
    primary key (question_id, document_id, text_hash)
) without rowid;
create table evaluations (
    id text primary key,
    collection_id text not null references collections(id) on delete cascade,
    started_at text not null,
    result text not null
);
create index evaluations_by_collection on evaluations (collection_id, started_at);
"""
RECORDS = """
alter table chunks add column metadata text not null default '{}';
alter table chunks add column edited_at text;
create index chunks_with_metadata on chunks (document_id) where metadata <> '{}';
create index documents_by_collection on documents (collection_id, status);
create table deleted_records (
    id text primary key,
    document_id text not null references documents(id) on delete cascade,
    ordinal integer not null,
    page integer,
    page_label text,
    headings text not null,
    text text not null,
    tokens integer not null,
    text_hash text not null,
    picture text,
    metadata text not null,
    edited_at text,
    deletion integer not null,
    deleted_at text not null
);
create index deleted_records_by_document on deleted_records (document_id, ordinal);
create index deleted_records_by_text on deleted_records (text_hash);
create index deleted_records_by_picture on deleted_records (picture) where picture is not null;
create table changed_records (
    id text primary key,
    collection_id text not null references collections(id) on delete cascade
) without rowid;
create index changed_records_by_collection on changed_records (collection_id);
"""
# Without a rowid, vectors also fill the inner pages of their tree: it was deep, and looking one up slow.
VECTORS_IN_ROWS = """
create table vectors_in_rows (
    fingerprint text not null,
    text_hash text not null,
    vector blob not null,
    primary key (fingerprint, text_hash)
);
insert into vectors_in_rows select fingerprint, text_hash, vector from vectors;
drop table vectors;
alter table vectors_in_rows rename to vectors;
create index vectors_by_text on vectors (text_hash);
"""
MIGRATIONS = (
    SCHEMA,
    VECTORS_BY_TEXT,
    OTHER_INDEXES,
    PICTURES,
    DELETED_ROWS,
    FOLDERS,
    CHUNK_SIZES,
    SENDERS,
    QUESTIONS,
    RECORDS,
    VECTORS_IN_ROWS,
)


def batches(values: Sequence[_Value], size: int = BATCH) -> Iterator[Sequence[_Value]]:
    """As many values at a time as one statement takes."""
    return (values[start : start + size] for start in range(0, len(values), size))


class _Held:
    """A thread's connection: it is closed when the thread ends and with it the only reference to this."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


class Database:
    """One SQLite file in WAL mode, with a connection of its own for every thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._held: weakref.WeakSet[_Held] = weakref.WeakSet()
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._migrate()
        except (OSError, sqlite3.Error) as error:
            raise unusable(path.parent, error) from error

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection; outside `transaction` every statement stands alone."""
        held: _Held | None = getattr(self._local, "held", None)
        if held is None:
            connection = sqlite3.connect(
                self.path, timeout=30, isolation_level=None, check_same_thread=False, factory=Connection
            )
            connection.folder = self.path.parent
            held = self._local.held = _Held(connection)
            connection.row_factory = sqlite3.Row
            connection.executescript(
                "pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on;"
            )
            with self._lock:
                self._held.add(held)
        return held.connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is written inside is kept, or none of it."""
        connection = self.connection
        connection.execute("begin immediate")
        try:
            yield connection
            connection.execute("commit")
        except BaseException:
            if connection.in_transaction:
                connection.execute("rollback")
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything this thread reads inside is of one moment, whatever others write meanwhile."""
        connection = self.connection
        connection.execute("begin")
        try:
            yield
        finally:
            connection.execute("commit")

    def close(self) -> None:
        with self._lock:
            for held in self._held:
                held.connection.close()
        self._local = threading.local()

    def _migrate(self) -> None:
        version = self.connection.execute("pragma user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise StoreError(
                "The data folder {folder} was written by a newer version of Passage. "
                "Update Passage, or set RAG_DATA_DIR to another folder.",
                folder=self.path.parent,
            )
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            self.connection.executescript(f"begin; {script} pragma user_version = {number}; commit;")
