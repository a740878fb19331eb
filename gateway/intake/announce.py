"""What is told outside: read from the audit log, which every deed enters in its own transaction.

A subscriber costs the way of a message nothing: what it is told stands in the log already. Each writer's
chain is numbered without gaps in the order of its commits, so a position in every chain says what was told.
No address and no text of a message is told: who submitted it knows them by the id in its receipt.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from gateway.ledger.bounce import is_hard
from gateway.message.ids import is_id
from gateway.policy.outcome import Outcome
from gateway.policy.wording import unquoted
from gateway.store.packing import unpack_decision
from gateway.store.protocol import Store

TYPES = (
    "message.accepted",
    "message.held",
    "message.released",
    "message.rejected",
    "message.expired",
    "message.cancelled",
    "message.delivered",
    "message.failed",
    "message.bounced",
    "message.complained",
    "message.replied",
    "message.answered",
    "consent.granted",
    "consent.withdrawn",
    "consent.objected",
    "policy.changed",
)
"""Every type of event that is told."""

KINDS: Mapping[str, tuple[str, ...]] = {
    "decision": ("message.accepted", "message.held", "message.rejected"),
    "hold.released": ("message.released",),
    "hold.rejected": ("message.rejected",),
    "hold.expired": ("message.expired",),
    "hold.cancelled": ("message.cancelled",),
    "event.message.delivered": ("message.delivered",),
    "event.message.failed": ("message.failed",),
    "event.message.bounced": ("message.bounced",),
    "event.complaint": ("message.complained",),
    "event.message.replied": ("message.replied",),
    "event.message.answered": ("message.answered",),
    "consent.granted": ("consent.granted",),
    "consent.confirmed": ("consent.granted",),
    "consent.imported": ("consent.granted",),
    "consent.withdrawn": ("consent.withdrawn",),
    "consent.objected": ("consent.objected",),
    "policy.changed": ("policy.changed",),
}
"""Kinds of audit entries, and what each may be told as."""

_MOST_VIOLATIONS = 20
_NEXT_CHAIN = "SELECT MIN(chain) FROM audit WHERE chain > ?"
_HEAD = "SELECT MAX(seq) FROM audit WHERE chain = ?"
_HEADS = (
    "WITH RECURSIVE c (chain) AS (SELECT MIN(chain) FROM audit UNION ALL"
    " SELECT (SELECT MIN(a.chain) FROM audit a WHERE a.chain > c.chain) FROM c WHERE c.chain IS NOT NULL)"
    " SELECT c.chain, (SELECT MAX(a.seq) FROM audit a WHERE a.chain = c.chain) FROM c"
    " WHERE c.chain IS NOT NULL"
)
_AFTER = "SELECT seq, at, kind, reference FROM audit WHERE chain = ? AND seq > ? ORDER BY seq LIMIT ?"
_SINCE = _AFTER.replace("seq > ?", "seq > ? AND at >= ?")
_DECISION = (
    "SELECT controller, source, outcome, class, channel, campaign, policy_version, violations FROM decisions"
    " WHERE message_id = ? AND n = ? AND round = ?"
)
_HOLD = "SELECT controller, source, message_id, n, class, channel, campaign, codes FROM holds WHERE id = ?"
_EVENT = "SELECT controller, source, data, subject FROM events WHERE id = ?"
_RECIPIENT = "SELECT MIN(n) FROM decisions WHERE message_id = ? AND controller = ? AND subject = ?"
_CONSENT = "SELECT controller, source, purpose, channel, grade, basis FROM consent_events WHERE id = ?"
_TOLD = ("channel", "message", "thread", "purpose", "note", "effect", "reply")


class Entry(NamedTuple):
    """An entry of the audit log: what was done, to what, and where that stands."""

    chain: str
    seq: int
    at: float
    kind: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One event as it is told. `id` is the same however often. `source` is whose message it was, ""
    where it concerns the controller; both are "" where it concerns everyone."""

    id: str
    type: str
    at: float
    controller: str = ""
    source: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The body of the webhook: type, timestamp, data."""
        stamp = datetime.fromtimestamp(self.at, UTC).isoformat(timespec="milliseconds")
        told = {"type": self.type, "timestamp": stamp.replace("+00:00", "Z"), "data": dict(self.data)}
        return orjson.dumps(told)


async def chains_of(store: Store) -> list[str]:
    """The name of every chain. Raises StoreError."""
    found: list[str] = []
    while (rows := await store.rows(_NEXT_CHAIN, (found[-1] if found else "",))) and rows[0][0]:
        found.append(str(rows[0][0]))
    return found


async def heads_of(store: Store) -> dict[str, int]:
    """Where every chain ends now. Raises StoreError. Each process that ever wrote has a chain, so they are
    asked for together; where tables are spread over several nodes that cannot be."""
    if store.distributed:
        return {chain: (await store.rows(_HEAD, (chain,)))[0][0] for chain in await chains_of(store)}
    return {str(chain): int(seq) for chain, seq in await store.rows(_HEADS)}


async def entries_after(store: Store, told: Mapping[str, int], limit: int) -> list[Entry]:
    """At most `limit` entries after a position in every chain, in the order of each. Raises StoreError."""
    found: list[Entry] = []
    for chain, head in (await heads_of(store)).items():
        if head > told.get(chain, 0):
            rows = await store.rows(_AFTER, (chain, told.get(chain, 0), limit - len(found)))
            found += [Entry(chain, *row) for row in rows]
        if len(found) >= limit:
            break
    return found


async def entries_since(store: Store, since: float, step: int = 500) -> list[Entry]:
    """Every entry that can be told from a moment on. Raises StoreError."""
    found: list[Entry] = []
    for chain in await chains_of(store):
        seq = 0
        while rows := await store.rows(_SINCE, (chain, seq, since, step)):
            seq = rows[-1][0]
            found += [Entry(chain, *row) for row in rows if row[2] in KINDS]
    return sorted(found, key=lambda entry: entry.at)


async def announce(store: Store, entry: Entry) -> Announcement | None:
    """What an entry is told as; None where it is not told, or where its row is gone. Raises StoreError."""
    if entry.kind not in KINDS:
        return None
    area = entry.kind.partition(".")[0]
    return await _READERS[area](store, entry)


async def _decision(store: Store, entry: Entry) -> Announcement | None:
    message, _, rest = entry.reference.partition("-")
    n, _, round_ = rest.partition(".")
    if round_ or not is_id(message) or not n.isdigit():
        return None  # decided again: what came of it is told as release, refusal or expiry
    rows = await store.rows(_DECISION, (message, int(n), 0))
    if not rows:
        return None
    controller, source, outcome, class_, channel, campaign, version, violations = rows[0]
    data = {
        "message_id": message,
        "decision_id": entry.reference,
        "recipient": int(n),
        "channel": channel,
        "class": class_,
        "campaign": campaign,
        "policy_version": version,
        "violations": _violations(violations, outcome, class_, version),
    }
    type_ = f"message.{Outcome(outcome).word}"
    return _said(entry, type_, controller, source, data)


def _violations(packed: Any, outcome: int, class_: str, version: str) -> list[dict[str, str]]:
    if not packed:
        return []  # erased
    decision = unpack_decision(bytes(packed), outcome, class_, version)
    return [
        {
            "policy": v.policy,
            "rule": v.rule,
            "code": v.code,
            "outcome": v.outcome.word,
            "reason": unquoted(v.reason.en),
            "remedy": v.remedy.en,
        }
        for v in decision.enforced[:_MOST_VIOLATIONS]
    ]


async def _hold(store: Store, entry: Entry) -> Announcement | None:
    rows = await store.rows(_HOLD, (entry.reference,))
    if not rows:
        return None
    controller, source, message, n, class_, channel, campaign, codes = rows[0]
    data = {
        "hold_id": entry.reference,
        "message_id": message,
        "recipient": n,
        "channel": channel,
        "class": class_,
        "campaign": campaign,
        "codes": codes.split(),
    }
    return _said(entry, KINDS[entry.kind][0], controller, source, data)


async def _event(store: Store, entry: Entry) -> Announcement | None:
    rows = await store.rows(_EVENT, (entry.reference,))
    if not rows:
        return None
    controller, source, packed, subject = rows[0]
    kept = orjson.loads(bytes(packed) or b"{}")
    data = {"event_id": entry.reference, "told_by": source}
    data |= {name: kept[name] for name in _TOLD if kept.get(name)}
    if message := data.get("message"):
        data["message_id"] = message
        found = await store.rows(_RECIPIENT, (message, controller, bytes(subject)))
        if found[0][0] is not None:
            data["recipient"] = found[0][0]
    type_ = KINDS[entry.kind][0]
    if type_ == "message.bounced":
        data["kind"] = "hard" if is_hard(kept.get("data", kept)) else "soft"
    if type_ == "message.failed" and "phase" in kept:
        data |= {name: kept[name] for name in ("kind", "code", "status") if kept[name]}
    return _said(entry, type_, controller, "", data)


async def _consent(store: Store, entry: Entry) -> Announcement | None:
    rows = await store.rows(_CONSENT, (entry.reference,))
    if not rows:
        return None
    names = ("told_by", "purpose", "channel", "grade", "basis")
    data = {"consent_id": entry.reference} | dict(zip(names, rows[0][1:], strict=True))
    return _said(entry, KINDS[entry.kind][0], rows[0][0], "", data)


async def _policy(store: Store, entry: Entry) -> Announcement | None:
    said = _said(entry, "policy.changed", "", "", {"policy_version": entry.reference})
    # A version may come back after others: that is another event than its first coming.
    return replace(said, id=f"{said.id}-{int(entry.at * 1000)}")


def _said(entry: Entry, type_: str, controller: str, source: str, data: Mapping[str, Any]) -> Announcement:
    id_ = f"{entry.kind}-{entry.reference}".replace(".", "-")
    return Announcement(id=id_, type=type_, at=entry.at, controller=controller, source=source, data=data)


_READERS: Mapping[str, Callable[[Store, Entry], Awaitable[Announcement | None]]] = {
    "decision": _decision,
    "hold": _hold,
    "event": _event,
    "consent": _consent,
    "policy": _policy,
}
