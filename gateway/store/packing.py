"""Messages, readings, facts and decisions as JSON columns, and back. Pure.

What a stored decision must say for years is written here: field names never change their meaning.
"""

from operator import attrgetter
from typing import Any

import msgspec
import orjson

from gateway.ledger.autoreply import trace_of
from gateway.ledger.relationship import together
from gateway.message.content import Content
from gateway.message.envelope import Consent, Identifier, Message, Recipient, Sender
from gateway.policy.facts import NO_COPIES, NO_PACE, Copies, Facts, Pace
from gateway.policy.outcome import Decision, Outcome, Violation
from gateway.store.codec import person_of

_OFTEN_EMPTY = (
    "class_", "purpose", "campaign", "kind", "sequence_step", "thread", "in_reply_to", "message_id",
    "envelope_from", "smtputf8", "dsn_return", "dsn_envelope_id", "external_id", "send_at",
    "list_unsubscribe", "list_unsubscribe_post", "signed", "relay", "idempotency_key",
)  # fmt: skip
"""Fields of a message that are stored unless they are empty, zero or false."""

_PLAIN = ("format", "deliver", *_OFTEN_EMPTY)
_values = attrgetter(*_OFTEN_EMPTY)
_encode = msgspec.json.Encoder().encode


def pack_message(message: Message) -> bytes:
    """All of a message but its octets and content; of a subject like a machine's its trace."""
    data: dict[str, Any] = {"s": message.sender, "r": message.recipients}
    if message.format != "mime":
        data["format"] = message.format
    if not message.deliver:
        data["deliver"] = False
    data |= {name: value for name, value in zip(_OFTEN_EMPTY, _values(message), strict=True) if value}
    if message.claimed_consent is not None:
        data["consent"] = message.claimed_consent
    if trace := trace_of(message.content.subject):
        data["subject"] = trace
    return _encode(data)


def subject_trace(meta: bytes) -> str:
    """The trace of the subject (`trace_of`), "" where none was kept."""
    return str(orjson.loads(meta).get("subject", ""))


def unpack_message(
    meta: bytes,
    *,
    message_id: str,
    source: str,
    controller: str,
    channel: str,
    received_at: float,
    content: Content,
    raw: bytes,
) -> Message:
    """The message that `pack_message` and its body came from."""
    data = orjson.loads(meta)
    plain = {name: data[name] for name in _PLAIN if name in data}
    if "in_reply_to" in plain:
        plain["in_reply_to"] = tuple(plain["in_reply_to"])
    address, key, name, account = data["s"]
    claimed = data.get("consent")
    return Message(
        id=message_id,
        source=source,
        controller=controller,
        channel=channel,
        sender=Sender(address=address, key=key, name=name, account=account),
        recipients=tuple(unpack_recipient(row) for row in data["r"]),
        content=content,
        raw=raw,
        received_at=received_at,
        claimed_consent=Consent(basis=claimed[0], type=claimed[1], reference=claimed[2], at=claimed[3])
        if claimed
        else None,
        **plain,
    )


def unpack_recipient(row: list[Any]) -> Recipient:
    """One recipient of a packed message."""
    channel, address, key, name, company, jurisdiction, time_zone, attributes, aliases, notify, orcpt = row
    return Recipient(
        channel=channel, address=address, key=key, name=name, company=company, jurisdiction=jurisdiction,
        time_zone=time_zone, attributes=attributes, notify=notify, orcpt=orcpt,
        aliases=tuple(Identifier(channel=c, address=a, key=k) for c, a, k in aliases),
    )  # fmt: skip


def pack_facts(facts: Facts, sender: str) -> bytes:
    """The snapshot of what a decision knew. `sender` is whose relationship it was."""
    data: dict[str, Any] = {
        "s": sender,
        "j": facts.jurisdiction,
        "p": facts.person,
    }
    if facts.linked:
        data["l"] = facts.linked
    if facts.copies.counts:
        data["c"] = facts.copies
    pace = facts.pace
    if pace is not NO_PACE:
        asked = [
            (class_, window, n, pace.next_free.get((class_, window), 0.0))
            for (class_, window), n in _asked(pace)
        ]
        data["b"] = (asked, pace.backlog)
    data |= {name: value for name, value in zip(_SAID, _said(facts), strict=True) if value}
    if facts.trusted:
        data["t"] = sorted(facts.trusted)
    if facts.source_kind != "tool":
        data["source_kind"] = facts.source_kind
    if facts.paused:
        data["paused"] = facts.paused
    return _encode(data)


def _asked(pace: Pace) -> list[tuple[tuple[str, int], int]]:
    """The sums that a rule asked for; all of them where nobody kept track."""
    asked = getattr(pace.sent, "asked", None)
    return list(asked.items()) if asked is not None else list(pace.sent.items())


_SAID = ("known_reply", "has_reply_feed", "way_out_added", "identity", "time_zone")
_said = attrgetter(*_SAID)


def unpack_facts(data: bytes) -> Facts:
    """The facts that `pack_facts` wrote."""
    d = orjson.loads(data)
    person = person_of(d["p"])
    linked = tuple(person_of(row) for row in d.get("l", ()))
    asked, backlog = d.get("b", ((), ()))
    pace = NO_PACE
    if "b" in d:
        pace = Pace(
            sent={(c, w): n for c, w, n, _ in asked},
            next_free={(c, w): f for c, w, _, f in asked},
            backlog=tuple(backlog),
        )
    return Facts(
        person=person,
        linked=linked,
        relationship=together(person, linked, d["s"]),
        jurisdiction=d["j"],
        copies=Copies(counts=tuple(d["c"][0]), since=d["c"][1]) if "c" in d else NO_COPIES,
        pace=pace,
        trusted=frozenset(d.get("t", ())),
        paused=tuple((kind, at) for kind, at in d.get("paused", ())),
        **{name: d[name] for name in (*_SAID, "source_kind") if name in d},
    )


def pack_violations(decision: Decision) -> bytes:
    """Every violation of a decision, in both languages, with what was waived."""
    if not (decision.violations or decision.waived or decision.lets_pass or decision.errors):
        return b"{}"
    data: dict[str, Any] = {"v": decision.violations}
    if decision.waived:
        data["waived"] = decision.waived
    if decision.lets_pass:
        data["lets"] = decision.lets_pass
    if decision.errors:
        data["errors"] = decision.errors
    if decision.earliest:
        data["earliest"] = decision.earliest
    return _encode(data)


def unpack_decision(violations: bytes, outcome: int, class_: str, policy_version: str) -> Decision:
    """The decision that was stored."""
    d = orjson.loads(violations)
    return Decision(
        outcome=Outcome(outcome),
        violations=msgspec.convert(d.get("v", ()), tuple[Violation, ...]),
        class_=class_,
        policy_version=policy_version,
        earliest=d.get("earliest", 0.0),
        waived=tuple(d.get("waived", ())),
        lets_pass=tuple(d.get("lets", d.get("waived", ()))),
        errors=tuple(d.get("errors", ())),
    )
