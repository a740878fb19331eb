"""Who is calling: sources, controllers, reviewers, from `access.yaml`.

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
from pathlib import Path
from typing import Annotated, Any

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from gateway.message.envelope import CLASSES

ROLES = ("reviewer", "compliance", "auditor", "admin")
DEVELOPMENT_CONTROLLER = "default"
DEEPEST = 12
DEVELOPMENT_REVIEWER = "development"


class AccessError(Exception):
    """The access file cannot be used; the text says where and why, without secrets."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Subscription(_Entry):
    """Where outgoing events go, signed with a `whsec_` secret; no `events` means every type."""

    url: str
    secret: str = Field(repr=False)
    events: frozenset[str] = frozenset()


class Source(_Entry):
    """A marketing tool's credential. `rate` is messages a second, 0 for no limit of its own."""

    name: str = Field(min_length=1, max_length=64)
    controller: str
    secret: str = ""
    classes: frozenset[str] = frozenset(CLASSES)
    default_class: str = ""
    default_purpose: Annotated[str, StringConstraints(to_lower=True, strip_whitespace=True)] = ""
    from_domains: frozenset[str] = frozenset()
    trusted: frozenset[str] = frozenset()
    events: str = Field(default="restrict", pattern="^(restrict|open)$")
    reply_feed: bool = False
    notices: str = ""
    dsn: bool = False
    kind: str = Field(default="tool", pattern="^(tool|person)$")
    rate: float = Field(default=0.0, ge=0)
    dialects: Mapping[str, Any] = Field(default_factory=dict)
    upstream: Mapping[str, Any] = Field(default_factory=dict)
    feeds: Mapping[str, Any] = Field(default_factory=dict)
    webhooks: tuple[Subscription, ...] = ()
    relay: str = ""
    development: bool = False

    @property
    def opens_doors(self) -> bool:
        """Whether events of this source may count as opening a relationship or a consent."""
        return self.events == "open"


class Controller(_Entry):
    """The organization in whose name messages go out."""

    name: str = Field(min_length=1, max_length=64)
    jurisdiction: str = "it"
    identity: str = ""
    senders: tuple[str, ...] = ()
    time_zone: str = ""


class Reviewer(_Entry):
    """A person of compliance: decides holds, within a role. `own` are sources and sender addresses of theirs:
    what comes from there, others release."""

    name: str = Field(min_length=1, max_length=64)
    role: str = Field(default="reviewer", pattern="^(reviewer|compliance|auditor|admin)$")
    secret: str = ""
    own: tuple[str, ...] = ()


class _File(_Entry):
    sources: tuple[Source, ...] = ()
    controllers: tuple[Controller, ...] = ()
    reviewers: tuple[Reviewer, ...] = ()


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
    stand that lead somewhere in a source: `(name, key, key, ...)`."""

    sources: Mapping[str, Source]
    controllers: Mapping[str, Controller]
    reviewers: Mapping[str, Reviewer]
    development: bool = False
    places: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    _key: bytes = field(default_factory=lambda: os.urandom(32), repr=False)
    _seen: dict[bytes, bool] = field(default_factory=dict, repr=False)

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

    async def source(self, name: str, secret: str) -> Source | None:
        """The source with that name and secret, or None."""
        found = self.sources.get(name)
        return found if await self._verify("source", name, found.secret if found else "", secret) else None

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
        return found if await self._verify("reviewer", name, found.secret if found else "", secret) else None

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


def load_access(path: Path) -> Access:
    """Read `access.yaml`. Raises AccessError with file and line where the file says something wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise AccessError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise AccessError(f"{path}: the file is not UTF-8 text") from error
    yaml = YAML(typ="rt")
    try:
        data = yaml.load(text) or {}
    except (YAMLError, RecursionError, ValueError) as error:  # the last: a date that is none
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise AccessError(f"{where}: {getattr(error, 'problem', None) or 'not valid YAML'}") from error
    try:
        parsed = _File.model_validate(data)
    except ValidationError as error:
        raise AccessError("\n".join(_say(path, data, problem) for problem in error.errors())) from error
    return _checked(path, parsed, _places(path, data))


def _places(path: Path, data: Any) -> dict[tuple[str, ...], str]:
    """Where everything stands that the file says of a source."""
    found: dict[tuple[str, ...], str] = {}

    def walk(keys: tuple[str, ...], node: Any) -> None:
        marks = getattr(node, "lc", None)
        if marks is None or len(keys) > DEEPEST:
            return
        for key in node if isinstance(node, Mapping) else range(len(node)):
            try:
                line = (marks.key(key) if isinstance(node, Mapping) else marks.item(key))[0] + 1
            except KeyError:
                continue  # merged from elsewhere (`<<`): said to stand where its parent does
            found[*keys, str(key)] = f"{path}:{line}"
            walk((*keys, str(key)), node[key])

    for n, source in enumerate(data.get("sources") or ()):
        name = str(source["name"])
        found[name,] = f"{path}:{data['sources'].lc.item(n)[0] + 1}"
        walk((name,), source)
    return found


def _say(path: Path, data: Any, problem: Any) -> str:
    line, node = 1, data
    for step in problem["loc"]:
        marks = getattr(node, "lc", None)
        try:
            line = (marks.key(step) if isinstance(step, str) else marks.item(step))[0] + 1 if marks else line
            node = node[step]
        except (KeyError, IndexError, TypeError, AttributeError):
            break
    return f"{path}:{line}: {'.'.join(map(str, problem['loc']))}: {problem['msg']}"


def _checked(path: Path, parsed: _File, places: Mapping[tuple[str, ...], str]) -> Access:
    controllers = {c.name: c for c in parsed.controllers}
    problems = []
    for kind, entries in (
        ("source", parsed.sources),
        ("controller", parsed.controllers),
        ("reviewer", parsed.reviewers),
    ):
        names = [entry.name for entry in entries]
        problems += [
            f"{kind} {name!r} is listed twice" for name in sorted(set(names)) if names.count(name) > 1
        ]
    for source in parsed.sources:
        if source.controller not in controllers:
            problems.append(
                f"source {source.name!r} names controller {source.controller!r}, which is not listed"
            )
        unknown = sorted((source.classes | ({source.default_class} - {""})) - set(CLASSES))
        problems += [f"source {source.name!r}: there is no class {name!r}" for name in unknown]
        if source.default_class and source.default_class not in source.classes:
            problems.append(
                f"source {source.name!r}: its default class {source.default_class!r} is not among its classes"
            )
    if problems:
        raise AccessError("\n".join(f"{path}: {problem}" for problem in problems))
    return Access(
        sources={s.name: s for s in parsed.sources},
        controllers=controllers,
        reviewers={r.name: r for r in parsed.reviewers},
        places=places,
    )
