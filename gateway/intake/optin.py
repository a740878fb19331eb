"""Double opt-in: a request, a letter to the address itself, a confirmation by one button; or it expires.

Until it is confirmed a request is kept apart, with its proof and an end; the ledger only knows that
something is pending. With the confirmation both steps are logged, with the proof of both: grade A. What
nobody confirms is deleted.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import replace

from gateway.intake.consents import ConsentInput, record_consent
from gateway.intake.letters import Letter, Office, ask_to_confirm
from gateway.intake.tokens import Kind, Refused, seal, unseal
from gateway.keys import Keys
from gateway.ledger.consent import ended, permission, unheard
from gateway.ledger.person import Permission
from gateway.message.address import normalize
from gateway.message.ids import new_id
from gateway.store.attempt import Report
from gateway.store.draft import Draft, Needs
from gateway.store.outbox import queue_report
from gateway.store.protocol import Store
from gateway.store.records import AuditRow, Ref, ReplayRow

CONFIRM_SECONDS = 7 * 86400.0
QUIET_SECONDS = 600.0
"""A second request for the same thing within this time sends no second letter."""
CLOSED = ("bounced", "erased", "complained")
"""Stops after which not even a request to confirm is sent."""
SWEPT = 200

# Keys of 17 octets: every other replay key has 16, so that an index can tell them apart.
_MARK = b"\x01"
EXPIRED = (
    "SELECT key, answer FROM replays WHERE length(key) = 17 AND expires_at > 0 AND expires_at <= ?"
    " ORDER BY expires_at LIMIT ?"
)


class OptIn(Struct, frozen=True, kw_only=True):
    """What a form asked for on behalf of whoever filled it in. `ip` and `user_agent` are theirs."""

    controller: str
    source: str
    address: str
    purpose: str
    wording: str
    channel: str = "email"
    wording_version: str = ""
    language: str = "en"
    form_url: str = ""
    ip: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A request that waits for its confirmation. Times are unix seconds."""

    id: str
    controller: str
    subject: bytes
    channel: str
    purpose: str
    source: str
    at: float
    proof: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What became of a request; `sent` says whether a letter left. Whoever asks is told the same anyway."""

    id: str
    sent: bool


class RequestConsent:
    """Keep a request and queue its letter, in one transaction."""

    __slots__ = ("_asked", "_id", "_keys", "_office", "_ref", "_who", "needs")

    def __init__(self, asked: OptIn, request_id: str, keys: Keys, office: Office, who: str) -> None:
        self._asked = asked
        self._id = request_id
        self._keys = keys
        self._office = office
        self._who = who
        key = normalize(asked.channel, asked.address)
        self._ref = (asked.controller, keys.subject(asked.channel, key))
        self.needs = Needs(people=(self._ref,))

    def apply(self, draft: Draft[Asked]) -> Asked:
        """The letter leaves unless the address is closed, or was just asked the same."""
        asked, ref = self._asked, self._ref
        person = draft.person(ref)
        if any(stop.kind in CLOSED for stop in person.stops):
            return Asked(id=self._id, sent=False)
        known = permission(person, asked.purpose, asked.channel)
        if known and known.state == "requested" and abs(draft.now - known.at) < QUIET_SECONDS:
            return Asked(id=self._id, sent=False)
        until = draft.now + CONFIRM_SECONDS
        pending = Pending(
            id=self._id,
            controller=ref[0],
            subject=ref[1],
            channel=asked.channel,
            purpose=asked.purpose,
            source=asked.source,
            at=draft.now,
            proof=_proof(asked, self._id),
        )
        draft.writes.replays[_key(self._id)] = ReplayRow(_key(self._id), until, _pack(pending))
        if known is None or known.state != "granted":
            waiting = Permission(
                asked.purpose,
                asked.channel,
                "requested",
                at=draft.now,
                expires_at=ended(known),
                event=self._id,
                newer=unheard(known),
            )
            others = tuple(p for p in person.permissions if p is not known)
            draft.set_person(ref, replace(person, permissions=(*others, waiting)))
        _audit(draft, "consent.asked", self._id, asked.source, _pack(pending))
        queue_report(draft, self._letter(draft.now, until))
        return Asked(id=self._id, sent=True)

    def _letter(self, now: float, until: float) -> Report:
        asked = self._asked
        letter = Letter(
            id=self._id,
            address=asked.address,
            language=asked.language,
            who=self._who,
            source=asked.source,
            controller=asked.controller,
            at=now,
        )
        token = seal(self._keys, Kind.CONFIRM, (self._id.encode(),), until)
        return ask_to_confirm(
            self._office,
            letter,
            token=token,
            purpose=asked.purpose,
            wording=asked.wording,
            place=asked.form_url,
            until=until,
        )


def _proof(asked: OptIn, request_id: str) -> dict[str, str]:
    said = {
        "wording": asked.wording,
        "wording_version": asked.wording_version,
        "wording_hash": blake2b(asked.wording.encode(errors="replace"), digest_size=16).hexdigest(),
        "language": asked.language,
        "form_url": asked.form_url,
        "ip": asked.ip,
        "user_agent": asked.user_agent,
        "entered_by": asked.source,
        "request": request_id,
    }
    return {name: value for name, value in said.items() if value}


class Confirm:
    """The second half: both steps into the log, the request gone. Done again, it changes nothing."""

    __slots__ = ("_given", "_id", "needs")

    def __init__(self, pending: Pending, given: Mapping[str, str]) -> None:
        self._id = pending.id
        self._given = given
        ref = (pending.controller, pending.subject)
        self.needs = Needs(people=(ref,), replays=(_key(pending.id),))

    def apply(self, draft: Draft[bool]) -> bool:
        """Whether this confirmed it."""
        answer = draft.replay(_key(self._id))
        if not answer:
            return False
        pending = pending_of(answer)
        ref = (pending.controller, pending.subject)
        person = draft.person(ref)
        # The log tells the two steps in order, so what was only marked as pending goes first.
        marked = tuple(p for p in person.permissions if p.event != self._id)
        draft.set_person(ref, replace(person, permissions=marked))
        first = ConsentInput(
            controller=pending.controller,
            channel=pending.channel,
            address="",
            purpose=pending.purpose,
            action="requested",
            at=pending.at,
            imported=False,
            source=pending.source,
            proof=pending.proof,
        )
        record_consent(draft, ref, first, pending.source, always=True)
        now = datetime.fromtimestamp(draft.now, UTC).isoformat(timespec="seconds")
        given = {f"confirmed_{name}": value for name, value in self._given.items() if value}
        # The letter's Message-ID begins with the request's id.
        both = {"requested_at": _iso(pending.at), "confirmed_at": now, "confirmation_message": pending.id}
        proof = {**pending.proof, **given, **both}
        record_consent(
            draft,
            ref,
            replace(first, action="confirmed", at=draft.now, proof=proof),
            "recipient",
            always=True,
        )
        _forget(draft, self._id)
        return True


class _Expire:
    """Delete requests that nobody confirmed."""

    __slots__ = ("_pending", "needs")

    def __init__(self, pending: tuple[Pending, ...]) -> None:
        self._pending = pending
        people = tuple({(p.controller, p.subject) for p in pending})
        self.needs = Needs(people=people, replays=tuple(_key(p.id) for p in pending))

    def apply(self, draft: Draft[int]) -> int:
        """How many were deleted."""
        for pending in self._pending:
            ref: Ref = (pending.controller, pending.subject)
            person = draft.person(ref)
            kept = tuple(_unasked(person.permissions, pending.id))
            if kept != person.permissions:
                draft.set_person(ref, replace(person, permissions=kept))
            _forget(draft, pending.id)
            _audit(draft, "consent.unconfirmed", pending.id, "gateway", b"")
        return len(self._pending)


def _unasked(permissions: Iterable[Permission], request_id: str) -> Iterator[Permission]:
    """As if nobody had asked: what ended before stays ended."""
    for p in permissions:
        if p.event != request_id or p.state != "requested":
            yield p
        elif p.expires_at:
            yield replace(p, state="expired", at=p.expires_at, expires_at=0.0)
        elif p.newer is not None:
            yield p.newer


class OptIns:
    """Requests, confirmations, and their end."""

    def __init__(self, store: Store, keys: Keys, office: Office) -> None:
        self._store = store
        self._keys = keys
        self._office = office

    async def request(self, asked: OptIn, now: float, who: str) -> Asked:
        """Send the letter. Raises StoreError."""
        request_id = new_id(now, os.urandom(10))
        asked = replace(asked, purpose=asked.purpose.strip().lower())
        return await self._store.run(RequestConsent(asked, request_id, self._keys, self._office, who))

    async def pending(self, request_id: str, now: float) -> Pending | None:
        """A request that still waits."""
        rows = await self._store.rows(
            "SELECT answer FROM replays WHERE key = ? AND expires_at > ?", (_key(request_id), now)
        )
        return pending_of(rows[0][0]) if rows and rows[0][0] else None

    async def confirm(self, pending: Pending, given: Mapping[str, str]) -> bool:
        """Confirm it; False where that was done before. `given`: ip, user_agent, language, each of the
        one who confirms."""
        return await self._store.run(Confirm(pending, given))

    async def sweep(self, now: float) -> int:
        """Delete what nobody confirmed in time; how many."""
        rows = await self._store.rows(EXPIRED, (now, SWEPT))
        pending = tuple(pending_of(bytes(answer)) for _, answer in rows if answer)
        return await self._store.run(_Expire(pending)) if pending else 0


def read_confirmation(keys: Keys, token: str, now: float) -> str | Refused:
    """The request that a token confirms."""
    parts = unseal(keys, Kind.CONFIRM, token, now)
    return parts if isinstance(parts, Refused) else parts[0].decode()


def _key(request_id: str) -> bytes:
    return _MARK + blake2b(request_id.encode(), digest_size=16, person=b"opt-in").digest()


def _forget(draft: Draft[Any], request_id: str) -> None:
    """The request goes, with its proof: at once for what comes next in the same batch, and from the table."""
    key = _key(request_id)
    draft.writes.replays[key] = ReplayRow(key, 0.0, b"")
    draft.writes.statements.append(("DELETE FROM replays WHERE key = ?", (key,)))


def _pack(p: Pending) -> bytes:
    fields = (p.id, p.controller, p.subject.hex(), p.channel, p.purpose, p.source, p.at, dict(p.proof))
    return orjson.dumps(fields)


def pending_of(data: bytes) -> Pending:
    """A request as it was kept."""
    id_, controller, subject, channel, purpose, source, at, proof = orjson.loads(data)
    return Pending(
        id=id_,
        controller=controller,
        subject=bytes.fromhex(subject),
        channel=channel,
        purpose=purpose,
        source=source,
        at=at,
        proof=proof,
    )


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _audit(draft: Draft[Any], kind: str, reference: str, actor: str, said: bytes) -> None:
    salt = os.urandom(16)
    digest = blake2b(said, key=salt, digest_size=32).digest()
    draft.writes.audit.append(AuditRow(draft.now, kind, reference, actor, digest, salt))
