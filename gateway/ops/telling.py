"""Holds, decisions and people as JSON for those who review them. Pure."""

from collections.abc import Iterable
from typing import Any

import orjson

from gateway.ledger.consent import country
from gateway.ledger.person import Person, Relationship
from gateway.message.envelope import Message
from gateway.policy.outcome import Decision, Outcome
from gateway.store.packing import unpack_decision
from gateway.store.records import ConsentRow, DecisionRow, HoldRow
from gateway.web.telling import describe_violation, iso

SHOWN = 100_000
"""Characters of a message's text and HTML that are shown."""


def describe_hold(hold: HoldRow) -> dict[str, Any]:
    """A hold without the message."""
    return {
        "id": hold.id,
        "message_id": hold.message_id,
        "controller": hold.controller,
        "source": hold.source,
        "channel": hold.channel,
        "class": hold.class_,
        "campaign": hold.campaign or None,
        "status": hold.status,
        "condition": hold.condition,
        "codes": hold.codes.split(),
        "cluster": hold.cluster,
        "created_at": iso(hold.created_at),
        "recheck_at": iso(hold.recheck_at),
        "expires_at": iso(hold.expires_at),
        "decided_at": iso(hold.decided_at),
        "decided_by": hold.decided_by or None,
        "reason": hold.reason or None,
    }


def describe_message(message: Message, n: int) -> dict[str, Any]:
    """What was to be sent, to the recipient whom a hold is about; text is blank once the body is gone."""
    content, recipient = message.content, message.recipients[n]
    return {
        "id": message.id,
        "received_at": iso(message.received_at),
        "purpose": message.purpose or None,
        "sender": {"name": message.sender.name, "address": message.sender.address},
        "recipient": {"name": recipient.name, "address": recipient.address, "company": recipient.company},
        "recipients": len(message.recipients),
        "subject": content.subject,
        "text": content.text[:SHOWN],
        "html": content.html[:SHOWN],
        "attachments": [
            {"filename": a.filename, "type": a.type, "size": a.size} for a in content.attachments[:50]
        ],
        "body_kept": bool(message.raw),
    }


def describe_decision(row: DecisionRow, language: str) -> dict[str, Any]:
    """A stored decision, with the facts that it knew."""
    decision = unpack_decision(row.violations, row.outcome, row.class_, row.policy_version)
    return {
        "id": row.id,
        "round": row.round,
        "at": iso(row.at),
        "message_id": row.message_id,
        "controller": row.controller,
        "source": row.source,
        "channel": row.channel,
        "campaign": row.campaign or None,
        "subject": row.subject.hex(),
        "facts": orjson.Fragment(row.snapshot or b"{}"),
        **describe_outcome(decision, language),
    }


def describe_outcome(decision: Decision, language: str) -> dict[str, Any]:
    """What was decided and why."""
    return {
        "outcome": Outcome(decision.outcome).word,
        "class": decision.class_,
        "policy_version": decision.policy_version,
        "violations": [
            describe_violation(v, language) | {"condition": v.condition} for v in decision.violations
        ],
        "waived": list(decision.waived),
        "errors": list(decision.errors),
        "earliest": iso(decision.earliest),
    }


def describe_person(person: Person) -> dict[str, Any]:
    """What is known of a person on one address."""
    return {
        "permissions": [
            {
                "purpose": p.purpose,
                "channel": p.channel,
                "state": p.state,
                "grade": p.grade,
                "basis": p.basis,
                "at": iso(p.at),
                "expires_at": iso(p.expires_at),
                "jurisdiction": p.jurisdiction or None,
            }
            for p in person.permissions
        ],
        "stops": [
            {"kind": s.kind, "at": iso(s.at), "purposes": list(s.purposes), "channels": list(s.channels)}
            for s in person.stops
        ],
        "no_sales_at": iso(person.no_sales_at),
        "paused_until": iso(person.paused_until),
        "restricted_at": iso(person.restricted_at),
        "jurisdiction": person.jurisdiction or country(person) or None,
        "time_zone": person.time_zone or None,
        "aliases": list(person.aliases),
        "soft_bounces": person.soft_bounces,
        "relationships": [{"sender": key, **_between(r)} for key, r in person.relationships.items()],
        "contacts": [
            {"at": iso(c.at), "class": c.class_, "channel": c.channel, "message_id": c.message or None}
            for c in person.contacts
        ],
    }


def _between(r: Relationship) -> dict[str, Any]:
    return {
        "sent": r.sent,
        "first_sent_at": iso(r.first_out),
        "last_sent_at": iso(r.last_out),
        "connected_at": iso(r.connected_at),
        "replies": r.replies,
        "declined": r.declined,
        "last_reply_at": iso(r.last_reply),
        "unanswered_since": iso(r.unanswered_since),
        "meetings": r.meetings,
        "purchases": r.purchases,
    }


def describe_consents(rows: Iterable[ConsentRow]) -> list[dict[str, Any]]:
    """A consent log, oldest first, with its proof."""
    return [
        {
            "id": row.id,
            "at": iso(row.at),
            "recorded_at": iso(row.recorded_at),
            "action": row.action,
            "purpose": row.purpose,
            "channel": row.channel,
            "grade": row.grade,
            "basis": row.basis,
            "source": row.source or None,
            "proof": orjson.Fragment(row.proof or b"{}"),
        }
        for row in rows
    ]
