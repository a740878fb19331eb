"""Upstream relays: what was accepted goes on to the real provider's API, with the provider's own key.

    upstream: {provider: sendgrid, key_file: /run/secrets/sendgrid, url: "https://api.eu.sendgrid.com"}

An entry holds the tool's request for one recipient; nothing in it is changed. The paths are those of the
table alone, so that no message chooses what is asked of the provider.
"""

import base64
import random
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from gateway.access import Access
from gateway.delivery.outbox import Entry
from gateway.delivery.target import TargetError, WebhookTarget, is_loopback
from gateway.delivery.webhook import WebhookRelay

FRESH, STALE = 300.0, 20.0
ASK_SECONDS = 5.0
MOST_KEPT = 500
MOST_OCTETS = 4 * 1024 * 1024

_OPTIONS = frozenset({"provider", "key", "key_file", "url"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Where a provider is, which paths a request may go on to, how its key is sent, and where its templates
    may be read."""

    url: str
    paths: re.Pattern[str]
    header: Callable[[str], tuple[str, str]]
    templates: re.Pattern[str]


PROVIDERS: Mapping[str, Provider] = {
    "sendgrid": Provider(
        url="https://api.sendgrid.com",
        paths=re.compile(r"/v3/mail/send\Z"),
        header=lambda key: ("Authorization", f"Bearer {key}"),
        templates=re.compile(r"/v3/templates/[A-Za-z0-9-]{1,80}\Z"),
    ),
    "mailgun": Provider(
        url="https://api.mailgun.net",
        paths=re.compile(r"/v3/[A-Za-z0-9.-]{1,255}/messages\Z"),
        header=lambda key: ("Authorization", aiohttp.encode_basic_auth("api", key)),
        templates=re.compile(
            r"/v3/[A-Za-z0-9.-]{1,255}/templates/[A-Za-z0-9_. -]{1,120}"
            r"(?:\?active=yes|/versions/[A-Za-z0-9][A-Za-z0-9_. -]{0,119})\Z"
        ),
    ),
    "postmark": Provider(
        url="https://api.postmarkapp.com",
        paths=re.compile(r"/email(?:/withTemplate)?\Z"),
        header=lambda key: ("X-Postmark-Server-Token", key),
        templates=re.compile(r"/templates/[A-Za-z0-9_.-]{1,80}\Z"),
    ),
}
"""Every provider that a request can go on to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamTarget:
    """One source's account with a provider; `url` without a slash at its end."""

    provider: Provider
    url: str
    key: str = field(repr=False)


def parse_upstream(options: Mapping[str, Any]) -> UpstreamTarget:
    """Read a source's `upstream`. Raises TargetError, which holds no secret."""
    unknown = sorted(set(options) - _OPTIONS)
    if unknown:
        raise TargetError(f"upstream takes {', '.join(sorted(_OPTIONS))}, not {unknown[0]}")
    provider = PROVIDERS.get(str(options.get("provider", "")))
    if provider is None:
        raise TargetError(f"upstream.provider is one of {', '.join(PROVIDERS)}")
    url = str(options.get("url", provider.url)).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise TargetError("upstream.url is written https://host")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise TargetError("a provider's key goes over TLS only: write https://")
    return UpstreamTarget(provider=provider, url=url, key=_key(options))


def _key(options: Mapping[str, Any]) -> str:
    if ("key" in options) == ("key_file" in options):
        raise TargetError("upstream takes either key or key_file")
    if "key" in options:
        key = str(options["key"])
    else:
        try:
            key = Path(str(options["key_file"])).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise TargetError(f"upstream.key_file cannot be read: {error.strerror}") from error
    if not key.isascii() or not key.isprintable() or not key:
        raise TargetError("upstream.key is not a key")
    return key


class UpstreamRelay(WebhookRelay):
    """Posts each entry's own request to one provider."""

    def __init__(
        self,
        name: str,
        target: UpstreamTarget,
        *,
        connections: int = 8,
        clock: Callable[[], float] = time.time,
        rng: random.Random | None = None,
    ) -> None:
        super().__init__(
            name, WebhookTarget(url=target.url, secrets=()), connections=connections, clock=clock, rng=rng
        )
        self._account = target

    def retarget(self, target: UpstreamTarget) -> None:
        """Post to another account, or with another key, from now on: a pause of the old one's is over."""
        if target != self._account:
            self._account = target
            self.circuit.until = 0.0
            self.circuit.try_again(0.0)

    def _request(self, entry: Entry) -> tuple[str, bytes | aiohttp.FormData, dict[str, str]] | None:
        request = _read(entry.raw)
        path = request.get("path", "")
        if not isinstance(path, str) or not self._account.provider.paths.match(path):
            return None
        name, value = self._account.provider.header(self._account.key)
        headers = {name: value, "User-Agent": "Galateo", "Accept": "application/json"}
        url = f"{self._account.url}{path}"
        if isinstance(request.get("json"), str):
            return url, request["json"].encode(), {**headers, "Content-Type": "application/json"}
        if isinstance(request.get("form"), list):
            return url, _form(request["form"]), headers
        return None


def _read(raw: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    request = found.get("upstream") if isinstance(found, dict) else None
    return request if isinstance(request, dict) else {}


def _form(fields: list[list[Any]]) -> aiohttp.FormData:
    """The fields in their order; `name, octets in Base64, filename or None, type`."""
    form = aiohttp.FormData(default_to_multipart=True)
    for name, content, filename, kind in fields:
        octets = base64.b64decode(content)
        if filename is None:
            form.add_field(name, octets.decode("utf-8"))
        else:
            form.add_field(name, octets, filename=filename, content_type=kind or "application/octet-stream")
    return form


class Catalog:
    """The templates that sources' providers keep. What was found is kept for FRESH seconds, what was not for
    STALE, so that a provider that is down costs one request of a batch its time, not each."""

    def __init__(self, access: Access, clock: Callable[[], float] = time.monotonic) -> None:
        self._access = access
        self._targets: dict[str, tuple[Mapping[str, Any], UpstreamTarget]] = {}
        self._clock = clock
        self._kept: OrderedDict[tuple[UpstreamTarget, str], tuple[float, Any]] = OrderedDict()

    async def fetch(self, source: str, path: str) -> Any:
        """The JSON under that path at the source's provider; None where there is none."""
        target = self._target(source)
        if target is None or not target.provider.templates.match(path):
            return None
        kept = self._kept.get((target, path))
        if kept is not None and self._clock() < kept[0]:
            return kept[1]
        found = await _ask(target, path)
        self._kept[target, path] = (self._clock() + (STALE if found is None else FRESH), found)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return found

    def _target(self, source: str) -> UpstreamTarget | None:
        """The source's account as the access file has it now."""
        named = self._access.named(source)
        if named is None or not named.upstream:
            return None
        known = self._targets.get(source)
        if known is None or known[0] is not named.upstream:
            try:
                known = self._targets[source] = (named.upstream, parse_upstream(named.upstream))
            except TargetError:  # its key file went away after the access file was taken up
                return None
        return known[1]


async def _ask(target: UpstreamTarget, path: str) -> Any:
    name, value = target.provider.header(target.key)
    headers = {name: value, "User-Agent": "Galateo", "Accept": "application/json"}
    url = target.url + path.replace(" ", "%20")
    timeout = aiohttp.ClientTimeout(total=ASK_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as client,
            client.get(url, headers=headers, allow_redirects=False) as answer,
        ):
            return await _read_json(answer) if answer.status == 200 else None
    except (aiohttp.ClientError, TimeoutError, OSError, orjson.JSONDecodeError):
        return None


async def _read_json(answer: aiohttp.ClientResponse) -> Any:
    raw = bytearray()
    async for chunk in answer.content.iter_any():
        raw += chunk
        if len(raw) > MOST_OCTETS:
            return None
    return orjson.loads(raw)
