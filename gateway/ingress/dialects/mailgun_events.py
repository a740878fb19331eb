"""Mailgun's list of events, as Ghost asks for it: what became of each message of a source, by time.

A refusal by policy is `failed`, permanent, with one of the reasons of Mailgun's own suppression lists: then
tools count it without marking the address as dead.
"""

import asyncio
import base64
import binascii
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from gateway.ingress.dialects.bad import Bad
from gateway.ingress.dialects.desk import Call
from gateway.message.ids import is_id, new_id
from gateway.policy.outcome import Outcome
from gateway.store.packing import unpack_decision

PAGE, MOST = 100, 300
SCANS = 40
LATE = 86400.0
"""Seconds before the asked time in which a message may have come whose delivery falls within it."""
_WINDOW = 30 * 86400.0

_MESSAGES = (
    "SELECT id, campaign, received_at, meta FROM messages"
    " WHERE id > ? AND id < ? AND source = ? ORDER BY id LIMIT 300"
)
_DECISIONS = (
    "SELECT n, at, outcome, class, policy_version, violations, round FROM decisions WHERE message_id = ?"
)
_BOUNCED = frozenset({"suppressed.bounced", "suppressed.hard_bounce"})


async def list_events(call: Call) -> dict[str, Any]:
    """`{"items": [...], "paging": {...}}`, oldest first; `begin`, `end`, `limit`, `event` are understood."""
    asked = call.request.query
    page = call.request.match_info.get("page", "")
    begin, end, after = _read_page(page) if page else _read_query(asked, call.now)
    limit = min(int(asked["limit"]) if asked.get("limit", "").isdecimal() else PAGE, MOST)
    wanted = frozenset(asked.get("event", "").replace(" OR ", " ").split())
    items: list[dict[str, Any]] = []
    last = new_id(max(end, 0.0) + 1, b"\xff" * 10)
    for _ in range(SCANS):
        rows = await call.desk.store.rows(_MESSAGES, (after, last, call.source.name))
        for identity, campaign, received_at, meta in rows:
            after = identity
            found = _events(call, identity, campaign, received_at, orjson.loads(meta))
            items += [
                event
                async for event in found
                if begin <= event["timestamp"] <= end and (not wanted or event["event"] in wanted)
            ]
            if len(items) >= limit:
                break
        if len(items) >= limit or not rows:
            break
        await asyncio.sleep(0)
    return {"items": sorted(items, key=lambda e: e["timestamp"]), "paging": _paging(call, begin, end, after)}


def _read_query(asked: Mapping[str, str], now: float) -> tuple[float, float, str]:
    begin = _time(asked.get("begin", ""), "begin", now - _WINDOW)
    end = _time(asked.get("end", ""), "end", now)
    if begin > end:
        begin, end = end, begin
    return begin, end, new_id(max(begin - LATE, 0.0), bytes(10))


def _time(text: str, name: str, otherwise: float) -> float:
    if not text:
        return otherwise
    try:
        found = (
            float(text) if text.replace(".", "", 1).isdecimal() else parsedate_to_datetime(text).timestamp()
        )
    except (ValueError, OverflowError):
        raise Bad(f"'{name}' parameter is not a valid date") from None
    if not 0 <= found < 10_000_000_000:
        raise Bad(f"'{name}' parameter is not a valid date")
    return found


def _read_page(page: str) -> tuple[float, float, str]:
    try:
        begin, end, after = orjson.loads(base64.urlsafe_b64decode(page.encode("ascii")))
        if is_id(after) and 0 <= float(begin) <= float(end) < 10_000_000_000:
            return float(begin), float(end), after
    except (binascii.Error, ValueError, TypeError):
        pass
    raise Bad("There is no such page", status=404)


def _paging(call: Call, begin: float, end: float, after: str) -> dict[str, str]:
    token = base64.urlsafe_b64encode(orjson.dumps([begin, end, after])).decode()
    here = f"{call.request.scheme}://{call.request.host}/v3/{call.request.match_info['domain']}/events"
    asked = call.request.rel_url.raw_query_string
    query = f"?{asked}" if asked else ""
    following = f"{here}/{token}{query}"
    return {"next": following, "previous": f"{here}{query}", "first": f"{here}{query}", "last": following}


async def _events(
    call: Call, identity: str, campaign: str, received_at: float, meta: Mapping[str, Any]
) -> Any:
    """The events of one message."""
    store = call.desk.store
    last: dict[int, tuple[Any, ...]] = {}
    for row in await store.rows(_DECISIONS, (identity,)):
        if row[0] not in last or last[row[0]][6] < row[6]:
            last[row[0]] = row
    tried = await store.attempts(identity)
    for n, decision in sorted(last.items()):
        told = _about(identity, n, campaign, received_at, meta)
        if decision[2] == Outcome.REJECT:
            yield told | _refused(identity, n, decision)
        elif decision[2] == Outcome.ACCEPT:
            yield told | {"id": f"{identity}-{n}-a", "event": "accepted", "timestamp": decision[1]}
        for event in _tries(identity, n, tried):
            yield told | event


def _about(
    identity: str, n: int, campaign: str, received_at: float, meta: Mapping[str, Any]
) -> dict[str, Any]:
    """What all events of one recipient say. Times are unix seconds."""
    message_id = meta.get("message_id", "").strip("<>")
    external = meta.get("external_id", "")
    return {
        "recipient": meta["r"][n][1],
        "tags": [campaign] if campaign else [],
        "campaigns": [],
        "user-variables": {"email-id": external} if external else {},
        "message": {"headers": {"message-id": message_id, "from": meta["s"][0], "to": meta["r"][n][1]}},
        "flags": {"is-test-mode": not meta.get("deliver", True)},
        "log-level": "info",
    }


def _refused(identity: str, n: int, decision: tuple[Any, ...]) -> dict[str, Any]:
    _, at, outcome, class_, version, violations, _ = decision
    told = unpack_decision(violations, outcome, class_, version)
    worst = told.enforced[0] if told.enforced else None
    why = f"{worst.policy}/{worst.code}: {worst.reason.en}" if worst else "refused by policy"
    bounced = worst is not None and worst.code in _BOUNCED
    return {
        "id": f"{identity}-{n}-r",
        "event": "failed",
        "timestamp": at,
        "severity": "permanent",
        "reason": "suppress-bounce" if bounced else "suppress-unsubscribe",
        "delivery-status": {"code": 605 if bounced else 606, "message": why, "description": why},
    }


def _tries(identity: str, n: int, tried: list[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    for entry, number, at, outcome, _, code, text in tried:
        if entry != f"{identity}-{n}":
            continue
        delivered, failed = str(outcome) == "delivered", str(outcome) == "failed"
        event: dict[str, Any] = {
            "id": f"{identity}-{n}-{number}",
            "event": "delivered" if delivered else "failed",
            "timestamp": at,
            "delivery-status": {"code": code, "message": text, "description": "", "attempt-no": number},
        }
        if not delivered:
            event |= {"severity": "permanent" if failed else "temporary", "reason": "generic"}
        yield event
