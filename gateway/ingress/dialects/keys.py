"""Which source a dialect's key belongs to: `name:secret`, `name.secret`, or a key that access.yaml lists.

A tool that insists on the shape of its provider's key (a UUID, `SG.…`) sends one of its own: the source lists
the SHA-256 of it under `dialects: {<dialect>: {key: "sha256:…"}}`. Such a key must be random, at least 128
bits of it: nothing slows down who guesses it from the hash.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256

from aiohttp import web

from gateway.access import Access, Fault, Source
from gateway.ingress.http_auth import Gate, unknown
from gateway.web.credentials import LONGEST
from gateway.web.frame import CALLER
from gateway.web.peer import Network

TEST_KEYS = {"postmark": "POSTMARK_API_TEST"}
"""Keys with which nothing is sent; the source that answers to one says `test: true` in that dialect."""

_LISTED = re.compile(r"sha256:([0-9a-f]{64})\Z")


class KeyGate:
    """Lets sources in by what a dialect takes for a key."""

    def __init__(self, access: Access, proxies: Iterable[Network] = ()) -> None:
        """`access` is without faults: `dialect_faults` found none."""
        self._gate = Gate(access, proxies)
        self.access = access
        self._listed, self._of = _list_keys(access), access.sources

    async def admit(self, request: web.Request, dialect: str, header: str) -> Source:
        """The source behind an Authorization header. Raises Problem."""
        mark = (dialect, sha256(_token(header).encode("utf-8", "replace")).hexdigest())
        if self._of is not self.access.sources:
            self._listed, self._of = _list_keys(self.access), self.access.sources
        listed = self._listed.get(mark)
        if listed is not None and len(header) <= LONGEST:
            return self.know(request, listed)
        return await self._gate.admit(request, header)

    def know(self, request: web.Request, name: str) -> Source:
        """The source of that name, whose request this is for certain. Raises Problem where it just left."""
        source = self.access.named(name)
        if source is None:
            raise unknown()
        request[CALLER] = name
        return source

    def still(self, source: Source) -> Source:
        """As `Gate.still` has it."""
        return self._gate.still(source)


def bearer(key: str) -> str:
    """The Authorization header that a bare key stands for, "" for none."""
    return f"Bearer {key.strip()}" if key.strip() else ""


def basic_secret(header: str, *users: str) -> str:
    """The bearer header behind Basic with one of these users, whose password is the key; any other header
    as it is."""
    scheme, _, value = header.strip().partition(" ")
    if scheme.lower() != "basic" or len(header) > LONGEST:
        return header
    try:
        user, mark, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return header
    return bearer(secret) if mark and any(hmac.compare_digest(user, known) for known in users) else header


def _token(header: str) -> str:
    scheme, _, value = header.strip().partition(" ")
    return value.strip() if scheme.lower() == "bearer" else header


def key_faults(access: Access) -> Iterator[Fault]:
    """Keys that are no hash, or that two sources have."""
    owners: dict[tuple[str, str], str] = {}
    for source in access.sources.values():
        for dialect, options in source.dialects.items():
            if not isinstance(options, Mapping) or "key" not in options:
                continue
            at = ("dialects", dialect, "key")
            listed = _LISTED.match(str(options["key"]))
            if not listed:
                yield Fault(
                    source=source.name,
                    path=at,
                    text="write sha256: and the 64 hexadecimal digits of the key's hash",
                )
            elif owners.setdefault((dialect, listed[1]), source.name) != source.name:
                yield Fault(source=source.name, path=at, text="another source has the same key")


def _list_keys(access: Access) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for source in access.sources.values():
        for dialect, options in source.dialects.items():
            if options.get("test") is True and dialect in TEST_KEYS:
                found.setdefault((dialect, sha256(TEST_KEYS[dialect].encode()).hexdigest()), source.name)
            if listed := _LISTED.match(str(options.get("key", ""))):
                found.setdefault((dialect, listed[1]), source.name)
    return found
