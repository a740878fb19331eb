"""What an audit entry says of a row, as a salted hash: any column changed later no longer fits it. Pure.

A digest is BLAKE2b-256 keyed with the entry's salt. Deleting the salt erases: the digest then says nothing
about anyone, and the chain stays whole. Text counts as both databases store it.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b

from gateway.store.records import ConsentRow, DecisionRow, EventRow, HoldRow, MessageRow

SALT = 16
"""Octets of a salt."""
SEALED = SALT + 64
"""Octets of a seal: a salt of its own, the hash of the message's row, the hash of its octets."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


moment: Callable[[float], str] = lru_cache(maxsize=1024, typed=True)(repr)
"""A time as digests and chains write it. What one batch decided has one time."""


def _said(*parts: object) -> bytes:
    return _encode("\x1f".join(map(str, parts)))


def _encode(text: str) -> bytes:
    if not text.isascii() or "\0" in text:
        text = _UNSTORABLE.sub("\ufffd", text)
    return text.encode()


def message_digest(row: MessageRow, salt: bytes) -> bytes:
    """Of a message's row, but for its class, which its first decision has."""
    name, controller, source, sender, channel, _, purpose, campaign, at, meta, reading = row
    said = _encode(
        f"{name}\x1f{controller}\x1f{source}\x1f{sender}\x1f{channel}\x1f{purpose}\x1f{campaign}"
        f"\x1f{at!r}\x1f{len(meta)}\x1f"
    )
    return blake2b(b"".join((said, meta, reading)), key=salt, digest_size=32).digest()


def body_digest(body: bytes, salt: bytes) -> bytes:
    """Of the octets of a message as they were stored."""
    return blake2b(body, key=salt, digest_size=32).digest()


def seal(row: MessageRow, body: bytes, salt: bytes) -> bytes:
    """What the first decision's entry keeps of the message: salt, row, octets."""
    return salt + message_digest(row, salt) + body_digest(body, salt)


def decision_digest(row: DecisionRow, salt: bytes, sealed: bytes = b"") -> bytes:
    """Of a decision, and of the message's seal where this is the first decision."""
    (
        message, n, controller, subject, at, outcome, class_, source, sender, channel, campaign, version,
        violations, snapshot, round_,
    ) = row  # fmt: skip
    said = _encode(
        f"{message}-{n}{f'.{round_}' if round_ else ''}\x1f{controller}\x1f{moment(at)}\x1f{outcome}"
        f"\x1f{class_}\x1f{source}\x1f{sender}\x1f{channel}\x1f{campaign}\x1f{version}"
        f"\x1f{len(violations)}\x1f"
    )
    said = b"".join((said, subject, violations, snapshot, sealed[SALT:]))
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
    name, controller, subject, at, recorded, action, purpose, channel, grade, basis, source, proof = row
    said = _encode(
        f"{name}\x1f{controller}\x1f{moment(at)}\x1f{moment(recorded)}\x1f{action}\x1f{purpose}"
        f"\x1f{channel}\x1f{grade}\x1f{basis}\x1f{source}\x1f"
    )
    return blake2b(b"".join((said, subject, proof)), key=salt, digest_size=32).digest()


def event_digest(row: EventRow, salt: bytes) -> bytes:
    """Of an event, with what came along."""
    name, controller, subject, source, type_, at, recorded, dedup, data = row
    said = _encode(
        f"{name}\x1f{controller}\x1f{source}\x1f{type_}\x1f{moment(at)}\x1f{moment(recorded)}"
        f"\x1f{len(subject)}\x1f"
    )
    return blake2b(b"".join((said, subject, dedup, data)), key=salt, digest_size=32).digest()
