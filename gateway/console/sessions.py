"""Sessions of the console: kept in the store, named by a random token that only the browser has.

A session ends when it is idle too long, when it is too old, at a sign-out, and when the reviewer or the
reviewer's secret leaves `access.yaml`.
"""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b

from gateway.access import Access, Reviewer
from gateway.console.notes import Deed, Keep, Note, find
from gateway.store.protocol import Store

DEVELOPER = Reviewer(name="development", role="admin")
"""Who signs in with one click while there are no reviewers, in development on this machine."""

TOUCH = 60.0
"""Seconds of use that are not written down: a session is touched once a minute."""
_LONGEST_TOKEN = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who is signed in, since when, and the token that forms of this session carry."""

    reviewer: Reviewer
    csrf: str
    key: bytes
    opened_at: float
    proxied: bool = False

    def owns(self, token: str) -> bool:
        """Whether a form's token is this session's."""
        return hmac.compare_digest(self.csrf.encode(), token.encode(errors="replace"))


class Sessions:
    """Opens, finds and closes sessions. `idle` and `longest` are seconds."""

    def __init__(
        self, store: Store, access: Access, clock: Callable[[], float], *, idle: float, longest: float
    ) -> None:
        self._store = store
        self._access = access
        self._clock = clock
        self._idle = idle
        self.longest = longest

    @property
    def listed(self) -> bool:
        """Whether anybody can sign in with a secret."""
        return any(reviewer.secret for reviewer in self._access.reviewers.values())

    def known(self, name: str) -> Reviewer | None:
        """The reviewer of that name, as the access file has it now."""
        if self._access.development and not self.listed and name == DEVELOPER.name:
            return DEVELOPER
        return self._access.reviewers.get(name)

    async def open(self, reviewer: Reviewer, how: str) -> str:
        """A new session's token. `how` they signed in: secret, proxy or local."""
        token, now = secrets.token_urlsafe(32), self._clock()
        said = {"name": reviewer.name, "mark": _mark(reviewer), "at": now, "seen": now, "how": how}
        note = Note(key=_key(token), said=said, expires_at=now + self._idle)
        await self._store.run(
            Keep([note], [Deed(kind=f"console.login.{how}", reference="", actor=reviewer.name)])
        )
        return token

    async def find(self, token: str) -> Session | None:
        """The session of a token, touched; None where it ended or never was."""
        if not token or len(token) > _LONGEST_TOKEN:
            return None
        key, now = _key(token), self._clock()
        said = await find(self._store, key, now)
        if said is None or now - said["at"] > self.longest:
            return None
        reviewer = self.known(said["name"])
        if reviewer is None or said["mark"] != _mark(reviewer):
            return None
        if now - said["seen"] > TOUCH:
            fresh = Note(key=key, said=said | {"seen": now}, expires_at=now + self._idle)
            await self._store.run(Keep([fresh]))
        return Session(
            reviewer=reviewer,
            csrf=blake2b(token.encode(), digest_size=16, person=b"console form").hexdigest(),
            key=key,
            opened_at=said["at"],
            proxied=said["how"] == "proxy",
        )

    def current(self, session: Session) -> Session | None:
        """A session that was found before, with the reviewer as the access file has them now; None where they
        left it, or have another secret there."""
        reviewer = self.known(session.reviewer.name)
        if reviewer is None or _mark(reviewer) != _mark(session.reviewer):
            return None
        return replace(session, reviewer=reviewer)

    async def close(self, session: Session) -> None:
        """End a session."""
        note = Note(key=session.key, said={}, expires_at=0.0)
        deed = Deed(kind="console.logout", reference="", actor=session.reviewer.name)
        await self._store.run(Keep([note], [deed]))


def _key(token: str) -> bytes:
    """Under what a session is kept: the token itself is nowhere in the database."""
    return b"console/session/" + blake2b(token.encode(errors="replace"), digest_size=32).digest()


def _mark(reviewer: Reviewer) -> str:
    return blake2b(reviewer.secret.encode(), digest_size=16, person=b"console secret").hexdigest()
