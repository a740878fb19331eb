"""Like holds decided together: in steps, with the progress kept in the store, so that a browser that goes
away stops nothing, and a gateway that starts again goes on where it was."""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from typing import Any

import orjson

from gateway.message.address import without_addresses
from gateway.message.ids import new_id
from gateway.review.proposals import LONGEST_REASON
from gateway.review.review import Review
from gateway.store.draft import Draft, Needs
from gateway.store.protocol import Store, StoreError
from gateway.store.queries import HOLD_COLUMNS
from gateway.store.records import AuditRow, HoldRow, ReplayRow

log = logging.getLogger(__name__)

STEP = 128
"""Holds that are decided before the progress is kept."""
AT_ONCE = 3
LEASE = 10.0
"""Seconds without progress after which a task is anybody's: its process went away."""
KEPT = 30 * 86400.0
MOST_EXCEPTIONS = 2_000
PREFIX = b"console/task/"
LEFT = "a reviewer who decided this may not decide any more (access.yaml); the rest was left as it was"

_TASK = "SELECT answer FROM replays WHERE key = ? AND expires_at > ?"
_TASKS = "SELECT answer FROM replays WHERE key >= ? AND key < ? AND expires_at > ?"
_NEXT = (
    f"SELECT {HOLD_COLUMNS} FROM holds WHERE status = 'open' AND cluster = ? AND codes = ? AND id > ?"  # noqa: S608
    " AND created_at <= ? ORDER BY id LIMIT ?"
)
_COUNT = "SELECT count(*) FROM holds WHERE status = 'open' AND cluster = ? AND codes = ? AND created_at <= ?"
_OPEN = "SELECT count(*) FROM holds WHERE status = 'open' AND cluster = ? AND codes = ? AND id IN ({marks})"
_DECIDED = (
    "SELECT count(*) FROM holds WHERE id > ? AND cluster = ? AND decided_by = ? AND reason = ?"
    " AND decided_at >= ?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One decision for many holds. `action` is release or reject; `seen_at` when the reviewer saw them: what
    was held later is not theirs. `decided`, `refused` (the policies say no today), `own` (left to a
    colleague) and `gone` (somebody or time was quicker) count up to `total`; `ended_at` is 0 until then,
    `started_at` 0 while a second reviewer has not agreed. One that ended before all were taken up was
    stopped: whoever decided it may not decide any more. `owner` is the process that is at it until
    `lease_until`. Times are unix seconds."""

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
    own: int = 0
    gone: int = 0
    cursor: str = ""
    proposed_by: str = ""
    started_at: float = 0.0
    ended_at: float = 0.0
    lease_until: float = 0.0
    owner: str = ""

    @property
    def done(self) -> int:
        """How many were taken up."""
        return self.decided + self.refused + self.own + self.gone

    @property
    def state(self) -> str:
        """proposed, running, ended or stopped."""
        if self.ended_at:
            return "ended" if self.done >= self.total else "stopped"
        return "running" if self.started_at else "proposed"

    def is_idle(self, now: float) -> bool:
        """Whether it should run and nobody is at it."""
        return self.state == "running" and self.lease_until < now


class _Keep:
    """Write a task as it is now, unless it is not as it should be (`still`); hand back whether it was."""

    def __init__(self, task: Task, still: Callable[[Task | None], bool], kind: str = "") -> None:
        self._task = task
        self._still = still
        self._kind = kind
        self.needs = Needs(replays=(_key(task.id),))

    def apply(self, draft: Draft[Any]) -> bool:
        """Keep it, with an entry of the audit log where something is to be told."""
        task = self._task
        before = draft.replay(_key(task.id))
        if not self._still(_read(before) if before else None):
            return False
        said = orjson.dumps(asdict(task))
        draft.writes.replays[_key(task.id)] = ReplayRow(_key(task.id), draft.now + KEPT, said)
        if self._kind:
            salt = os.urandom(16)
            digest = blake2b(said, key=salt, digest_size=32).digest()
            draft.writes.audit.append(AuditRow(draft.now, self._kind, task.id, task.actor, digest, salt))
        return True


class _LetGo:
    """End this process's claim on a task, as far as the task has come."""

    def __init__(self, task_id: str, owner: str) -> None:
        self._key = _key(task_id)
        self._owner = owner
        self.needs = Needs(replays=(self._key,))

    def apply(self, draft: Draft[Any]) -> None:
        """Nobody is at it any more."""
        before = draft.replay(self._key)
        task = _read(before) if before else None
        if task is not None and task.owner == self._owner and task.state == "running":
            said = orjson.dumps(asdict(replace(task, lease_until=0.0, owner="")))
            draft.writes.replays[self._key] = ReplayRow(self._key, draft.now + KEPT, said)


class Tasks:
    """Runs tasks, one at a time in this process."""

    def __init__(self, store: Store, review: Review, clock: Callable[[], float]) -> None:
        self._store = store
        self._review = review
        self._clock = clock
        self._owner = os.urandom(8).hex()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()

    async def start(
        self, *, action: str, cluster: str, codes: str, reason: str, actor: str, seen_at: float,
        except_: tuple[str, ...] = (), propose: bool = False,
    ) -> Task:  # fmt: skip
        """Begin to decide what was open at `seen_at`, or only propose it to a second reviewer. The reason is
        kept without addresses."""
        now, except_ = self._clock(), tuple(dict.fromkeys(except_))[:MOST_EXCEPTIONS]
        [(found,)] = await self._store.rows(_COUNT, (cluster, codes, seen_at))
        left_out = 0
        if except_:
            marks = ", ".join("?" * len(except_))
            [(left_out,)] = await self._store.few(_OPEN.format(marks=marks), (cluster, codes, *except_))
        task = Task(
            id=new_id(now, os.urandom(10)), action=action, cluster=cluster, codes=codes,
            reason=without_addresses(reason), actor=actor, seen_at=seen_at, except_=except_,
            total=max(0, found - left_out), proposed_by=actor if propose else "",
        )  # fmt: skip
        if propose:
            await self._store.run(_Keep(task, lambda before: before is None, "cluster.proposed"))
            return task
        return await self._begin(task)

    async def agree(self, task: Task, actor: str) -> Task:
        """A second reviewer agrees: begin what the first proposed, for the first one's reason and under both
        names. Of two who agree at once, one does."""
        reason = f"{task.proposed_by}: {task.reason}"[:LONGEST_REASON]
        return await self._begin(replace(task, actor=actor, reason=reason))

    async def _begin(self, task: Task) -> Task:
        now = self._clock()
        task = replace(task, started_at=now, lease_until=now + LEASE, owner=self._owner)
        is_new = _Keep(
            task, lambda before: before is None or before.state == "proposed", f"cluster.{task.action}"
        )
        if await self._store.run(is_new):
            self._spawn(task)
        return task

    def stands(self, task: Task) -> bool:
        """Whether all who decided or proposed it may decide holds, as the access file has it now."""
        return self._review.may_decide(task.actor, task.proposed_by)

    async def find(self, task_id: str) -> Task | None:
        """A task, resumed where nobody is at it."""
        rows = await self._store.few(_TASK, (_key(task_id), self._clock()))
        if not rows:
            return None
        task = _read(rows[0][0])
        if task.is_idle(self._clock()):
            self._spawn(task)
        return task

    async def latest(self, limit: int = 20) -> list[Task]:
        """Tasks, newest first."""
        rows = await self._store.rows(_TASKS, (PREFIX, PREFIX + b"\xff", self._clock()))
        return sorted((_read(row[0]) for row in rows), key=lambda task: task.id, reverse=True)[:limit]

    async def resume(self) -> None:
        """Go on with whatever nobody is at: after a start, a crash elsewhere, a database that was away."""
        for task in await self.latest(limit=1000):
            if task.is_idle(self._clock()):
                self._spawn(task)

    async def stop(self) -> None:
        """Let go of what is under way; whoever starts next goes on at once."""
        running = list(self._running.values())
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _spawn(self, task: Task) -> None:
        if task.id in self._running:
            return
        running = asyncio.get_running_loop().create_task(self._run(task), name=f"cluster {task.id}")
        self._running[task.id] = running
        running.add_done_callback(lambda _: self._running.pop(task.id, None))

    async def _run(self, task: Task) -> None:
        try:
            async with self._turn:
                mine = await self._claim(task)
                if mine is not None:
                    await self._work(mine)
        except StoreError:
            log.warning("cluster.interrupted", extra={"task": task.id})
        except asyncio.CancelledError:
            await self._let_go(task)
            raise

    async def _claim(self, task: Task) -> Task | None:
        """Take a task, counting what was decided after the last progress that was kept; None where another
        process is at it."""
        found = await self._store.few(_TASK, (_key(task.id), self._clock()))
        task = _read(found[0][0]) if found else task
        if task.started_at:
            since = (task.cursor, task.cluster, task.actor, task.reason, task.started_at)
            [(more,)] = await self._store.rows(_DECIDED, since)
            task = replace(task, decided=task.decided + more)
        before = task.lease_until
        return await self._keep(task, lambda t: t.owner == self._owner or t.lease_until == before)

    async def _work(self, task: Task) -> None:
        """Decide all of it, some steps at a time: while one is being committed the next is read. Ends early
        where another process took over, or it does not stand any more."""
        under_way: deque[tuple[str, asyncio.Task[list[str]]]] = deque()
        last, more = task.cursor, True
        try:
            while more or under_way:
                while more and len(under_way) < AT_ONCE:
                    holds = await self._next(task, last)
                    more = len(holds) == STEP
                    last = holds[-1].id if holds else last
                    under_way.append((last, asyncio.ensure_future(self._decide(task, holds))))
                cursor, step = under_way.popleft()
                kept = await self._keep_step(task, cursor, await step, ended=not more and not under_way)
                if kept is None:
                    return
                task = kept
        finally:
            for _, step in under_way:
                step.cancel()
            await asyncio.gather(*(step for _, step in under_way), return_exceptions=True)

    async def _next(self, task: Task, after: str) -> list[HoldRow]:
        if not self.stands(task):
            return []
        given = (task.cluster, task.codes, after, task.seen_at, STEP)
        return [HoldRow(*row) for row in await self._store.few(_NEXT, given)]

    async def _decide(self, task: Task, holds: Sequence[HoldRow]) -> list[str]:
        wanted = [hold for hold in holds if hold.id not in task.except_]
        if task.action == "release":
            return await self._review.release_all(wanted, task.actor, task.reason, task.proposed_by)
        return await self._review.reject_all(wanted, task.actor, task.reason)

    async def _keep_step(self, task: Task, cursor: str, said: Sequence[str], *, ended: bool) -> Task | None:
        """Keep the progress; None where another process took over."""
        refused, own, gone = (said.count(word) for word in ("open", "own", "gone"))
        decided = task.decided + len(said) - refused - own - gone
        refused, own, gone = task.refused + refused, task.own + own, task.gone + gone
        task = replace(task, decided=decided, refused=refused, own=own, gone=gone, cursor=cursor)
        kind = ""
        if ended:
            if self.stands(task):
                # Whoever was quicker took theirs out of the pile before their turn came.
                task = replace(task, gone=task.gone + max(0, task.total - task.done))
            task = replace(task, ended_at=self._clock())
            kind = f"cluster.{task.state}"
            if task.state == "stopped":
                log.warning("cluster.stopped", extra={"task": task.id, "problem": LEFT})
        return await self._keep(task, lambda t: t.owner == self._owner, kind)

    async def _keep(self, task: Task, still: Callable[[Task], bool], kind: str = "") -> Task | None:
        task = replace(task, owner=self._owner, lease_until=self._clock() + LEASE)
        unit = _Keep(
            task, lambda before: before is not None and before.state == "running" and still(before), kind
        )
        return task if await self._store.run(unit) else None

    async def _let_go(self, task: Task) -> None:
        """Leave it to whoever starts next."""
        try:
            await self._store.run(_LetGo(task.id, self._owner))
        except StoreError:
            log.warning("cluster.interrupted", extra={"task": task.id})


def _key(task_id: str) -> bytes:
    return PREFIX + task_id.encode("ascii", "replace")


def _read(answer: bytes) -> Task:
    said = orjson.loads(answer)
    return Task(**said | {"except_": tuple(said["except_"])})
