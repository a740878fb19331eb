"""A stretch of an audit chain: its entries follow one another, and the rows they speak of are as they were
when they were written. Worker processes check several stretches side by side."""

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from gateway.evidence import entries as e
from gateway.evidence import shelf
from gateway.evidence.entries import Rows
from gateway.evidence.origin import Bench, Origin
from gateway.policy.outcome import Outcome
from gateway.store.digests import (
    SALT,
    body_digest,
    consent_digest,
    decision_digest,
    event_digest,
    hold_digest,
    message_digest,
)
from gateway.store.records import DecisionRow
from gateway.store.sqlite_writes import link

FIRST = bytes(32)
CLOSED = ("released", "rejected", "expired")
DEEDS = ("hold.viewed", "hold.proposed", "consent.asked", "consent.unconfirmed")
"""Entries that say who did something, and nothing of what a row holds."""
OCTETS_AT_ONCE = 20
OCTETS = SALT + 32
"""Where in a seal the hash of a message's octets begins."""

Fields = tuple[Any, ...]
"""An entry as the database gives it: the fields of an Entry, in its order."""


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


_prepared: list[Bench] = []
"""What a worker process reads; only there."""


def prepare(origin: Origin) -> None:
    """Open a database for reading, in a worker process. Nothing there goes in circles, and looking for
    such garbage among thousands of rows would take a tenth of the time."""
    _prepared.append(Bench(origin))
    gc.disable()


def work(stretch: Stretch, declared: frozenset[str], marks: Marks) -> State:
    """Check a stretch, in a worker process."""
    return _prepared[0].run(lambda rows: Check(rows, declared, marks).stretch(stretch))


