"""The right to erasure (GDPR 17): everything personal goes, a keyed hash that says stop stays.

First the stop stands and nothing waits any more; then the traces go, some at a time, each batch with an
entry of the audit log that names the rows, so that the log still verifies. What was interrupted goes on
when it is asked again, and `resume` finds it by itself.
"""

import os
from collections.abc import AsyncIterator, Sequence, Set
from hashlib import blake2b
from typing import Any

import orjson

from gateway.evidence.entries import DECIDED, Rows, declaration, speaking_of
from gateway.evidence.traces import Traces, traces_of
from gateway.evidence.unplaced import replies_from, requests_of
from gateway.keys import Keys, lane_of
from gateway.ledger.person import UNKNOWN, Person, Stop
from gateway.message.ids import new_id
from gateway.store.digests import SALT
from gateway.store.draft import Draft, Needs
from gateway.store.protocol import Store
from gateway.store.records import MessageRow, Ref, sent_hash

BATCH = 100
"""Decisions, events and consents that one transaction empties: a few milliseconds."""
NOBODY = bytes(16)
DAY = 86400.0
EMPTY = b"{}"

_AT = "lane = ? AND controller = ? AND subject = ?"


class _Stop:
    """Nobody writes to this person again, and nothing that waits is sent."""

    def __init__(self, ref: Ref, erasure: str, actor: str) -> None:
        self._ref = ref
        self._erasure = erasure
        self._actor = actor
        self.needs = Needs(people=(ref,))

    def apply(self, draft: Draft[None]) -> None:
        """The stop is all that stays of the person."""
        ref, who = self._ref, (lane_of(self._ref[1]), *self._ref)
        before = draft.person(ref)
        at = min((s.at for s in before.stops if s.kind == "erased"), default=draft.now)
        for sender in before.relationships:
            draft.owe_answer(ref[0], sender, ref[1], 0.0)
        draft.set_person(ref, Person(stops=(Stop("erased", at),)))
        draft.cancel(ref, "erased", every=True)
        statements = draft.writes.statements
        statements.append(("DELETE FROM waiting_replies WHERE controller = ? AND subject = ?", ref))
        statements.append((_BEGIN, (self._erasure, *who, draft.now)))
        told = {"erasure": self._erasure}
        draft.writes.audit.append(declaration(draft.now, "subject.erasing", self._erasure, self._actor, told))


class _Empty:
    """Empty or drop some of a person's traces, and say in the audit log which."""

    def __init__(
        self, traces: Traces, entries: Sequence[tuple[str, int, bytes, bytes]], erasure: str, actor: str
    ) -> None:
        self._traces = traces
        self._entries = entries
        self._erasure = erasure
        self._actor = actor
        self.needs = Needs(people=(traces.ref,), messages=tuple(traces.messages))

    def apply(self, draft: Draft[None]) -> None:
        """Nothing personal is left of these rows."""
        traces, statements = self._traces, draft.writes.statements
        who = (lane_of(traces.ref[1]), *traces.ref)
        for consent in traces.consents:
            statements.append((f"DELETE FROM consent_events WHERE {_AT} AND id = ?", (*who, consent.id)))
        for event in traces.events:
            statements.append((f"DELETE FROM events WHERE {_AT} AND id = ?", (*who, event.id)))
            statements.append(("DELETE FROM replays WHERE key = ?", (event.dedup,)))
        for hold in traces.holds:
            statements.append((_EMPTY_HOLD, (0, NOBODY, hold.id)))
        self._messages(draft)
        for decision in traces.decisions:
            values = (0, NOBODY, bare(decision.violations), EMPTY, decision.message_id, decision.n)
            statements.append((_EMPTY_DECISION, (*values, decision.round)))
            name = f"{decision.message_id}-{decision.n}"
            statements.append(("UPDATE attempts SET text = '' WHERE id = ?", (name,)))
            draft.writes.freed.append(decision.message_id)
        for chain, seq, salt, detail in self._entries:
            statements.append((_EMPTY_ENTRY, (salt, detail, chain, seq)))
        draft.writes.audit.append(
            declaration(draft.now, "erased", self._erasure, self._actor, {"rows": named(traces)})
        )

    def _messages(self, draft: Draft[None]) -> None:
        statements = draft.writes.statements
        for name in self._traces.messages:
            found = draft.message(name)
            if found is None:
                continue
            row = found[0]
            gone = {d.n for d in self._traces.decisions if d.message_id == name}
            meta = without(row.meta, gone)
            statements.append((_EMPTY_MESSAGE, (meta, wordless(row.reading), name)))
            statements.extend(_left_elsewhere(row))


