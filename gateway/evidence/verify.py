"""Is the audit log whole, and do the rows still say what it says of them?

Every chain is followed from its first entry; each entry's digest is worked out again from the row it
speaks of. What an erasure or the retention removed is told by entries of their own, and no finding.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from gateway.evidence import entries as e
from gateway.evidence.checkpoint import Checkpoint
from gateway.evidence.entries import DECLARING, Entry
from gateway.store.digests import (
    SALT,
    body_digest,
    consent_digest,
    decision_digest,
    event_digest,
    hold_digest,
    message_digest,
)
from gateway.store.protocol import Store

FIRST = bytes(32)
CLOSED = ("released", "rejected", "expired")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """One thing that is not as it was written. `seq` is 0 where no entry speaks of it."""

    chain: str
    seq: int
    reference: str
    problem: str

    def __str__(self) -> str:
        where = f"{self.chain} entry {self.seq}" if self.seq else self.chain
        return f"{where}{f' ({self.reference})' if self.reference else ''}: {self.problem}"


@dataclass(slots=True)
class State:
    """How far a verification came: it can be stored and taken up again."""

    reached: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    matched: Counter[str] = field(default_factory=Counter)
    breaks: list[Break] = field(default_factory=list)
    entries: int = 0

    def pack(self) -> bytes:
        """The state as JSON."""
        told = {
            "reached": {chain: [seq, mark.hex()] for chain, (seq, mark) in self.reached.items()},
            "matched": dict(self.matched),
            "breaks": [[b.chain, b.seq, b.reference, b.problem] for b in self.breaks],
            "entries": self.entries,
        }
        return orjson.dumps(told)

    @classmethod
    def unpack(cls, data: bytes) -> "State":
        """The state that `pack` wrote. Raises ValueError for anything else."""
        try:
            told = orjson.loads(data)
            return cls(
                {chain: (int(seq), bytes.fromhex(mark)) for chain, (seq, mark) in told["reached"].items()},
                Counter({str(name): int(count) for name, count in told["matched"].items()}),
                [Break(chain=c, seq=s, reference=r, problem=p) for c, s, r, p in told["breaks"]],
                int(told["entries"]),
            )
        except (KeyError, TypeError, AttributeError, orjson.JSONDecodeError) as error:
            raise ValueError("this file does not say how far a verification came") from error


class Verification:
    """Goes through all chains up to where they end now. `keep(state)` is called now and then."""

    def __init__(
        self,
        store: Store,
        *,
        state: State | None = None,
        checkpoints: Sequence[Checkpoint] = (),
        progress: Progress = lambda done, total: None,
        keep: Callable[[State], None] = lambda state: None,
    ) -> None:
        self._store = store
        self.state = state or State()
        self._checkpoints = checkpoints
        self._progress = progress
        self._keep = keep
        self._declared: set[str] = set()
        self._marks: dict[tuple[str, int], list[tuple[float, bytes]]] = {}

    async def run(self) -> State:
        """The state at the end; it is fine when it holds no breaks. Raises StoreError."""
        ends = await e.heads(self._store)
        total = sum(seq for seq, _ in ends.values())
        await self._read_declarations()
        for checkpoint in self._checkpoints:
            for chain, (seq, mark) in checkpoint.heads.items():
                self._marks.setdefault((chain, seq), []).append((checkpoint.at, mark))
        chunks = 0
        for chain, (last, _) in sorted(ends.items()):
            after, before = self.state.reached.get(chain, (0, FIRST))
            async for rows in e.read_chain(self._store, chain, after, last):
                before = self._follow(chain, after, before, rows)
                await self._compare(chain, rows)
                after = rows[-1].seq
                self.state.reached[chain] = (after, before)
                self.state.entries += len(rows)
                self._progress(self.state.entries, total)
                chunks += 1
                if chunks % 50 == 0:
                    self._keep(self.state)
        self._check_tails(ends)
        await self._count(ends)
        self._keep(self.state)
        return self.state

    def _break(self, chain: str, entry: Entry | None, problem: str, reference: str = "") -> None:
        seq = entry.seq if entry else 0
        named = reference or (entry.reference if entry else "")
        self.state.breaks.append(Break(chain=chain, seq=seq, reference=named, problem=problem))

    async def _read_declarations(self) -> None:
        sql = f"SELECT {e.COLUMNS}, chain FROM audit WHERE kind IN (?, ?)"
        for *values, chain in await self._store.rows(sql, DECLARING):
            entry = Entry(*values)
            if not e.declares(entry):
                self._break(str(chain), entry, "its list of removed rows was changed")
                continue
            for table, names in orjson.loads(entry.detail).get("rows", {}).items():
                self._declared.update(f"{table}:{name}" for name in names)

    # -- the chain -------------------------------------------------------------------------------

    def _follow(self, chain: str, after: int, before: bytes, rows: Iterable[Entry]) -> bytes:
        for entry in rows:
            if entry.seq != after + 1:
                gone = "an entry before it is" if entry.seq == after + 2 else "entries before it are"
                self._break(chain, entry, f"{gone} missing (from number {after + 1})")
            elif not entry.follows(before, chain):
                self._break(chain, entry, "it was changed, or stands in another's place")
            for at, mark in self._marks.pop((chain, entry.seq), ()):
                if mark != entry.hash:
                    self._break(chain, entry, f"the checkpoint of {_when(at)} saw another entry here")
            after, before = entry.seq, entry.hash
        return before

    def _check_tails(self, ends: dict[str, tuple[int, bytes]]) -> None:
        cut: dict[str, tuple[int, float]] = {}
        for (chain, seq), seen in self._marks.items():
            last = ends.get(chain, (0, b""))[0]
            if seq > last and seq > cut.get(chain, (0, 0.0))[0]:
                cut[chain] = (seq, seen[0][0])
        for chain, (seq, at) in sorted(cut.items()):
            last = ends.get(chain, (0, b""))[0]
            seen_last = f"the checkpoint of {_when(at)} saw entry {seq}"
            self._break(chain, None, f"it ends with entry {last}, but {seen_last}: its end was cut")

    # -- the rows --------------------------------------------------------------------------------

    async def _compare(self, chain: str, rows: Sequence[Entry]) -> None:
        by_kind: dict[str, list[Entry]] = {}
        for entry in rows:
            by_kind.setdefault(entry.kind.partition(".")[0], []).append(entry)
        for kind, compare in (
            ("decision", self._decisions),
            ("hold", self._holds),
            ("consent", self._consents),
            ("event", self._events),
        ):
            if kind in by_kind:
                await compare(chain, by_kind[kind])

    def _lost(self, chain: str, entry: Entry, table: str, what: str) -> None:
        if f"{table}:{entry.reference}" not in self._declared:
            self._break(chain, entry, f"the {what} it speaks of is gone")

    def _changed(self, chain: str, entry: Entry, table: str, what: str, name: str = "") -> None:
        if f"{table}:{name or entry.reference}" not in self._declared:
            self._break(chain, entry, f"the {what} it speaks of was changed")

    async def _decisions(self, chain: str, rows: Sequence[Entry]) -> None:
        found = await e.decisions_of(self._store, [r.reference.partition("-")[0] for r in rows])
        sealed = [r.reference.partition("-")[0] for r in rows if r.detail]
        messages = await e.messages_of(self._store, sealed)
        bodies = await e.bodies_of(self._store, sealed)
        for entry in rows:
            decision = found.get(entry.reference)
            if decision is None:
                self._lost(chain, entry, "decisions", "decision")
                continue
            self.state.matched["decisions"] += 1
            if decision_digest(decision, entry.salt, entry.detail) != entry.digest:
                self._changed(chain, entry, "decisions", "decision")
            elif entry.detail:
                self._message(chain, entry, messages.get(decision.message_id), decision.class_, bodies)

    def _message(self, chain: str, entry: Entry, row: Any, class_: str, bodies: dict[str, bytes]) -> None:
        name = entry.reference.partition("-")[0]
        if row is None:
            if f"messages:{name}" not in self._declared:
                self._break(chain, entry, "the message it speaks of is gone")
            return
        self.state.matched["messages"] += 1
        salt, said, octets = entry.detail[:SALT], entry.detail[SALT : SALT + 32], entry.detail[SALT + 32 :]
        if message_digest(row, salt) != said or row.class_ != class_:
            self._changed(chain, entry, "messages", "message", name)
        elif name in bodies and body_digest(bodies[name], salt) != octets:
            self._break(chain, entry, "the octets of the message it speaks of were changed")

    async def _holds(self, chain: str, rows: Sequence[Entry]) -> None:
        found = await e.holds_of(self._store, [r.reference for r in rows])
        for entry in rows:
            status = entry.kind.partition(".")[2]
            hold = found.get(entry.reference)
            if hold is None:
                self._lost(chain, entry, "holds", "hold")
                continue
            if status == "open" and hold.status != "open":
                continue
            if status in CLOSED:
                self.state.matched["holds"] += 1
            if hold.status != status or hold_digest(hold, entry.salt) != entry.digest:
                self._changed(chain, entry, "holds", "hold")

    async def _consents(self, chain: str, rows: Sequence[Entry]) -> None:
        found = await e.consents_of(self._store, [r.reference for r in rows])
        for entry in rows:
            lines = found.get(entry.reference)
            if not lines:
                self._lost(chain, entry, "consents", "consent")
                continue
            self.state.matched["consents"] += 1
            if all(consent_digest(line, entry.salt) != entry.digest for line in lines):
                self._changed(chain, entry, "consents", "consent")

    async def _events(self, chain: str, rows: Sequence[Entry]) -> None:
        found = await e.events_of(self._store, [r.reference for r in rows])
        for entry in rows:
            event = found.get(entry.reference)
            if event is None:
                self._lost(chain, entry, "events", "event")
                continue
            self.state.matched["events"] += 1
            if event_digest(event, entry.salt) != entry.digest:
                self._changed(chain, entry, "events", "event")

    # -- rows that no entry speaks of --------------------------------------------------------------

    async def _count(self, ends: dict[str, tuple[int, bytes]]) -> None:
        for table, (count, find) in _UNTOLD.items():
            total = (await self._store.rows(count))[0][0]
            if total <= self.state.matched[table]:
                continue
            for (name,) in await self._store.rows(find):
                if f"{table}:{name}" not in self._declared:
                    self._break(table, None, "no entry speaks of this row", str(name))


def _untold(table: str, name: str, kinds: str, where: str = "1 = 1") -> tuple[str, str]:
    rows = f"SELECT {name} AS name FROM {table} WHERE {where}"
    told = f"SELECT reference FROM audit WHERE {kinds}"
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
    "holds": _untold("holds", "id", "kind LIKE 'hold.%'", "status IN ('released', 'rejected', 'expired')"),
    "consents": _untold("consent_events", "id", "kind LIKE 'consent.%'"),
    "events": _untold("events", "id", "kind LIKE 'event.%'"),
}


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
