"""Messages, readings, facts and decisions as JSON columns, and back. Pure.

What a stored decision must say for years is written here: field names never change their meaning.
"""

from collections.abc import Callable, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Any

import orjson

from gateway.ledger.person import STRANGER
from gateway.message.content import Content
from gateway.message.envelope import Consent, Identifier, Message, Recipient, Sender
from gateway.policy.facts import NO_COPIES, NO_PACE, Copies, Facts, Pace
from gateway.policy.outcome import Decision, Outcome, Violation, Words
from gateway.reading.reading import FINDINGS, Evidence, Finding, Greeting, Phrase, Reading
from gateway.store.codec import pack_person, unpack_person

_DEFAULTS = {
    "format": "mime", "class_": "", "purpose": "", "campaign": "", "kind": "", "sequence_step": 0,
    "thread": "",
    "in_reply_to": (), "message_id": "", "envelope_from": "", "smtputf8": False, "dsn_return": "",
    "dsn_envelope_id": "", "external_id": "", "deliver": True, "send_at": 0.0, "list_unsubscribe": "",
    "list_unsubscribe_post": "", "signed": False, "relay": "", "idempotency_key": "",
}  # fmt: skip


def pack_message(message: Message) -> bytes:
    """All of a message but its octets and content."""
    sender = message.sender
    data: dict[str, Any] = {
        "s": (sender.address, sender.key, sender.name, sender.account),
        "r": [_pack_recipient(r) for r in message.recipients],
    }
    for name, default in _DEFAULTS.items():
        value = getattr(message, name)
        if value != default:
            data[name] = value
    if message.claimed_consent is not None:
        c = message.claimed_consent
        data["consent"] = (c.basis, c.type, c.reference, c.at)
    return orjson.dumps(data)


def _pack_recipient(r: Recipient) -> tuple[Any, ...]:
    return (
        r.channel, r.address, r.key, r.name, r.company, r.jurisdiction, r.time_zone,
        dict(r.attributes), [(a.channel, a.address, a.key) for a in r.aliases], r.notify, r.orcpt,
    )  # fmt: skip


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
    plain = {name: data[name] for name in _DEFAULTS if name in data}
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


FAINT = 0.05
"""A score below this, of a finding that is not there, is not worth keeping."""

_FINDINGS = attrgetter(*FINDINGS)


def pack_reading(reading: Reading) -> bytes:
    """A reading without its text, but for the words that are evidence."""
    findings = {
        name: (finding.value, finding.score, [_evidence(e) for e in finding.evidence])
        for name, finding in zip(FINDINGS, _FINDINGS(reading), strict=True)
        if finding.value or finding.score >= FAINT
    }
    greeting = reading.greeting
    data: dict[str, Any] = {
        "l": reading.language,
        "f": findings,
        "g": (greeting.kind, greeting.name, [_evidence(e) for e in greeting.evidence]),
        "n": reading.length,
    }
    if reading.phrases:
        data["p"] = [phrase[1:] for phrase in reading.phrases]  # all but the hash
    if reading.truncated:
        data["t"] = True
    return orjson.dumps(data)


def _evidence(e: Evidence) -> tuple[Any, ...]:
    return (e.text, e.start, e.end, e.why, e.part)


def _unpack_evidence(rows: list[Any]) -> tuple[Evidence, ...]:
    return tuple(Evidence(text=t, start=s, end=n, why=w, part=p) for t, s, n, w, p in rows)


def unpack_reading(
    data: bytes, phrase: Callable[..., Phrase] = Phrase, hashes: Sequence[int] | None = None
) -> Reading:
    """The reading that `pack_reading` wrote; phrase hashes are gone and read as 0, unless they are given.
    `phrase` makes a phrase of its fields. ValueError where there are not as many hashes as phrases."""
    d = orjson.loads(data)
    kind, name, evidence = d["g"]
    return Reading(
        language=d["l"],
        greeting=Greeting(kind=kind, name=name, evidence=_unpack_evidence(evidence)),
        length=d["n"],
        truncated=d.get("t", False),
        phrases=_phrases(hashes, d.get("p", ()))
        if hashes is not None
        else tuple([phrase(0, *row) for row in d.get("p", ())]),
        **{key: Finding(v, score, _unpack_evidence(rows)) for key, (v, score, rows) in d["f"].items()},
    )


