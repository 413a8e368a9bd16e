"""Jobs: what is to be ingested, how far it is, how it ended. They survive a restart."""

import json
import sqlite3
import time
from dataclasses import dataclass, field

from rag.catalog.database import Database
from rag.documents import ChunkSize, Metadata, Notice

MOST_AT_ONCE = 3  # jobs of one sender, so that there is room for another's
TAKE = """
update jobs set state = 'running', stage = 'reading', stage_started_at = ?1, heartbeat = ?1,
    turn = (select max(turn) + 1 from jobs)
where id = (
    select next.id from jobs next where next.id in (
        select min(id) from jobs where state = 'queued' and (?2 is null or id = ?2) group by sender
    ) and (?2 is not null or (
        (select count(*) from jobs where state = 'running' and sender = next.sender) < ?3
        and not exists (
            select 1 from jobs earlier where earlier.state = 'queued' and earlier.id < next.id
            and earlier.collection_id = next.collection_id and earlier.name = next.name
        )
    ))
    order by (select max(turn) from jobs where sender = next.sender), next.id limit 1
)
returning *
"""


@dataclass(frozen=True, slots=True)
class Job:
    """One file on its way in. `state` is "queued", "running", "done", "failed" or "cancelled".

    `stage` is "reading", "embedding" or "indexing"; `done` of `total` chunks are embedded; times are seconds
    since the epoch;
    `status` is how it ended: "added", "unchanged", "replaced" or "failed"; `folder` as in Document;
    `chunk_size` is None where that of the settings is to be used; `heartbeat` is its last sign of life.
    """

    id: int
    collection_id: str
    name: str
    sha256: str
    state: str
    stage: str
    done: int
    total: int
    cancel_asked: bool
    status: str | None
    document_id: str | None
    error: Notice | None
    stage_started_at: float | None
    finished_at: float | None
    metadata: Metadata = field(default_factory=dict)
    folder: str | None = None
    chunk_size: ChunkSize | None = None
    heartbeat: float | None = None

    def seconds_left(self, now: float) -> float | None:
        """The time the stage still needs at the pace measured so far, or None before there is one."""
        if self.state != "running" or not self.done or self.stage_started_at is None:
            return None
        taken = now - self.stage_started_at
        return taken / self.done * (self.total - self.done) if taken > 0 else None  # a clock may be put back


