"""A Person as a few bytes of JSON, and back. Only what differs from the empty person is written."""

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.ledger.person import UNKNOWN, Contact, Permission, Person, Relationship, Stop


def pack_person(person: Person) -> bytes:
    """The stored form of a person; `unpack_person` gives it back unchanged."""
    data: dict[str, object] = {}
    if person.permissions:
        data["p"] = [_permission(p) for p in person.permissions]
    if person.stops:
        data["s"] = [_stop(s) for s in person.stops]
    if person.relationships:
        data["r"] = {sender: _relationship(r) for sender, r in person.relationships.items()}
    if person.contacts:
        data["c"] = [
            (c.at, c.class_, c.channel, c.sender, c.message, c.purpose, c.step) for c in person.contacts
        ]
    if person.aliases:
        data["a"] = person.aliases
    plain = (
        ("n", person.no_sales_at),
        ("u", person.paused_until),
        ("j", person.jurisdiction),
        ("z", person.time_zone),
        ("x", person.restricted_at),
        ("b", person.soft_bounces),
    )
    return orjson.dumps(data | {key: value for key, value in plain if value})


def _permission(p: Permission) -> tuple[object, ...]:
    row = (p.purpose, p.channel, p.state, p.grade, p.basis, p.at, p.expires_at, p.event, p.jurisdiction)
    return (*row, True) if p.own else row


def _stop(s: Stop) -> tuple[object, ...]:
    row = (s.kind, s.at, s.purposes, s.channels, s.event)
    return (*row, s.spares) if s.spares else row


def _unpack_stop(
    kind: str, at: float, purposes: list[str], channels: list[str], event: str, *spares: list[list[str]]
) -> Stop:
    pairs = tuple((purpose, channel) for pair in spares for purpose, channel in pair)
    return Stop(kind, at, tuple(purposes), tuple(channels), event, pairs)


def _relationship(r: Relationship) -> tuple[object, ...]:
    return (
        r.first_out, r.last_out, r.sent, r.sent_since_reply, r.connected_at, r.backdated, r.replies,
        r.last_reply, r.unanswered_since, r.answers, r.meetings, r.last_meeting, r.purchases,
        r.last_purchase, r.threads, r.introduced,
    )  # fmt: skip


def _unpack_relationship(row: list[object]) -> Relationship:
    row[14] = tuple(row[14])  # type: ignore[arg-type]
    return Relationship(*row)  # type: ignore[arg-type]


def unpack_person(data: bytes) -> Person:
    """The person that `pack_person` wrote."""
    return person_of(orjson.loads(data)) if len(data) > 2 else UNKNOWN


def person_of(told: Mapping[str, Any]) -> Person:
    """The person of the JSON object that `pack_person` wrote."""
    if not told:
        return UNKNOWN
    get = told.get
    return Person(
        permissions=tuple([Permission(*row) for row in told["p"]]) if "p" in told else (),
        stops=tuple([_unpack_stop(*row) for row in told["s"]]) if "s" in told else (),
        no_sales_at=get("n", 0.0),
        paused_until=get("u", 0.0),
        jurisdiction=get("j", ""),
        time_zone=get("z", ""),
        relationships={sender: _unpack_relationship(row) for sender, row in get("r", {}).items()},
        contacts=tuple([Contact(*row) for row in told["c"]]) if "c" in told else (),
        aliases=tuple(get("a", ())),
        restricted_at=get("x", 0.0),
        soft_bounces=get("b", 0),
    )
