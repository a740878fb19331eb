"""What became of a message since: outcomes, holds and deliveries of its recipients, as JSON. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from gateway.ingress.http_answer import describe_violations
from gateway.policy.outcome import Outcome
from gateway.store.packing import unpack_decision
from gateway.store.records import DecisionRow, HoldRow, MessageRow
from gateway.web.telling import iso

_AFTER_HOLD = {"open": "held", "released": "accepted"}


def describe_status(
    row: MessageRow,
    decisions: Iterable[DecisionRow],
    holds: Iterable[HoldRow],
    attempts: Iterable[Sequence[Any]],
    waiting: Iterable[Sequence[Any]],
    language: str,
) -> dict[str, Any]:
    """The message and each of its recipients: the last decision, the hold, the delivery."""
    meta = orjson.loads(row.meta)
    last = {decision.n: decision for decision in sorted(decisions, key=lambda d: d.round)}
    held = {hold.n: hold for hold in holds}
    tried: dict[str, list[Sequence[Any]]] = {}
    for attempt in attempts:
        tried.setdefault(attempt[0], []).append(attempt)
    queued = {entry[0]: entry for entry in waiting}
    recipients = []
    for n, decision in sorted(last.items()):
        entry = f"{row.id}-{n}"
        recipients.append(
            {
                "address": meta["r"][n][1],
                **_decided(decision, held.get(n), language),
                "delivery": _delivered(
                    decision, tried.get(entry, []), queued.get(entry), send=meta.get("deliver", True)
                ),
            }
        )
    statuses = {recipient["status"] for recipient in recipients}
    return {
        "id": row.id,
        "external_id": meta.get("external_id") or None,
        "status": statuses.pop() if len(statuses) == 1 else "mixed",
        "channel": row.channel,
        "class": row.class_,
        "campaign": row.campaign or None,
        "received_at": iso(row.received_at),
        "recipients": recipients,
    }


def _decided(decision: DecisionRow, hold: HoldRow | None, language: str) -> dict[str, Any]:
    outcome = Outcome(decision.outcome)
    told = unpack_decision(decision.violations, decision.outcome, decision.class_, decision.policy_version)
    status = outcome.word
    if hold is not None:
        status = _AFTER_HOLD.get(hold.status, "rejected")
    return {
        "status": status,
        "decision_id": decision.id,
        "hold_id": hold.id if hold is not None else None,
        "hold": _describe_hold(hold) if hold is not None else None,
        "violations": describe_violations(told, language),
        "earliest": iso(told.earliest),
    }


def _describe_hold(hold: HoldRow) -> Mapping[str, Any]:
    return {
        "status": hold.status,
        "condition": hold.condition,
        "created_at": iso(hold.created_at),
        "recheck_at": iso(hold.recheck_at),
        "expires_at": iso(hold.expires_at),
        "decided_at": iso(hold.decided_at),
    }


def _delivered(
    decision: DecisionRow, attempts: list[Sequence[Any]], entry: Sequence[Any] | None, *, send: bool
) -> dict[str, Any]:
    latest = max(attempts, key=lambda a: a[1], default=None)
    if entry is not None:
        state = "waiting"
    elif latest is not None:
        state = "delivered" if latest[3] == "delivered" else "failed"
    else:
        # Accepted, yet neither waiting nor tried: the person withdrew in between.
        cancelled = decision.outcome == Outcome.ACCEPT and send
        state = "cancelled" if cancelled else "not_sent"
    return {
        "state": state,
        "attempts": len(attempts),
        "next_attempt": iso(entry[1]) if entry is not None else None,
        "last": None if latest is None else _describe_attempt(latest),
    }


def _describe_attempt(attempt: Sequence[Any]) -> dict[str, Any]:
    _, _, at, outcome, relay, code, text = attempt
    return {"at": iso(at), "outcome": str(outcome), "relay": relay, "code": code, "text": text}
