"""Rows as values: what a unit of work may add to the store. Pure.

JSON columns are bytes made by orjson; subjects are 16-byte keyed hashes; times are unix seconds.
"""

from hashlib import blake2b
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from gateway.keys import lane_of

Ref: TypeAlias = tuple[str, bytes]
"""Who: a controller's name and a subject key."""


class MessageRow(NamedTuple):
    """One submission: what it takes to rebuild the Message from its body, and what was read in it."""

    id: str
    controller: str
    source: str
    sender: str
    channel: str
    class_: str
    purpose: str
    campaign: str
    received_at: float
    meta: bytes
    reading: bytes


class BodyRow(NamedTuple):
    """The octets of a message; they go once nothing waits for them."""

    message_id: str
    content: bytes


class DecisionRow(NamedTuple):
    """What was decided for one recipient. `n` counts the recipients of a message from 0, `round` how often
    it was decided before: a released hold keeps both decisions."""

    message_id: str
    n: int
    controller: str
    subject: bytes
    at: float
    outcome: int
    class_: str
    source: str
    sender: str
    channel: str
    campaign: str
    policy_version: str
    violations: bytes
    snapshot: bytes
    round: int = 0

    @property
    def id(self) -> str:
        """The decision's name outside: `<message>-<n>`, with `.<round>` when it was decided again."""
        return decision_id(self.message_id, self.n, self.round)

    @property
    def lane(self) -> int:
        """The recipient's lane."""
        return lane_of(self.subject)


def decision_id(message_id: str, n: int, round_: int = 0) -> str:
    """A decision's name outside."""
    return f"{message_id}-{n}.{round_}" if round_ else f"{message_id}-{n}"


class OutboxRow(NamedTuple):
    """One accepted delivery that waits. `entry` is JSON: how to deliver; `marketing` is whether a stop
    cancels it; `due_at` when to try next; a lease past `lease_until` counts no more."""

    id: str
    message_id: str
    controller: str
    subject: bytes
    marketing: bool
    queued_at: float
    due_at: float
    attempts: int
    lease_owner: str
    lease_until: float
    entry: bytes

    @property
    def visible_at(self) -> float:
        """When the row may be taken next: a lease pushes it into the future and expires by itself."""
        return self.lease_until or self.due_at

    @property
    def lane(self) -> int:
        """The recipient's lane."""
        return lane_of(self.subject)


class HoldRow(Struct, frozen=True):
    """A decision that waits for a person or a condition. `status`: open, released, rejected, expired,
    cancelled. `condition` is what it waits for: reviewer, or some of consent, reply, resumes (a pause
    ends) and window with a space between. `recheck_at` is when time may release it, 0 for never; `codes` the
    violated rules."""

    id: str
    message_id: str
    n: int
    controller: str
    subject: bytes
    source: str
    sender: str
    channel: str
    class_: str
    campaign: str
    status: str
    condition: str
    codes: str
    cluster: str
    created_at: float
    recheck_at: float
    expires_at: float
    decided_at: float = 0.0
    decided_by: str = ""
    reason: str = ""

    @property
    def lane(self) -> int:
        """The recipient's lane."""
        return lane_of(self.subject)


class ConsentRow(NamedTuple):
    """One event of the consent log, with its proof as JSON. Append-only."""

    id: str
    controller: str
    subject: bytes
    at: float
    recorded_at: float
    action: str
    purpose: str
    channel: str
    grade: str
    basis: str
    source: str
    proof: bytes

    @property
    def lane(self) -> int:
        """The recipient's lane."""
        return lane_of(self.subject)


class EventRow(NamedTuple):
    """One thing that happened, as it came in or as it is told outside. `dedup` is unique."""

    id: str
    controller: str
    subject: bytes
    source: str
    type: str
    at: float
    recorded_at: float
    dedup: bytes
    data: bytes

    @property
    def lane(self) -> int:
        """The recipient's lane."""
        return lane_of(self.subject) if self.subject else 0


class AuditRow(NamedTuple):
    """One entry of an audit chain before it is chained: what was done, to what, by whom, and the digest
    of what it says."""

    at: float
    kind: str
    reference: str
    actor: str
    digest: bytes
    salt: bytes = b""
    detail: bytes = b""


class FingerprintRow(NamedTuple):
    """The phrases of one accepted message that are not yet commonplace: 8 bytes each, big-endian."""

    controller: str
    at: float
    subject_mark: int
    hashes: bytes


class ReplayRow(NamedTuple):
    """An answer to give again for the same idempotency key, until `expires_at`."""

    key: bytes
    expires_at: float
    answer: bytes


class Cancel(Struct, frozen=True):
    """What waits for this person is not to be sent, save transactional mail, and with `every` not even that:
    the stop that says so and when."""

    controller: str
    subject: bytes
    at: float
    reason: str
    every: bool = False


class Withdrawn(Struct, frozen=True):
    """An outbox row that `owner`, who has it, takes out again because it may not leave."""

    id: str
    subject: bytes
    owner: str


class Recheck(Struct, frozen=True):
    """Open holds of this person that wait for `condition` are due to be decided again at `at`. With a
    `sender` and no subject: those, whoever they are for, that wait until that sender answered others."""

    controller: str
    subject: bytes
    condition: str
    at: float
    sender: str = ""


class SentRow(NamedTuple):
    """The Message-ID (RFC 5322) under which a message went out, as `sent_hash` of it: replies, bounces
    and complaints name it. `day` is unix days."""

    day: int
    hash: bytes
    message_id: str


def sent_hash(message_id: str) -> bytes:
    """What is kept of a Message-ID (with or without its angle brackets): 16 octets."""
    bare = message_id.strip().strip("<>")
    return blake2b(bare.encode(errors="replace"), digest_size=16, person=b"sent").digest()
