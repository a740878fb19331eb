"""Who is calling: sources, controllers, reviewers, and their secrets.

A gateway that serves has one `Access`, and everything in it asks that one each time: when the file changes,
it takes over what the file says now (`adopt`), and whoever asks next hears that.

Secrets are kept as argon2id hashes; a secret that was verified once is remembered as a keyed hash for
as long as the process lives, so that the quarter of a second which argon2 takes is paid once.
"""

import asyncio
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from gateway.access.entries import Controller, Reviewer, Source

DEVELOPMENT_CONTROLLER = "default"
DEVELOPMENT_REVIEWER = "development"


_HASHER = PasswordHasher()


def hash_secret(secret: str) -> str:
    """The argon2id hash to put in `access.yaml`."""
    return _HASHER.hash(secret)


def new_secret() -> str:
    """A fresh random secret of 256 bits, as text."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What the access file says wrongly of a source; `path` are the keys that lead there."""

    source: str
    path: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"source {self.source!r}: {'.'.join(self.path)}: {self.text}"


@dataclass(slots=True)
class Access:
    """The access file, and who was recognized by it. `places` says on which line of which file the keys
    stand that lead somewhere in a source: `(name, key, key, ...)`; `problem` why the file on disk is not in
    force, "" where it is. The mappings are replaced as a whole, never changed."""

    sources: Mapping[str, Source]
    controllers: Mapping[str, Controller]
    reviewers: Mapping[str, Reviewer]
    development: bool = False
    places: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    problem: str = ""
    _key: bytes = field(default_factory=lambda: os.urandom(32), repr=False)
    _seen: dict[bytes, bool] = field(default_factory=dict, repr=False)

    def adopt(self, fresh: "Access") -> None:
        """Say from now on what another reading of the file says."""
        self.sources, self.controllers, self.reviewers = fresh.sources, fresh.controllers, fresh.reviewers
        self.places, self.development, self.problem = fresh.places, fresh.development, ""

    def named(self, name: str) -> Source | None:
        """The source of that name, as the file has it now."""
        return self.sources.get(name)

    def current(self, source: Source) -> Source | None:
        """A source that was recognized before, as the file has it now; None where it left the file, or has
        another secret there."""
        now = self.sources.get(source.name)
        return now if now is source or (now is not None and now.secret == source.secret) else None

    def may_decide(self, name: str) -> bool:
        """Whether the reviewer of that name may decide holds, as the file has it now. In development, where
        there is no file, nobody ever left it."""
        known = self.reviewers.get(name)
        return self.development or (known is not None and known.decides)

    @property
    def development_source(self) -> Source | None:
        """The one source that needs no password, in development only."""
        return self.sources.get("development") if self.development else None

    def say(self, fault: Fault) -> str:
        """A fault with the place where it stands: `access.yaml:12: source 'crm': ...`."""
        keys = (fault.source, *fault.path)
        found = (self.places.get(keys[:n]) for n in range(len(keys), 0, -1))
        place = next((one for one in found if one), "")
        return f"{place}: {fault}" if place else str(fault)

    def controller(self, name: str) -> Controller:
        """The controller of that name; a bare one, strictest by default, where none is listed."""
        return self.controllers.get(name) or Controller(name=name, jurisdiction="unknown")

    def language(self, source: Source) -> str:
        """In which language a source is written to: its own, else Italian where its controller is in Italy,
        English elsewhere."""
        home = self.controller(source.controller).jurisdiction.strip().casefold()
        return source.language or ("it" if home == "it" else "en")

    async def source(self, name: str, secret: str) -> Source | None:
        """The source with that name and secret, or None."""
        found = self.sources.get(name)
        if not await self._verify("source", name, found.secret if found else "", secret):
            return None
        return self.current(found) if found is not None else None  # the file may have changed meanwhile

    async def source_by_token(self, token: str) -> Source | None:
        """The source that a bearer token `name:secret` (or `name.secret`) names, or None."""
        for mark in (":", "."):
            name, found, secret = token.partition(mark)
            if found and name in self.sources:
                return await self.source(name, secret)
        return None

    async def reviewer(self, name: str, secret: str) -> Reviewer | None:
        """The reviewer with that name and secret, or None."""
        found = self.reviewers.get(name)
        if not await self._verify("reviewer", name, found.secret if found else "", secret):
            return None
        now = self.reviewers.get(name)  # as above
        return now if now is not None and found is not None and now.secret == found.secret else None

    async def reviewer_by_token(self, token: str) -> Reviewer | None:
        """The reviewer that a bearer token `name:secret` names, or None."""
        name, found, secret = token.partition(":")
        return await self.reviewer(name, secret) if found else None

    async def _verify(self, kind: str, name: str, stored: str, secret: str) -> bool:
        mark = blake2b(f"{kind}\0{name}\0{stored}\0{secret}".encode(errors="replace"), key=self._key).digest()
        if mark in self._seen:
            return True
        known = await asyncio.to_thread(_matches, stored or _NOBODY, secret)
        if known and stored:
            if len(self._seen) >= 10_000:
                self._seen.clear()
            self._seen[mark] = True
        return known and bool(stored)


def _matches(stored: str, secret: str) -> bool:
    try:
        return _HASHER.verify(stored, secret)
    except (Argon2Error, InvalidHashError, UnicodeError):
        return hmac.compare_digest(b"a", b"b")


_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$nobodynobodynobodynobodynobodynobodynobodyA"


def development_access(default_class: str = "") -> Access:
    """One source without a password and one reviewer, for a loopback trial only."""
    source = Source(
        name="development",
        controller=DEVELOPMENT_CONTROLLER,
        trusted=frozenset({"jurisdiction", "consent"}),
        events="open",
        reply_feed=True,
        kind="person",
        default_class=default_class,
        development=True,
    )
    controller = Controller(name=DEVELOPMENT_CONTROLLER, jurisdiction="it", identity="Galateo development")
    return Access(
        sources={source.name: source},
        controllers={controller.name: controller},
        reviewers={DEVELOPMENT_REVIEWER: Reviewer(name=DEVELOPMENT_REVIEWER, role="admin")},
        development=True,
    )