class Check:
    """Checks stretches of chains."""

    def __init__(self, rows: Rows, declared: frozenset[str], marks: Marks) -> None:
        self._rows = rows
        self.declared = declared
        self.marks = marks
        self.state = State()
        self._comparing = {
            "decision": self._decisions,
            "hold": self._holds,
            "consent": self._consents,
            "event": self._events,
        }

    async def stretch(self, stretch: Stretch) -> State:
        """What is wrong in a stretch; the state says how far it came."""
        self.state = State()
        after, before = await self._start(stretch)
        async for rows in e.walk_chain(self._rows, stretch.chain, after, stretch.last):
            before = self._follow(stretch.chain, after, before, rows)
            await self._compare(stretch.chain, rows)
            after = rows[-1][0]
            self.state.entries += len(rows)
        self.state.reached[stretch.chain] = (after, before)
        return self.state

    async def _start(self, stretch: Stretch) -> tuple[int, bytes]:
        sql = "SELECT seq, hash FROM audit WHERE chain = ? AND seq <= ? ORDER BY seq DESC LIMIT 1"
        rows = await self._rows.rows(sql, (stretch.chain, stretch.after)) if stretch.after else []
        return (int(rows[0][0]), bytes(rows[0][1])) if rows else (0, FIRST)

    def _break(self, chain: str, row: Fields, problem: str) -> None:
        self.state.breaks.append(Break(chain=chain, seq=row[0], reference=str(row[3]), problem=problem))

    # -- the chain -------------------------------------------------------------------------------

    def _follow(self, chain: str, after: int, before: bytes, rows: Iterable[Fields]) -> bytes:
        marked = bool(self.marks)
        for row in rows:
            seq, at, kind, reference, actor, digest, _, _, mark = row
            try:
                whole = link(before, chain, seq, at, kind, reference, actor, digest) == mark
            except (TypeError, ValueError):
                whole = False
            if seq != after + 1:
                gone = "an entry before it is" if seq == after + 2 else "entries before it are"
                self._break(chain, row, f"{gone} missing (from number {after + 1})")
            elif not whole:
                self._break(chain, row, "it was changed, or stands in another's place")
            if marked:
                self._check_marks(chain, row)
            after, before = seq, mark
        return before

    def _check_marks(self, chain: str, row: Fields) -> None:
        for at, mark in self.marks.get((chain, row[0]), ()):
            if mark != row[8]:
                self._break(chain, row, f"the checkpoint of {moment(at)} saw another entry here")

    # -- the rows --------------------------------------------------------------------------------

    async def _compare(self, chain: str, rows: Sequence[Fields]) -> None:
        by_kind: dict[object, list[Fields]] = {}
        for row in rows:
            if row[3].__class__ is str:
                by_kind.setdefault(row[2], []).append(row)
        for kind, entries in by_kind.items():
            compare = self._comparing.get(str(kind).partition(".")[0])
            if compare is not None and kind not in DEEDS:
                await compare(chain, entries)

    def _lost(self, chain: str, row: Fields, table: str, what: str) -> None:
        if f"{table}:{row[3]}" not in self.declared:
            self._break(chain, row, f"the {what} it speaks of is gone")

    def _changed(self, chain: str, row: Fields, table: str, what: str, name: str = "") -> None:
        if f"{table}:{name or row[3]}" not in self.declared:
            self._break(chain, row, f"the {what} it speaks of was changed")

    async def _decisions(self, chain: str, rows: Sequence[Fields]) -> None:
        names = [row[3].partition("-")[0] for row in rows]
        found = await shelf.decisions(self._rows, names)
        sealing: list[tuple[Fields, DecisionRow]] = []
        lost = 0
        for row in rows:
            decision, seal = found.get(row[3]), row[7]
            if decision is None:
                lost += 1
                self._lost(chain, row, "decisions", "decision")
            elif not fits(row[5], decision_digest, decision, row[6], seal):
                self._changed(chain, row, "decisions", "decision")
            elif seal:
                sealing.append((row, decision))
        self.state.matched["decisions"] += len(rows) - lost
        await self._messages(chain, sealing)

    async def _messages(self, chain: str, sealing: Sequence[tuple[Fields, DecisionRow]]) -> None:
        """Compare the messages of first decisions, whose entries have their seals."""
        found = await shelf.messages(self._rows, [decision[0] for _, decision in sealing])
        sealed: dict[str, Fields] = {}
        for row, decision in sealing:
            name, seal = decision[0], row[7]
            message = found.get(name)
            if message is None:
                if f"messages:{name}" not in self.declared:
                    self._break(chain, row, "the message it speaks of is gone")
                continue
            self.state.matched["messages"] += 1
            if message[5] == decision[6] and fits(seal[SALT:OCTETS], message_digest, message, seal[:SALT]):
                sealed[name] = row
            else:
                self._changed(chain, row, "messages", "message", name)
        await self._octets(chain, sealed)

    async def _octets(self, chain: str, sealed: dict[str, Fields]) -> None:
        """Compare the octets that are still kept, a few messages at a time: each may be large."""
        kept = [name for name in await shelf.kept_bodies(self._rows, sealed) if name in sealed]
        for start in range(0, len(kept), OCTETS_AT_ONCE):
            for name, content in (
                await e.bodies_of(self._rows, kept[start : start + OCTETS_AT_ONCE])
            ).items():
                row = sealed[name]
                if not fits(row[7][OCTETS:], body_digest, content, row[7][:SALT]):
                    self._break(chain, row, "the octets of the message it speaks of were changed")

    async def _holds(self, chain: str, rows: Sequence[Fields]) -> None:
        found = await shelf.holds(self._rows, [row[3] for row in rows])
        differ: list[Fields] = []
        for row in rows:
            status = row[2].partition(".")[2]
            hold = found.get(row[3])
            if hold is None:
                self._lost(chain, row, "holds", "hold")
                continue
            if status == "open" and hold.status != "open":
                continue
            if status in CLOSED:
                self.state.matched["holds"] += 1
            if hold.status != status or not fits(row[5], hold_digest, hold, row[6]):
                differ.append(row)
        anew = await self._held_anew(differ)
        for row in differ:
            if row not in anew:
                self._changed(chain, row, "holds", "hold")
            elif row[2].partition(".")[2] in CLOSED:
                self.state.matched["holds"] -= 1

    async def _held_anew(self, rows: Sequence[Fields]) -> list[Fields]:
        """Those entries of holds after which the same message was held once more, on its way out."""
        if not rows:
            return []
        last: dict[str, float] = {}
        for name, made in (
            await shelf.decisions(self._rows, {row[3].partition("-")[0] for row in rows})
        ).items():
            if made[5] == Outcome.HOLD and isinstance(made[4], float):
                hold = name.partition(".")[0]
                last[hold] = max(last.get(hold, 0.0), made[4])
        return [row for row in rows if isinstance(row[1], float) and last.get(row[3], 0.0) > row[1]]

    async def _consents(self, chain: str, rows: Sequence[Fields]) -> None:
        found = await shelf.consents(self._rows, [row[3] for row in rows])
        for row in rows:
            lines = found.get(row[3])
            if not lines:
                self._lost(chain, row, "consents", "consent")
                continue
            self.state.matched["consents"] += 1
            for line in lines:
                if fits(row[5], consent_digest, line, row[6]):
                    break
            else:
                self._changed(chain, row, "consents", "consent")

    async def _events(self, chain: str, rows: Sequence[Fields]) -> None:
        found = await shelf.events(self._rows, [row[3] for row in rows])
        for row in rows:
            event = found.get(row[3])
            if event is None:
                self._lost(chain, row, "events", "event")
                continue
            self.state.matched["events"] += 1
            if not fits(row[5], event_digest, event, row[6]):
                self._changed(chain, row, "events", "event")


def fits(digest: object, make: Callable[..., bytes], *said: object) -> bool:
    """Whether this is the digest of what was said. Values of other types than were ever written have none."""
    try:
        return make(*said) == digest
    except (TypeError, ValueError, AttributeError):
        return False


def moment(at: float) -> str:
    """A time as people read it: ISO 8601 in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