class Jobs:
    """The jobs in the catalogue."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        collection_id: str,
        name: str,
        sha256: str,
        metadata: Metadata,
        *,
        folder: str | None = None,
        chunk_size: ChunkSize | None = None,
        sender: str = "",
    ) -> int:
        """Queue a file whose original is saved; the job's id. The jobs of several senders take turns."""
        with self._database.transaction() as connection:
            cursor = connection.execute(
                "insert into jobs (collection_id, name, sha256, metadata, folder, chunk_tokens, "
                "overlap_tokens, sender, state, created_at) "
                "values (?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?) returning id",
                (
                    collection_id,
                    name,
                    sha256,
                    json.dumps(dict(metadata)),
                    folder,
                    chunk_size and chunk_size.tokens,
                    chunk_size and chunk_size.overlap,
                    sender,
                    time.time(),
                ),
            )
            return int(cursor.fetchone()[0])

    def take(self, job_id: int | None = None) -> Job | None:
        """Start a queued job, the one that is named or whose turn it is; None where there is none.

        It is the turn of the sender that was served longest ago, and of its oldest job; nobody has more than
        MOST_AT_ONCE running. A file waits for an earlier one of its name, whoever sent that: the last one is
        what stays.
        """
        with self._database.transaction() as connection:
            row = connection.execute(TAKE, (time.time(), job_id, MOST_AT_ONCE)).fetchone()
        return _job(row) if row else None

    def get(self, job_id: int) -> Job:
        """The job of this id. Raises KeyError."""
        row = self._database.connection.execute("select * from jobs where id = ?", (job_id,)).fetchone()
        if row is None:
            raise KeyError(job_id)
        return _job(row)

    def progress(self, job_id: int, stage: str, done: int = 0, total: int = 0) -> None:
        """Note how far a job is; a new stage starts its own clock."""
        with self._database.transaction() as connection:
            connection.execute(
                "update jobs set stage_started_at = case when stage = ?2 and done > 0 then stage_started_at "
                "else ?5 end, stage = ?2, done = ?3, total = ?4, heartbeat = ?5 where id = ?1",
                (job_id, stage, done, total, time.time()),
            )

    def beat(self, job_id: int) -> None:
        """Note that a job is still being worked at."""
        with self._database.transaction() as connection:
            connection.execute("update jobs set heartbeat = ? where id = ?", (time.time(), job_id))

    def finish(
        self,
        job_id: int,
        state: str,
        *,
        status: str | None = None,
        document_id: str | None = None,
        error: Notice | None = None,
    ) -> None:
        """End a job as "done", "failed" or "cancelled"."""
        with self._database.transaction() as connection:
            connection.execute(
                "update jobs set state = ?, status = ?, document_id = ?, error = ?, finished_at = ? "
                "where id = ?",
                (
                    state,
                    status,
                    document_id,
                    json.dumps(error.to_row()) if error else None,
                    time.time(),
                    job_id,
                ),
            )

    def cancel(self, job_id: int) -> list[str]:
        """End a waiting job now; ask a running one to end at its next batch; their original's digest."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "update jobs set cancel_asked = 1, "
                "finished_at = case when state = 'queued' then ? else finished_at end, "
                "state = case when state = 'queued' then 'cancelled' else state end "
                "where id = ? and state in ('queued', 'running') returning sha256",
                (time.time(), job_id),
            ).fetchall()
        return [row["sha256"] for row in rows]

    def cancel_asked(self, job_id: int) -> bool:
        """Whether the user wants this job to end."""
        row = self._database.connection.execute(
            "select cancel_asked from jobs where id = ?", (job_id,)
        ).fetchone()
        return row is None or bool(row[0])

    def end_abandoned(self) -> list[str]:
        """End the cancelled jobs that a stopped process left running; the digests of their originals."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "update jobs set state = 'cancelled', finished_at = ? where state = 'running' "
                "and cancel_asked returning sha256",
                (time.time(),),
            ).fetchall()
        return [row["sha256"] for row in rows]

    def requeue_interrupted(self) -> int:
        """Put jobs that a stopped process left running back in the queue; how many."""
        with self._database.transaction() as connection:
            return connection.execute(
                "update jobs set state = 'queued', stage = '', done = 0, total = 0 where state = 'running'"
            ).rowcount

    def any_waiting(self) -> bool:
        """Whether a job waits or runs."""
        row = self._database.connection.execute(
            "select exists (select 1 from jobs where state in ('queued', 'running'))"
        ).fetchone()
        return bool(row[0])

    def recent(self, collection_id: str, *, since: float = 0.0) -> list[Job]:
        """A collection's jobs that wait, run, or ended after `since` (epoch seconds), oldest first."""
        rows = self._database.connection.execute(
            "select * from jobs where collection_id = ? "
            "and (state in ('queued', 'running') or finished_at > ?) order by id",
            (collection_id, since),
        )
        return [_job(row) for row in rows]

    def prune(self, before: float) -> None:
        """Forget the jobs that ended before then (epoch seconds)."""
        with self._database.transaction() as connection:
            connection.execute("delete from jobs where finished_at < ?", (before,))


def chunk_size_of(row: sqlite3.Row) -> ChunkSize | None:
    """The size in a row of jobs or documents; None where there is none."""
    if row["chunk_tokens"] is None:
        return None
    return ChunkSize(row["chunk_tokens"], row["overlap_tokens"])


def _job(row: sqlite3.Row) -> Job:
    return Job(
        id=row["id"],
        collection_id=row["collection_id"],
        name=row["name"],
        sha256=row["sha256"],
        state=row["state"],
        stage=row["stage"],
        done=row["done"],
        total=row["total"],
        cancel_asked=bool(row["cancel_asked"]),
        status=row["status"],
        document_id=row["document_id"],
        error=Notice.from_row(json.loads(row["error"])) if row["error"] else None,
        stage_started_at=row["stage_started_at"],
        finished_at=row["finished_at"],
        metadata=json.loads(row["metadata"]),
        folder=row["folder"],
        chunk_size=chunk_size_of(row),
        heartbeat=row["heartbeat"],
    )
