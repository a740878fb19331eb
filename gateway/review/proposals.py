"""Two pairs of eyes: the first reviewer's release is a proposal, the second one's agrees to it. And nobody
releases their own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import inf
from os import urandom
from typing import Any

import orjson

from gateway.access import DEVELOPMENT_REVIEWER, Access, Reviewer
from gateway.store.draft import Draft, Needs
from gateway.store.protocol import Store
from gateway.store.records import AuditRow, HoldRow, ReplayRow

PROPOSED_FOR = 14 * 86400.0
LONGEST_REASON = 1000

_FIND = "SELECT answer FROM replays WHERE key = ? AND expires_at > ?"


class OwnMessage(Exception):
    """The message comes from the reviewer's own source or mailbox: somebody else releases it."""

    def __init__(self, hold: HoldRow) -> None:
        super().__init__("nobody releases a message of their own: another reviewer may")
        self.hold = hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a first reviewer wants released, and why. `at` is when what they saw was decided; `login` says
    that it was proposed by command, by somebody who was no reviewer of the access file."""

    by: str
    reason: str
    at: float
    login: bool = False

    def stands(self, access: Access, since: float) -> bool:
        """Whether it counts: it was made by somebody who may decide today too, and saw what was decided
        `since` then."""
        return self.at >= since and (self.login or access.may_decide(self.by))


class Propose:
    """Note a first reviewer's proposal, unless another's stands: hand that back. Who made that one saw what
    was decided `since` then."""

    def __init__(self, hold_id: str, proposal: Proposal, since: float, access: Access) -> None:
        self._hold_id = hold_id
        self._proposal = proposal
        self._since = since
        self._access = access
        self._key = _key(hold_id)
        self.needs = Needs(replays=(self._key,))

    def apply(self, draft: Draft[Any]) -> Proposal | None:
        """The proposal of somebody else that this verdict agrees to, or None."""
        before, mine = draft.replay(self._key), self._proposal
        if before is not None:
            other = _read(before)
            if other.by != mine.by and other.stands(self._access, self._since):
                return other
        row = ReplayRow(self._key, draft.now + PROPOSED_FOR, _packed(mine))
        draft.writes.replays[self._key] = row
        salt = urandom(16)
        digest = blake2b(f"{self._hold_id}\0{mine.reason}".encode(errors="replace"), key=salt, digest_size=32)
        entry = AuditRow(draft.now, "hold.proposed", self._hold_id, mine.by, digest.digest(), salt)
        draft.writes.audit.append(entry)
        return None


async def find_proposal(
    store: Store, access: Access, clock: Callable[[], float], hold_id: str, since: float
) -> Proposal | None:
    """What a first reviewer proposed for this hold, where that stands: see `Proposal`."""
    rows = await store.few(_FIND, (_key(hold_id), clock()))
    proposal = _read(rows[0][0]) if rows else None
    return proposal if proposal is not None and proposal.stands(access, since) else None


def stands_since(told: Sequence[tuple[float, frozenset[str]]], seen: frozenset[str]) -> float:
    """From when on who proposed could see all that a release with `seen` waives. `told` are the decisions of
    a hold, oldest first: when, and what each held it for."""
    since = inf
    for at, held in reversed(told):
        if not seen & told[-1][1] <= held:
            break
        since = at
    return since


def is_own(reviewer: Reviewer, source: str, sender: str) -> bool:
    """Whether a message comes from the reviewer's own source or mailbox: others decide it. In development
    there is one of each, and nobody else."""
    names = set(reviewer.own) if reviewer.name == DEVELOPMENT_REVIEWER else {reviewer.name, *reviewer.own}
    return bool(names & {source, sender})


def _packed(proposal: Proposal) -> bytes:
    """The proposal as JSON that a process of an older version reads too: it knows no `login` and refuses a
    name that it does not know, so a line's end after the JSON says that."""
    said = orjson.dumps({"by": proposal.by, "reason": proposal.reason, "at": proposal.at})
    return said + b"\n" if proposal.login else said


def _read(packed: bytes) -> Proposal:
    return Proposal(**{"login": packed.endswith(b"\n")} | orjson.loads(packed))


def _key(hold_id: str) -> bytes:
    return b"console/proposal/" + hold_id.encode("ascii", "replace")