_BEGIN = (
    "INSERT INTO erasures (id, lane, controller, subject, started_at, finished_at)"
    " VALUES (?, ?, ?, ?, ?, 0.0)"
)
_FINISH = "UPDATE erasures SET finished_at = ? WHERE id = ? AND finished_at = 0"
_LATE_ATTEMPTS = (
    "UPDATE attempts SET text = '' WHERE text <> '' AND id IN"
    " (SELECT message_id || '-' || n FROM decisions WHERE lane = ? AND subject = ?)"
)
_EMPTY_HOLD = "UPDATE holds SET lane = ?, subject = ?, cluster = '', reason = '' WHERE id = ?"
_EMPTY_MESSAGE = "UPDATE messages SET meta = ?, reading = ? WHERE id = ?"
_EMPTY_DECISION = (
    "UPDATE decisions SET lane = ?, subject = ?, violations = ?, snapshot = ?"
    " WHERE message_id = ? AND n = ? AND round = ?"
)
_EMPTY_ENTRY = "UPDATE audit SET salt = ?, detail = ? WHERE chain = ? AND seq = ?"


def _left_elsewhere(row: MessageRow) -> list[tuple[str, tuple[Any, ...]]]:
    """Deletions of what else was kept of a message: its Message-ID and the answer to its repetition."""
    data = orjson.loads(row.meta)
    found: list[tuple[str, tuple[Any, ...]]] = []
    if data.get("message_id"):
        mark, day = sent_hash(data["message_id"]), int(row.received_at // DAY)
        found.extend(
            ("DELETE FROM sent_ids WHERE day = ? AND hash = ? AND message_id = ?", (n, mark, row.id))
            for n in (day, day + 1)
        )
    if data.get("idempotency_key"):
        said = f"{row.source}\0{data['idempotency_key']}".encode()
        key = blake2b(said, digest_size=16).digest()
        found.append(("DELETE FROM replays WHERE key = ?", (key,)))
    return found


def without(meta: bytes, gone: set[int]) -> bytes:
    """A message's row without some recipients' particulars, and without names that could be theirs."""
    data = orjson.loads(meta)
    data["r"] = [
        [r[0], "", "", "", "", r[5], "", {}, [], "", ""] if n in gone else r for n, r in enumerate(data["r"])
    ]
    for name in ("message_id", "idempotency_key", "external_id", "list_unsubscribe", "thread", "in_reply_to"):
        data.pop(name, None)
    return orjson.dumps(data)


def wordless(reading: bytes) -> bytes:
    """A reading with its findings and without the words that showed them."""
    data = orjson.loads(reading)
    data["f"] = {name: (value, score, []) for name, (value, score, _) in data["f"].items()}
    data["g"] = (data["g"][0], "", [])
    return orjson.dumps(data)


def bare(violations: bytes) -> bytes:
    """Which rules were violated, without reasons and evidence."""
    data = orjson.loads(violations)
    if "v" in data:
        kept = ("policy", "rule", "code", "outcome", "mode", "earliest", "condition")
        empty = {"reason": ("", ""), "remedy": ("", ""), "evidence": []}
        data["v"] = [{**{name: v[name] for name in kept}, **empty} for v in data["v"]]
    return orjson.dumps(data)


def named(traces: Traces) -> dict[str, list[str]]:
    """The rows that go, by the names that the audit log has for them."""
    return {
        "decisions": [d.id for d in traces.decisions],
        "messages": list(traces.messages),
        "holds": [h.id for h in traces.holds],
        "consents": [c.id for c in traces.consents],
        "events": [e.id for e in traces.events],
    }


async def entries_of(store: Rows, traces: Traces) -> list[tuple[str, int, bytes, bytes]]:
    """The audit entries about these rows, as (chain, number, salt, detail) without what could tell whom
    they are about. The first decision of a message to several keeps its own salt."""
    names = {name for names in named(traces).values() for name in names}
    sealed = {f"{name}-0" for name in traces.messages}
    times = {d.at for d in traces.decisions} | {c.recorded_at for c in traces.consents}
    times |= {e.recorded_at for e in traces.events} | {h.decided_at for h in traces.holds if h.decided_at}
    told = {(d.id, "decision") for d in traces.decisions} | {(c.id, "consent") for c in traces.consents}
    told |= {(e.id, "event") for e in traces.events}
    told |= {(h.id, "hold") for h in traces.holds if h.status in DECIDED}
    entries = await speaking_of(store, names | sealed, times, told)
    return [
        (
            chain,
            seq,
            b"" if entry.reference in names else entry.salt,
            bytes(SALT) + entry.detail[SALT:] if entry.detail else b"",
        )
        for (chain, seq), entry in entries.items()
    ]


async def erase(
    store: Store, refs: Sequence[Ref], actor: str, now: float, keys: Keys | None = None
) -> AsyncIterator[dict[str, int]]:
    """Erase some subjects; yields how many rows went, batch by batch. With the keys, replies that were
    matched to nobody are found by the addresses in them. May be asked again at any time. Raises
    StoreError."""
    begun = []
    for ref in refs:
        erasure = new_id(now, os.urandom(10))
        await store.run(_Stop(ref, erasure, actor))
        begun.append((ref, erasure))
    for ref, erasure in begun:
        async for counts in empty(store, ref, erasure, actor):
            yield counts
        await _unconfirmed(store, ref)
    if keys is not None:
        yield {"events": await _unmatched(store, {ref[1] for ref in refs}, keys, actor)}
    await store.run(_Say([(_LATE_ATTEMPTS, (0, NOBODY))], {}))
    for _, erasure in begun:
        await finish(store, erasure)


async def empty(store: Store, ref: Ref, erasure: str, actor: str) -> AsyncIterator[dict[str, int]]:
    """Empty the traces of one subject, batch by batch."""
    while True:
        traces = await traces_of(store, ref, BATCH)
        counts = traces.counts
        if not any(counts[name] for name in ("consents", "events", "decisions")):
            return
        await store.run(_Empty(traces, await entries_of(store, traces), erasure, actor))
        yield counts


async def resume(store: Store, actor: str = "gateway") -> int:
    """Go on with erasures that were interrupted; how many there were. Deliveries that were under way at
    an erasure may have told of their attempt later: those words go too."""
    rows = await store.rows("SELECT id, controller, subject FROM erasures WHERE finished_at = 0")
    for erasure, controller, subject in rows:
        async for _ in empty(store, (str(controller), bytes(subject)), str(erasure), actor):
            pass
        await finish(store, str(erasure))
    if rows:
        await store.run(_Say([(_LATE_ATTEMPTS, (0, NOBODY))], {}))
    return len(rows)


class _Say:
    """Statements, and entries about them."""

    needs = Needs()

    def __init__(self, statements: Sequence[tuple[str, tuple[Any, ...]]], told: dict[str, Any]) -> None:
        self._statements = statements
        self._told = told

    def apply(self, draft: Draft[None]) -> None:
        """Do them."""
        draft.writes.statements.extend(self._statements)
        if self._told:
            draft.writes.audit.append(
                declaration(draft.now, "erased", "", self._told["actor"], {"rows": self._told["rows"]})
            )


class _Finish:
    needs = Needs()

    def __init__(self, erasure: str) -> None:
        self._erasure = erasure

    def apply(self, draft: Draft[None]) -> None:
        draft.writes.statements.append((_FINISH, (draft.now, self._erasure)))


async def finish(store: Store, erasure: str) -> None:
    """The erasure is whole."""
    await store.run(_Finish(erasure))


async def _unmatched(store: Store, subjects: Set[bytes], keys: Keys, actor: str) -> int:
    """Replies that nobody could place and that come from an address of these subjects: they go whole."""
    gone = [one.id for one in await replies_from(store, subjects, keys)]
    if gone:
        drops: list[tuple[str, tuple[Any, ...]]] = [
            ("DELETE FROM events WHERE id = ? AND type = 'reply.unmatched'", (name,)) for name in gone
        ]
        await store.run(_Say(drops, {"actor": actor, "rows": {"events": gone}}))
    return len(gone)


async def _unconfirmed(store: Store, ref: Ref) -> None:
    """Requests to subscribe that wait for their confirmation: with their proof, they go."""
    gone = [key for key, _ in await requests_of(store, ref)]
    if gone:
        await store.run(_Say([("DELETE FROM replays WHERE key = ?", (key,)) for key in gone], {}))


def is_erased(person: Person) -> bool:
    """Whether a stop is all that is left."""
    return person is not UNKNOWN and bool(person.stops) and person.stops[-1].kind == "erased"
