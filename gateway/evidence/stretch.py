"""A stretch of an audit chain: its entries follow one another, and the rows they speak of are as they were
when they were written. Worker processes check several stretches side by side."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import orjson

from gateway.evidence import entries as e
from gateway.evidence.entries import Entry, FileRows, Rows
from gateway.store.digests import (
    SALT,
    body_digest,
    consent_digest,
    decision_digest,
    event_digest,
    hold_digest,
    message_digest,
)
from gateway.store.records import MessageRow

FIRST = bytes(32)
CLOSED = ("released", "rejected", "expired")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Some entries of a chain: those after `after`, up to and with `last`."""

    chain: str
    after: int
    last: int


Marks = dict[tuple[str, int], list[tuple[float, bytes]]]
"""What checkpoints saw: by chain and number, when and which hash."""


_prepared: list[Rows] = []
"""The rows that a worker process reads; only there."""


def prepare(path: Path) -> None:
    """Open an SQLite database for reading, in a worker process."""
    _prepared.append(FileRows(path))


def work(stretch: Stretch, declared: frozenset[str], marks: Marks) -> State:
    """Check a stretch, in a worker process."""
    return asyncio.run(Check(_prepared[0], declared, marks).stretch(stretch))


class Check:
    """Checks stretches of chains."""

    def __init__(self, rows: Rows, declared: frozenset[str], marks: Marks) -> None:
        self._rows = rows
        self.declared = declared
        self.marks = marks
        self.state = State()

    async def stretch(self, stretch: Stretch) -> State:
        """What is wrong in a stretch; the state says how far it came."""
        self.state = State()
        after, before = await self._start(stretch)
        async for rows in e.read_chain(self._rows, stretch.chain, after, stretch.last):
            before = self._follow(stretch.chain, after, before, rows)
            await self._compare(stretch.chain, rows)
            after = rows[-1].seq
            self.state.entries += len(rows)
        self.state.reached[stretch.chain] = (after, before)
        return self.state

    async def _start(self, stretch: Stretch) -> tuple[int, bytes]:
        sql = "SELECT seq, hash FROM audit WHERE chain = ? AND seq <= ? ORDER BY seq DESC LIMIT 1"
        rows = await self._rows.rows(sql, (stretch.chain, stretch.after)) if stretch.after else []
        return (int(rows[0][0]), bytes(rows[0][1])) if rows else (0, FIRST)

    def _break(self, chain: str, entry: Entry, problem: str) -> None:
        self.state.breaks.append(
            Break(chain=chain, seq=entry.seq, reference=entry.reference, problem=problem)
        )

    # -- the chain -------------------------------------------------------------------------------

    def _follow(self, chain: str, after: int, before: bytes, rows: Iterable[Entry]) -> bytes:
        for entry in rows:
            if entry.seq != after + 1:
                gone = "an entry before it is" if entry.seq == after + 2 else "entries before it are"
                self._break(chain, entry, f"{gone} missing (from number {after + 1})")
            elif not entry.follows(before, chain):
                self._break(chain, entry, "it was changed, or stands in another's place")
            for at, mark in self.marks.get((chain, entry.seq), ()):
                if mark != entry.hash:
                    self._break(chain, entry, f"the checkpoint of {moment(at)} saw another entry here")
            after, before = entry.seq, entry.hash
        return before

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
        if f"{table}:{entry.reference}" not in self.declared:
            self._break(chain, entry, f"the {what} it speaks of is gone")

    def _changed(self, chain: str, entry: Entry, table: str, what: str, name: str = "") -> None:
        if f"{table}:{name or entry.reference}" not in self.declared:
            self._break(chain, entry, f"the {what} it speaks of was changed")

    async def _decisions(self, chain: str, rows: Sequence[Entry]) -> None:
        found = await e.decisions_of(self._rows, [r.reference.partition("-")[0] for r in rows])
        sealed = [r.reference.partition("-")[0] for r in rows if r.detail]
        messages = await e.messages_of(self._rows, sealed)
        bodies = await e.bodies_of(self._rows, sealed)
        for entry in rows:
            decision = found.get(entry.reference)
            if decision is None:
                self._lost(chain, entry, "decisions", "decision")
                continue
            self.state.matched["decisions"] += 1
            if not fits(entry.digest, decision_digest, decision, entry.salt, entry.detail):
                self._changed(chain, entry, "decisions", "decision")
            elif entry.detail:
                self._message(chain, entry, messages.get(decision.message_id), decision.class_, bodies)

    def _message(
        self, chain: str, entry: Entry, row: MessageRow | None, class_: str, bodies: dict[str, bytes]
    ) -> None:
        name = entry.reference.partition("-")[0]
        if row is None:
            if f"messages:{name}" not in self.declared:
                self._break(chain, entry, "the message it speaks of is gone")
            return
        self.state.matched["messages"] += 1
        salt, said, octets = entry.detail[:SALT], entry.detail[SALT : SALT + 32], entry.detail[SALT + 32 :]
        if row.class_ != class_ or not fits(said, message_digest, row, salt):
            self._changed(chain, entry, "messages", "message", name)
        elif name in bodies and not fits(octets, body_digest, bodies[name], salt):
            self._break(chain, entry, "the octets of the message it speaks of were changed")

    async def _holds(self, chain: str, rows: Sequence[Entry]) -> None:
        found = await e.holds_of(self._rows, [r.reference for r in rows])
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
            if hold.status != status or not fits(entry.digest, hold_digest, hold, entry.salt):
                self._changed(chain, entry, "holds", "hold")

    async def _consents(self, chain: str, rows: Sequence[Entry]) -> None:
        found = await e.consents_of(self._rows, [r.reference for r in rows])
        for entry in rows:
            lines = found.get(entry.reference)
            if not lines:
                self._lost(chain, entry, "consents", "consent")
                continue
            self.state.matched["consents"] += 1
            if not any(fits(entry.digest, consent_digest, line, entry.salt) for line in lines):
                self._changed(chain, entry, "consents", "consent")

    async def _events(self, chain: str, rows: Sequence[Entry]) -> None:
        found = await e.events_of(self._rows, [r.reference for r in rows])
        for entry in rows:
            event = found.get(entry.reference)
            if event is None:
                self._lost(chain, entry, "events", "event")
                continue
            self.state.matched["events"] += 1
            if not fits(entry.digest, event_digest, event, entry.salt):
                self._changed(chain, entry, "events", "event")


def fits(digest: object, make: Callable[..., bytes], *said: object) -> bool:
    """Whether a row has this digest. Values of other types than were ever written have none."""
    try:
        return make(*said) == digest
    except (TypeError, ValueError, AttributeError):
        return False


def moment(at: float) -> str:
    """A time as people read it: ISO 8601 in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
