"""What `access.yaml` may say of a source, a controller and a reviewer."""

import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any

from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from gateway.message.address import is_valid, normalize
from gateway.message.envelope import CLASSES
from gateway.policy.jurisdiction import zone_named

ROLES = ("reviewer", "compliance", "auditor", "admin")
INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode categories of what nobody sees."""
SHORTEST = 16
"""Octets of a hash; one that was cut off has fewer."""

TRUSTED = ("jurisdiction", "consent")


def _hash(value: str) -> str:
    """A secret's hash as argon2 writes it; what is shorter or bent would never open to anybody."""
    try:
        whole = not value or extract_parameters(value).hash_len >= SHORTEST
    except (InvalidHashError, ValueError, TypeError, KeyError):
        whole = False
    if not whole:
        raise ValueError("this is not the whole of an argon2 hash; make one with: galateo access hash")
    return value


def _name(value: str) -> str:
    """A name stands in logs, labels and tokens (`name:secret`)."""
    if ":" in value or any(unicodedata.category(letter) in INVISIBLE for letter in value):
        raise ValueError("a name has neither a colon nor invisible characters")
    return value


def _domains(value: frozenset[str]) -> frozenset[str]:
    """Domains as addresses have them: A-labels in lower case."""
    keys = {domain: normalize("email", f"x@{domain}") for domain in value}
    for domain, key in keys.items():
        if "@" in domain or not is_valid("email", key):
            raise ValueError(f"{domain!r} is no domain; name each one whole, such as acme.example")
    return frozenset(key.rpartition("@")[2] for key in keys.values())


def _address(value: str) -> str:
    if value and not is_valid("email", value):
        raise ValueError(f"{value!r} is no mail address")
    return value


def _time_zone(value: str) -> str:
    if value and zone_named(value) is None:
        raise ValueError(f"there is no time zone {value!r}; they are named like Europe/Rome")
    return value


def _trusted(value: frozenset[str]) -> frozenset[str]:
    unknown = sorted(value - set(TRUSTED))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not one of {', '.join(TRUSTED)}")
    return value


def _some(value: frozenset[str]) -> frozenset[str]:
    if not value:
        raise ValueError("nothing could be sent; leave the key out to allow every class")
    return value


def _list(value: object) -> object:
    """One word where a list is meant."""
    return [value] if isinstance(value, str) else value


Name = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_name)]
Hash = Annotated[str, AfterValidator(_hash)]
Words = Annotated[frozenset[str], BeforeValidator(_list)]
Listed = Annotated[tuple[str, ...], BeforeValidator(_list)]


class Entry(BaseModel):
    """What every group of keys of the file is: closed to other keys, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Subscription(Entry):
    """Where outgoing events go, signed with a `whsec_` secret; no `events` means every type."""

    url: str
    secret: str = Field(repr=False)
    events: Words = frozenset()


class Source(Entry):
    """A marketing tool's credential. `rate` is messages a second, 0 for no limit of its own; `language` is in
    which its notices and DSNs are written, "" for that of its controller's jurisdiction."""

    name: Name
    controller: str
    secret: Hash = ""
    classes: Annotated[Words, AfterValidator(_some)] = frozenset(CLASSES)
    default_class: str = ""
    default_purpose: Annotated[str, StringConstraints(to_lower=True, strip_whitespace=True)] = ""
    from_domains: Annotated[Words, AfterValidator(_domains)] = frozenset()
    trusted: Annotated[Words, AfterValidator(_trusted)] = frozenset()
    events: str = Field(default="restrict", pattern="^(restrict|open)$")
    reply_feed: bool = False
    notices: Annotated[str, AfterValidator(_address)] = ""
    dsn: bool = False
    language: str = Field(default="", pattern="^(it|en)$")
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


class Controller(Entry):
    """The organization in whose name messages go out."""

    name: Name
    jurisdiction: str = "it"
    identity: str = ""
    senders: Listed = ()
    time_zone: Annotated[str, AfterValidator(_time_zone)] = ""


class Reviewer(Entry):
    """A person of compliance: decides holds, within a role. `own` are sources and sender addresses of theirs:
    what comes from there, others release."""

    name: Name
    role: str = Field(default="reviewer", pattern="^(reviewer|compliance|auditor|admin)$")
    secret: Hash = ""
    own: Listed = ()

    @property
    def decides(self) -> bool:
        """Whether the role covers deciding holds."""
        return self.role != "auditor"