def _phrases(hashes: Sequence[int], rows: Sequence[Sequence[Any]]) -> tuple[Phrase, ...]:
    """All of it in C: a tenth of the time of calling Phrase for each."""
    if len(hashes) != len(rows):
        raise ValueError("as many hashes as phrases")
    if not rows:
        return ()
    columns = zip(*rows, strict=True)
    return tuple(map(tuple.__new__, repeat(Phrase), zip(hashes, *columns, strict=True)))


def pack_facts(facts: Facts, sender: str) -> bytes:
    """The snapshot of what a decision knew. `sender` is whose relationship it was."""
    data: dict[str, Any] = {
        "s": sender,
        "j": facts.jurisdiction,
        "p": orjson.Fragment(pack_person(facts.person)),
    }
    if facts.linked:
        data["l"] = [orjson.Fragment(pack_person(person)) for person in facts.linked]
    if facts.copies.counts:
        data["c"] = (facts.copies.counts, facts.copies.since)
    pace = facts.pace
    if pace is not NO_PACE:
        asked = [
            (class_, window, n, pace.next_free.get((class_, window), 0.0))
            for (class_, window), n in _asked(pace)
        ]
        data["b"] = (asked, pace.backlog)
    for name in ("known_reply", "has_reply_feed", "way_out_added"):
        if getattr(facts, name):
            data[name] = True
    for name in ("identity", "time_zone"):
        if getattr(facts, name):
            data[name] = getattr(facts, name)
    if facts.trusted:
        data["t"] = sorted(facts.trusted)
    if facts.source_kind != "tool":
        data["source_kind"] = facts.source_kind
    return orjson.dumps(data)


def _asked(pace: Pace) -> list[tuple[tuple[str, int], int]]:
    """The sums that a rule asked for; all of them where nobody kept track."""
    asked = getattr(pace.sent, "asked", None)
    return list(asked.items()) if asked is not None else list(pace.sent.items())


_FACTS = ("known_reply", "has_reply_feed", "way_out_added", "identity", "time_zone", "source_kind")


def unpack_facts(data: bytes) -> Facts:
    """The facts that `pack_facts` wrote."""
    d = orjson.loads(data)
    person = unpack_person(orjson.dumps(d["p"]))
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
        linked=tuple(unpack_person(orjson.dumps(row)) for row in d.get("l", ())),
        relationship=person.relationships.get(d["s"], STRANGER),
        jurisdiction=d["j"],
        copies=Copies(counts=tuple(d["c"][0]), since=d["c"][1]) if "c" in d else NO_COPIES,
        pace=pace,
        trusted=frozenset(d.get("t", ())),
        **{name: d[name] for name in _FACTS if name in d},
    )


def pack_violations(decision: Decision) -> bytes:
    """Every violation of a decision, in both languages, with what was waived."""
    if not decision.violations and not decision.waived and not decision.errors:
        return b"{}"
    data: dict[str, Any] = {"v": [pack_violation(v) for v in decision.violations]}
    if decision.waived:
        data["waived"] = decision.waived
    if decision.errors:
        data["errors"] = decision.errors
    if decision.earliest:
        data["earliest"] = decision.earliest
    return orjson.dumps(data)


def pack_violation(v: Violation) -> dict[str, Any]:
    """One violation as plain data."""
    return {
        "policy": v.policy, "rule": v.rule, "code": v.code, "outcome": int(v.outcome), "mode": v.mode,
        "reason": tuple(v.reason), "remedy": tuple(v.remedy), "evidence": [_evidence(e) for e in v.evidence],
        "earliest": v.earliest, "condition": v.condition,
    }  # fmt: skip


def unpack_decision(violations: bytes, outcome: int, class_: str, policy_version: str) -> Decision:
    """The decision that was stored."""
    d = orjson.loads(violations)
    return Decision(
        outcome=Outcome(outcome),
        violations=tuple(_unpack_violation(v) for v in d.get("v", ())),
        class_=class_,
        policy_version=policy_version,
        earliest=d.get("earliest", 0.0),
        waived=tuple(d.get("waived", ())),
        errors=tuple(d.get("errors", ())),
    )


def _unpack_violation(v: dict[str, Any]) -> Violation:
    return Violation(
        policy=v["policy"], rule=v["rule"], code=v["code"], outcome=Outcome(v["outcome"]), mode=v["mode"],
        reason=Words(*v["reason"]), remedy=Words(*v["remedy"]), evidence=_unpack_evidence(v["evidence"]),
        earliest=v["earliest"], condition=v["condition"],
    )  # fmt: skip
