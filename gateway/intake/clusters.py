"""Like holds decided together: in chunks, with the progress kept in the store, so that a browser that goes
away stops nothing and a gateway that starts again goes on where it was."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from typing import Any

import orjson

from gateway.message.ids import new_id
from gateway.store.draft import Draft, Needs
from gateway.store.protocol import Store, StoreError
from gateway.store.records import AuditRow, ReplayRow

log = logging.getLogger(__name__)

CHUNK = 250
BREATH = 8
"""Holds that are taken up before the loop may turn to other work."""
LEASE = 30.0
"""Seconds after which a task whose process went away is anybody's."""
KEPT = 30 * 86400.0
MOST_EXCEPTIONS = 2_000
PREFIX = b"console/task/"

_TASK = "SELECT answer FROM replays WHERE key = ? AND expires_at > ?"
_TASKS = "SELECT answer FROM replays WHERE key >= ? AND key < ? AND expires_at > ?"
_NEXT = (
    "SELECT id FROM holds WHERE status = 'open' AND cluster = ? AND codes = ? AND id > ? AND created_at <= ?"
    " ORDER BY id LIMIT ?"
)
_COUNT = "SELECT count(*) FROM holds WHERE status = 'open' AND cluster = ? AND codes = ? AND created_at <= ?"
_DECIDED = (
    "SELECT count(*) FROM holds WHERE id > ? AND cluster = ? AND decided_by = ? AND reason = ?"
    " AND decided_at >= ?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One decision for many holds. `action` is release or reject; `seen_at` when the reviewer saw them: what
    was held later is not theirs. `decided`, `refused` (the policies say no today) and `gone` (somebody or
    time was quicker) count up to `total`; `ended_at` is 0 until then, `started_at` 0 while a second reviewer
    has not agreed. Times are unix seconds."""

    id: str
    action: str
    cluster: str
    codes: str
    reason: str
    actor: str
    seen_at: float
    except_: tuple[str, ...] = ()
    total: int = 0
    decided: int = 0
    refused: int = 0
    gone: int = 0
    cursor: str = ""
    proposed_by: str = ""
    started_at: float = 0.0
    ended_at: float = 0.0
    lease_until: float = 0.0

    @property
    def done(self) -> int:
        """How many were taken up."""
        return self.decided + self.refused + self.gone

    @property
    def state(self) -> str:
        """proposed, running or ended."""
        return "ended" if self.ended_at else "running" if self.started_at else "proposed"


Decide = Callable[[Task, str], Awaitable[str]]
"""Decides one hold of a task; says released, rejected, open (refused) or gone. Raises StoreError."""


class _Keep:
    """Write a task, with an entry of the audit log where something is to be told."""

    def __init__(self, task: Task, kind: str = "") -> None:
        self._task = task
        self._kind = kind
        self.needs = Needs()

    def apply(self, draft: Draft[Any]) -> None:
        """Keep it."""
        task = self._task
        said = orjson.dumps(asdict(task))
        draft.writes.replays[_key(task.id)] = ReplayRow(_key(task.id), draft.now + KEPT, said)
        if self._kind:
            salt = os.urandom(16)
            digest = blake2b(said, key=salt, digest_size=32).digest()
            draft.writes.audit.append(AuditRow(draft.now, self._kind, task.id, task.actor, digest, salt))


class Clusters:
    """Runs tasks, one at a time in this process."""

    def __init__(self, store: Store, decide: Decide, clock: Callable[[], float]) -> None:
        self._store = store
        self._decide = decide
        self._clock = clock
        self._running: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()

    async def start(
        self, *, action: str, cluster: str, codes: str, reason: str, actor: str, seen_at: float,
        except_: tuple[str, ...] = (), propose: bool = False,
    ) -> Task:  # fmt: skip
        """Begin to decide what was open at `seen_at`, or only propose it to a second reviewer."""
        now = self._clock()
        [(found,)] = await self._store.rows(_COUNT, (cluster, codes, seen_at))
        task = Task(
            id=new_id(now, os.urandom(10)), action=action, cluster=cluster, codes=codes, reason=reason,
            actor=actor, seen_at=seen_at, except_=except_[:MOST_EXCEPTIONS],
            total=max(0, found - len(except_)),
            proposed_by=actor if propose else "",
        )  # fmt: skip
        if propose:
            await self._store.run(_Keep(task, "cluster.proposed"))
            return task
        return await self._begin(task)

    async def agree(self, task: Task, actor: str) -> Task:
        """A second reviewer agrees: begin what the first proposed."""
        return await self._begin(replace(task, actor=actor))

    async def _begin(self, task: Task) -> Task:
        now = self._clock()
        task = replace(task, started_at=now, lease_until=now + LEASE)
        await self._store.run(_Keep(task, f"cluster.{task.action}"))
        self._spawn(task)
        return task

    async def find(self, task_id: str) -> Task | None:
        """A task, resumed where nobody is at it."""
        rows = await self._store.rows(_TASK, (_key(task_id), self._clock()))
        if not rows:
            return None
        task = _read(rows[0][0])
        if task.state == "running" and task.lease_until < self._clock():
            self._spawn(task)
        return task

    async def latest(self, state: str = "", limit: int = 20) -> list[Task]:
        """Tasks, newest first; with `state` only those in it. Whatever nobody is at goes on."""
        rows = await self._store.rows(_TASKS, (PREFIX, PREFIX + b"\xff", self._clock()))
        tasks = [_read(row[0]) for row in rows]
        for task in tasks:
            if task.state == "running" and task.lease_until < self._clock():
                self._spawn(task)
        return sorted((t for t in tasks if state in ("", t.state)), key=lambda t: t.id, reverse=True)[:limit]

    async def stop(self) -> None:
        """Let go of what is under way; it goes on at the next start."""
        for running in self._running.values():
            running.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _spawn(self, task: Task) -> None:
        if task.id in self._running:
            return
        running = asyncio.get_running_loop().create_task(self._run(task), name=f"cluster {task.id}")
        self._running[task.id] = running
        running.add_done_callback(lambda _: self._running.pop(task.id, None))

    async def _run(self, task: Task) -> None:
        try:
            async with self._turn:
                task = await self._resume(task)
                while task.state == "running":
                    task = await self._advance(task)
        except StoreError:
            log.warning("cluster.interrupted", extra={"task": task.id})

    async def _resume(self, task: Task) -> Task:
        """Count what was decided after the last progress that was kept."""
        if not task.done:
            return task
        since = (task.cursor, task.cluster, task.actor, task.reason, task.started_at)
        [(more,)] = await self._store.rows(_DECIDED, since)
        return replace(task, decided=task.decided + more)

    async def _advance(self, task: Task) -> Task:
        """Decide the next chunk and keep the progress."""
        given = (task.cluster, task.codes, task.cursor, task.seen_at, CHUNK)
        ids = [hold_id for (hold_id,) in await self._store.rows(_NEXT, given)]
        wanted = [hold_id for hold_id in ids if hold_id not in task.except_]
        under_way = []
        for number, hold_id in enumerate(wanted):
            under_way.append(asyncio.ensure_future(self._decide(task, hold_id)))
            if number % BREATH == BREATH - 1:
                await asyncio.sleep(0)
        results = await asyncio.gather(*under_way, return_exceptions=True)
        said = [word for word in results if isinstance(word, str)]
        for problem in results:
            if isinstance(problem, BaseException):
                raise problem
        refused, gone = said.count("open"), said.count("gone")
        now = self._clock()
        ended = len(ids) < CHUNK
        task = replace(
            task,
            decided=task.decided + len(said) - refused - gone,
            refused=task.refused + refused,
            gone=task.gone + gone,
            cursor=ids[-1] if ids else task.cursor,
            ended_at=now if ended else 0.0,
            lease_until=now + LEASE,
        )
        await self._store.run(_Keep(task, "cluster.ended" if ended else ""))
        return task


def _key(task_id: str) -> bytes:
    return PREFIX + task_id.encode("ascii", "replace")


def _read(answer: bytes) -> Task:
    said = orjson.loads(answer)
    return Task(**said | {"except_": tuple(said["except_"])})
