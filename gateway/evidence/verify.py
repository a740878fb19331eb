"""Is the audit log whole, and do the rows still say what it says of them?

Every chain is followed from its first entry; each entry's digest is worked out again from the row it
speaks of. What an erasure or the retention removed is told by entries of their own, and no finding.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor

import orjson

from gateway.evidence import entries as e
from gateway.evidence.checkpoint import Checkpoint
from gateway.evidence.entries import DECLARING, Entry, Rows
from gateway.evidence.stretch import DEEDS, FIRST, Break, Check, Marks, State, Stretch, moment, work

STRETCH = 5_000
"""Entries that one worker checks at a time."""

Progress = Callable[[int, int], None]


class Verification:
    """Goes through all chains up to where they end now.

    `keep(state)` is called now and then. With a `pool` of processes, each of which got the rows to read by
    `prepare`, stretches of the chains are checked side by side.
    """

    def __init__(
        self,
        rows: Rows,
        *,
        state: State | None = None,
        checkpoints: Sequence[Checkpoint] = (),
        progress: Progress = lambda done, total: None,
        keep: Callable[[State], None] = lambda state: None,
        pool: Executor | None = None,
        ahead: int = 4,
    ) -> None:
        self._rows = rows
        self.state = state or State()
        self._checkpoints = checkpoints
        self._progress = progress
        self._keep = keep
        self._pool = pool
        self._ahead = ahead

    async def run(self) -> State:
        """The state at the end; it is fine when it holds no breaks. Raises StoreError."""
        ends = await e.heads(self._rows)
        total = sum(seq for seq, _ in ends.values())
        declared = await self._declarations()
        check = Check(self._rows, declared, marks_of(self._checkpoints))
        done = 0
        async for stretch, found in self._all(self._stretches(ends), check):
            self.state.matched.update(found.matched)
            self.state.breaks.extend(found.breaks)
            self.state.entries += found.entries
            self.state.reached[stretch.chain] = found.reached[stretch.chain]
            self._progress(self.state.entries, total)
            done += 1
            if done % 5 == 0:
                self._keep(self.state)
        check_tails(self.state, self._checkpoints, ends)
        await self._count(declared)
        self._keep(self.state)
        return self.state

    def _stretches(self, ends: dict[str, tuple[int, bytes]]) -> list[Stretch]:
        found: list[Stretch] = []
        for chain, (last, _) in sorted(ends.items()):
            first = self.state.reached.get(chain, (0, FIRST))[0]
            found.extend(
                Stretch(chain=chain, after=after, last=min(last, after + STRETCH))
                for after in range(first, last, STRETCH)
            )
        return found

    async def _all(self, stretches: Sequence[Stretch], check: Check) -> AsyncIterator[tuple[Stretch, State]]:
        """Each stretch with what was found in it, in order, some worked on ahead."""
        if self._pool is None:
            for stretch in stretches:
                yield stretch, await check.stretch(stretch)
            return
        loop = asyncio.get_running_loop()
        said = (check.declared, check.marks)
        waiting: deque[tuple[Stretch, asyncio.Future[State]]] = deque()
        for stretch in stretches:
            waiting.append((stretch, loop.run_in_executor(self._pool, work, stretch, *said)))
            if len(waiting) > self._ahead:
                first, future = waiting.popleft()
                yield first, await future
        for first, future in waiting:
            yield first, await future

    async def _declarations(self) -> frozenset[str]:
        """What was removed on purpose, as `table:name`."""
        declared: set[str] = set()
        sql = f"SELECT {e.COLUMNS}, chain FROM audit WHERE kind IN (?, ?)"
        for *values, chain in await self._rows.rows(sql, DECLARING):
            entry = Entry(*values)
            if not e.declares(entry):
                problem = "its list of removed rows was changed"
                self.state.breaks.append(
                    Break(chain=str(chain), seq=entry.seq, reference="", problem=problem)
                )
                continue
            for table, names in orjson.loads(entry.detail).get("rows", {}).items():
                declared.update(f"{table}:{name}" for name in names)
        return frozenset(declared)

    async def _count(self, declared: frozenset[str]) -> None:
        """Rows that no entry speaks of."""
        for table, (count, find) in _UNTOLD.items():
            total = (await self._rows.rows(count))[0][0]
            if total <= self.state.matched[table]:
                continue
            for (name,) in await self._rows.rows(find):
                if f"{table}:{name}" not in declared:
                    problem = "no entry speaks of this row"
                    self.state.breaks.append(Break(chain=table, seq=0, reference=str(name), problem=problem))


def marks_of(checkpoints: Sequence[Checkpoint]) -> Marks:
    """What the checkpoints saw."""
    marks: Marks = {}
    for checkpoint in checkpoints:
        for chain, (seq, mark) in checkpoint.heads.items():
            marks.setdefault((chain, seq), []).append((checkpoint.at, mark))
    return marks


def check_tails(state: State, checkpoints: Sequence[Checkpoint], ends: dict[str, tuple[int, bytes]]) -> None:
    """Chains that end before a checkpoint saw them end: their end was cut off."""
    cut: dict[str, tuple[int, float]] = {}
    for checkpoint in checkpoints:
        for chain, (seq, _) in checkpoint.heads.items():
            if seq > ends.get(chain, (0, b""))[0] and seq > cut.get(chain, (0, 0.0))[0]:
                cut[chain] = (seq, checkpoint.at)
    for chain, (seq, at) in sorted(cut.items()):
        last = ends.get(chain, (0, b""))[0]
        problem = (
            f"it ends with entry {last}, but the checkpoint of {moment(at)} saw entry {seq}: its end was cut"
        )
        state.breaks.append(Break(chain=chain, seq=0, reference="", problem=problem))


def _untold(table: str, name: str, kinds: str, where: str = "1 = 1") -> tuple[str, str]:
    rows = f"SELECT {name} AS name FROM {table} WHERE {where}"
    deeds = ", ".join(f"'{kind}'" for kind in DEEDS)
    told = f"SELECT reference FROM audit WHERE {kinds} AND kind NOT IN ({deeds})"
    joined = f"({rows}) AS r LEFT JOIN ({told}) AS a ON a.reference = r.name"
    return (
        f"SELECT count(*) FROM {table} WHERE {where}",
        f"SELECT r.name FROM {joined} WHERE a.reference IS NULL LIMIT 20",
    )


_UNTOLD = {
    "decisions": _untold(
        "decisions",
        "message_id || '-' || n || CASE WHEN round > 0 THEN '.' || round ELSE '' END",
        "kind = 'decision'",
    ),
    "messages": _untold("messages", "id || '-0'", "kind = 'decision'"),
    "holds": _untold(
        "holds",
        "id",
        "kind IN ('hold.released', 'hold.rejected', 'hold.expired')",
        "status IN ('released', 'rejected', 'expired')",
    ),
    "consents": _untold("consent_events", "id", "kind LIKE 'consent.%'"),
    "events": _untold("events", "id", "kind LIKE 'event.%'"),
}
