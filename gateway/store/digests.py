"""What an audit entry says of a row, as a salted hash: any column changed later no longer fits it. Pure.

A digest is BLAKE2b-256 keyed with the entry's salt. Deleting the salt erases: the digest then says nothing
about anyone, and the chain stays whole. Text counts as both databases store it.
"""

import re
from hashlib import blake2b

from gateway.store.records import ConsentRow, DecisionRow, EventRow, HoldRow, MessageRow, decision_id

SALT = 16
"""Octets of a salt."""
SEALED = SALT + 64
"""Octets of a seal: a salt of its own, the hash of the message's row, the hash of its octets."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def _said(*parts: object) -> bytes:
    return _encode("\x1f".join(map(str, parts)))


def _encode(text: str) -> bytes:
    if not text.isascii() or "\0" in text:
        text = _UNSTORABLE.sub("\ufffd", text)
    return text.encode()


def message_digest(row: MessageRow, salt: bytes) -> bytes:
    """Of a message's row, but for its class, which its first decision has."""
    said = _encode(
        f"{row.id}\x1f{row.controller}\x1f{row.source}\x1f{row.sender}\x1f{row.channel}\x1f{row.purpose}"
        f"\x1f{row.campaign}\x1f{row.received_at!r}\x1f{len(row.meta)}\x1f"
    )
    return blake2b(said + row.meta + row.reading, key=salt, digest_size=32).digest()


def body_digest(body: bytes, salt: bytes) -> bytes:
    """Of the octets of a message as they were stored."""
    return blake2b(body, key=salt, digest_size=32).digest()


def seal(row: MessageRow, body: bytes, salt: bytes) -> bytes:
    """What the first decision's entry keeps of the message: salt, row, octets."""
    return salt + message_digest(row, salt) + body_digest(body, salt)


def decision_digest(row: DecisionRow, salt: bytes, sealed: bytes = b"") -> bytes:
    """Of a decision, and of the message's seal where this is the first decision."""
    said = _encode(
        f"{decision_id(row.message_id, row.n, row.round)}\x1f{row.controller}\x1f{row.at!r}"
        f"\x1f{int(row.outcome)}\x1f{row.class_}\x1f{row.source}\x1f{row.sender}\x1f{row.channel}"
        f"\x1f{row.campaign}\x1f{row.policy_version}\x1f{len(row.violations)}\x1f"
    )
    said = b"".join((said, row.subject, row.violations, row.snapshot, sealed[SALT:]))
    return blake2b(said, key=salt, digest_size=32).digest()


def hold_digest(row: HoldRow, salt: bytes) -> bytes:
    """Of a hold as a review left it; what conditions change later (when to look again) is left out."""
    said = _said(
        row.id, row.message_id, row.n, row.controller, row.source, row.sender, row.channel, row.class_,
        row.campaign, row.cluster, repr(row.created_at), repr(row.expires_at), row.status, row.decided_by,
        row.reason, "",
    )  # fmt: skip
    return blake2b(said + row.subject, key=salt, digest_size=32).digest()


def consent_digest(row: ConsentRow, salt: bytes) -> bytes:
    """Of a line of the consent log, with its proof."""
    said = _said(
        row.id, row.controller, repr(row.at), repr(row.recorded_at), row.action, row.purpose, row.channel,
        row.grade, row.basis, row.source, "",
    )  # fmt: skip
    return blake2b(said + row.subject + row.proof, key=salt, digest_size=32).digest()


def event_digest(row: EventRow, salt: bytes) -> bytes:
    """Of an event, with what came along."""
    said = _said(
        row.id, row.controller, row.source, row.type, repr(row.at), repr(row.recorded_at),
        len(row.subject), "",
    )  # fmt: skip
    return blake2b(said + row.subject + row.dedup + row.data, key=salt, digest_size=32).digest()
