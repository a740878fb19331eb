"""Where a person stands in the database: what an export shows and an erasure takes away."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.evidence.entries import (
    CONSENT_COLUMNS,
    EVENT_COLUMNS,
    Rows,
    bodies_of,
    messages_of,
)
from gateway.keys import lane_of
from gateway.ledger.person import UNKNOWN, Person
from gateway.store import queries as q
from gateway.store.codec import unpack_person
from gateway.store.records import ConsentRow, DecisionRow, EventRow, HoldRow, MessageRow, Ref


@dataclass(slots=True)
class Traces:
    """Everything stored about one subject of one controller."""

    ref: Ref
    person: Person = UNKNOWN
    consents: list[ConsentRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    decisions: list[DecisionRow] = field(default_factory=list)
    holds: list[HoldRow] = field(default_factory=list)
    messages: dict[str, MessageRow] = field(default_factory=dict)
    bodies: set[str] = field(default_factory=set)
    waiting: list[str] = field(default_factory=list)
    attempts: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How much there is of each."""
        return {
            "consents": len(self.consents),
            "events": len(self.events),
            "decisions": len(self.decisions),
            "holds": len(self.holds),
            "messages": len(self.messages),
            "bodies": len(self.bodies),
            "waiting": len(self.waiting),
            "attempts": len(self.attempts),
        }


async def subjects_like(store: Rows, subject: bytes, controller: str = "") -> list[Ref]:
    """Who an address is: the subject in every controller that knows it, with its linked addresses."""
    lane = lane_of(subject)
    named: set[str] = set()
    for table in ("people", "decisions", "consent_events", "events"):
        sql = f"SELECT DISTINCT controller FROM {table} WHERE lane = ? AND subject = ?"
        named.update(str(row[0]) for row in await store.rows(sql, (lane, subject)))
    refs: list[Ref] = []
    for name in sorted(named):
        if controller in ("", name):
            refs += await linked_to(store, (name, subject))
    return refs


async def linked_to(store: Rows, ref: Ref) -> list[Ref]:
    """A subject, and every other that is linked to it, or to one that is."""
    found = [ref]
    for one in found:
        aliases = (await person_of(store, one)).aliases
        found += [other for alias in aliases if (other := (ref[0], bytes.fromhex(alias))) not in found]
    return found


async def person_of(store: Rows, ref: Ref) -> Person:
    """What is stored of a person."""
    rows = await store.rows(q.PERSON, (lane_of(ref[1]), *ref))
    return unpack_person(bytes(rows[0][0])) if rows else UNKNOWN


async def traces_of(store: Rows, ref: Ref, limit: int = 0) -> Traces:
    """Everything stored about a subject; with a limit, at most so many rows of each table."""
    who, end = (lane_of(ref[1]), *ref), f" LIMIT {limit}" if limit else ""
    at = "lane = ? AND controller = ? AND subject = ?"
    found = Traces(ref, await person_of(store, ref))
    consents = await store.rows(f"SELECT {CONSENT_COLUMNS} FROM consent_events WHERE {at}{end}", who)
    found.consents = [ConsentRow(*row) for row in consents]
    events = await store.rows(f"SELECT {EVENT_COLUMNS} FROM events WHERE {at}{end}", who)
    found.events = [EventRow(*row) for row in events]
    decisions = await store.rows(f"SELECT {q.DECISION_COLUMNS} FROM decisions WHERE {at}{end}", who)
    found.decisions = [DecisionRow(*row) for row in decisions]
    ids = sorted({d.message_id for d in found.decisions})
    for decision_id in sorted({f"{d.message_id}-{d.n}" for d in found.decisions}):
        holds = await store.rows(f"SELECT {q.HOLD_COLUMNS} FROM holds WHERE id = ?", (decision_id,))
        found.holds.extend(HoldRow(*row) for row in holds)
        tried = "SELECT id, attempt, at, outcome, relay, code, text FROM attempts WHERE id = ?"
        found.attempts.extend(await store.rows(tried, (decision_id,)))
    found.messages = await messages_of(store, ids)
    found.bodies = set(await bodies_of(store, ids))
    waiting = await store.rows(f"SELECT id FROM outbox WHERE {at}", who)
    found.waiting = [str(row[0]) for row in waiting]
    return found


def mine(row: MessageRow, n: set[int]) -> dict[str, Any]:
    """A stored message as the person may see it: the sender, and of the recipients only themselves."""
    data = orjson.loads(row.meta)
    recipients = data.get("r", [])
    return {
        "id": row.id,
        "sender": data["s"][0],
        "recipients": [
            {"channel": r[0], "address": r[1], "name": r[3], "company": r[4], "attributes": r[7]}
            for k, r in enumerate(recipients)
            if k in n
        ],
        "class": row.class_,
        "purpose": row.purpose,
        "campaign": row.campaign,
        "reading": orjson.loads(row.reading),
    }
