"""Whether a body is the provider's own: which signature each provider sends, and what is asked of it."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.ingress.feeds import signatures as by
from gateway.ingress.feeds.told import line, obj

Fetch = Callable[[str], Awaitable[bytes]]
"""Asks a URL of AWS; gives the body. Raises OSError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: its parts that are signed. `url` is the one that the provider was told, `options` those of
    the source for this feed."""

    method: str
    url: str
    headers: Mapping[str, str]
    raw: bytes
    body: Any
    form: tuple[tuple[str, str], ...]
    options: Mapping[str, Any]
    now: float

    @property
    def keys(self) -> tuple[str, ...]:
        """The secrets in the options: one, or several while one follows the other."""
        return secrets_of(self.options)

    def header(self, name: str) -> str:
        """A header, "" for none."""
        return self.headers.get(name, "")


def secrets_of(options: Mapping[str, Any]) -> tuple[str, ...]:
    """The secrets in the options of a feed."""
    given = options.get("secret") or ()
    return tuple(str(key) for key in given if key) if isinstance(given, (list, tuple)) else (str(given),)


class Seen:
    """Tokens that were used, for as long as they would be taken again. What one replica has seen the others
    have not: there the event's own id keeps it from counting twice."""

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._seen: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, token: str) -> bool:
        return token in self._seen

    def add(self, token: str) -> None:
        """Remember a token; the oldest is forgotten where there are too many."""
        if token:
            self._seen[token] = None
        while len(self._seen) > self._most:
            self._seen.popitem(last=False)


def token_of(call: Call) -> str:
    """The token that Mailgun says may be used once, "" for other feeds."""
    given = obj(obj(call.body).get("signature")) or dict(call.form)
    return line(given.get("token"), 200)


def sendgrid(call: Call) -> bool:
    """Over time and body, at most a day old."""
    stamp = call.header("X-Twilio-Email-Event-Webhook-Timestamp")
    signature = call.header("X-Twilio-Email-Event-Webhook-Signature")
    fresh = by.is_fresh(stamp, call.now, by.DAY)
    return fresh and any(by.by_sendgrid(key, signature, stamp, call.raw) for key in call.keys)


def mailgun(call: Call) -> bool:
    """Over time and token, which stand in the body, or in the form of a route; at most a day old."""
    given = obj(obj(call.body).get("signature")) or dict(call.form)
    stamp, token, signature = (line(given.get(name), 200) for name in ("timestamp", "token", "signature"))
    return by.is_fresh(stamp, call.now, by.DAY) and by.by_mailgun(call.keys, signature, stamp, token)


def mautic(call: Call) -> bool:
    """Over the body."""
    return by.by_hmac(call.keys, call.header("Webhook-Signature"), call.raw)


def typeform(call: Call) -> bool:
    """Over the body."""
    given = call.header("Typeform-Signature")
    return given.startswith("sha256=") and by.by_hmac(call.keys, given[7:], call.raw)


def hubspot(call: Call) -> bool:
    """Version 3, at most five minutes old. The time is in milliseconds."""
    stamp = call.header("X-HubSpot-Request-Timestamp")
    said = by.said_by_hubspot(call.method, call.url, call.raw, stamp)
    fresh = by.is_fresh(stamp[:-3], call.now, by.MINUTES)
    return fresh and by.by_hmac(call.keys, call.header("X-HubSpot-Signature-v3"), said)


def mandrill(call: Call) -> bool:
    """Over the URL and the form."""
    said = by.said_by_mandrill(call.url, call.form)
    return by.by_hmac(call.keys, call.header("X-Mandrill-Signature"), said, "sha1")


def standard(call: Call) -> bool:
    """Standard Webhooks or Svix, at most five minutes old."""
    mark = "svix" if call.header("svix-id") else "webhook"
    id_, stamp, signature = (call.header(f"{mark}-{name}") for name in ("id", "timestamp", "signature"))
    fresh = by.is_fresh(stamp, call.now, by.MINUTES)
    return fresh and by.by_standard(call.keys, id_, stamp, signature, call.raw)


SIGNED: Mapping[str, Callable[[Call], bool]] = {
    "sendgrid": sendgrid,
    "mailgun": mailgun,
    "mailgun-routes": mailgun,
    "sendgrid-inbound": sendgrid,
    "mautic": mautic,
    "typeform": typeform,
    "hubspot": hubspot,
    "mandrill": mandrill,
    "resend": standard,
    "generic": standard,
}
"""The signature of each feed that has one, with `secret` in its options."""


class Sns:
    """Messages of SNS: signed, of topics that the options list. Certificates are fetched once."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._certificates: dict[str, bytes] = {}

    async def check(self, call: Call) -> bool:
        """Whether it is AWS's own, and of a topic that is known. Raises OSError where AWS cannot be asked."""
        note = obj(call.body)
        url = line(note.get("SigningCertURL"), 500)
        if line(note.get("TopicArn"), 300) not in topics_of(call.options) or not by.is_certificate(url):
            return False
        if url not in self._certificates:
            fetched = await self._fetch(url)
            if len(self._certificates) >= 16:
                self._certificates.clear()
            self._certificates[url] = fetched
        return by.by_sns(self._certificates[url], note)

    async def confirm(self, call: Call) -> None:
        """Say yes to a subscription that was checked. Raises OSError."""
        url = line(obj(call.body).get("SubscribeURL"), 2000)
        if line(obj(call.body).get("Type")) == "SubscriptionConfirmation" and by.is_aws(url):
            await self._fetch(url)


def topics_of(options: Mapping[str, Any]) -> tuple[str, ...]:
    """The topics of SNS that a source listens to."""
    listed = options.get("topics") or ()
    return tuple(map(str, listed)) if isinstance(listed, (list, tuple)) else (str(listed),)
