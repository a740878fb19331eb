"""Where a relay is and how to speak to it, read from its URL. Pure.

`smtp://host[:port]` uses TLS when it is offered, `smtps://` from the first byte. `?tls=` is required,
opportunistic or never; `?ca=FILE` trusts the certificates in a file alone; `?pipelining=off` is for a relay
that offers PIPELINING and does it wrong. With a user and password TLS
is required, unless the relay is on this machine or the URL says tls=never; with a `ca` as well, unless the
URL says tls= otherwise: opportunistic TLS takes any certificate.
"""

from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from gateway.settings.values import read_secrets

_TLS = ("required", "opportunistic", "never")
_PORTS = {"smtp": 25, "smtps": 465}


class TargetError(ValueError):
    """A relay's URL or secret cannot be used; the text says why and holds no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpTarget:
    """An SMTP relay. `tls` is implicit, required, opportunistic or never; `ca` a file or ""."""

    host: str
    port: int
    tls: str
    user: str = ""
    password: str = field(default="", repr=False)
    ca: str = ""
    pipelining: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTarget:
    """A webhook relay: the one URL that is ever called, and the secrets that sign, newest first."""

    url: str = field(repr=False)
    secrets: tuple[bytes, ...] = field(repr=False)


def parse_smtp(url: str) -> SmtpTarget:
    """Read `smtp://` and `smtps://` URLs, or raise TargetError."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise TargetError("an SMTP relay is written smtp://host:port or smtps://host:port")
    if parts.path.strip("/") or parts.fragment:
        raise TargetError("an SMTP relay's URL has no path")
    options = _options(parts, "tls", "ca", "pipelining")
    if options.get("pipelining", "on") not in {"on", "off"}:
        raise TargetError("pipelining is on or off")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return SmtpTarget(
        host=parts.hostname,
        port=parts.port or (587 if user and parts.scheme == "smtp" else _PORTS[parts.scheme]),
        tls=_tls(parts, options.get("tls", "") or ("required" if options.get("ca") else ""), bool(user)),
        user=user,
        password=password,
        ca=options.get("ca", ""),
        pipelining=options.get("pipelining", "on") == "on",
    )


def parse_webhook(url: str, secret: str) -> WebhookTarget:
    """Read a webhook's URL and its `whsec_` secrets (several, newest first, apart by spaces)."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment:
        raise TargetError("a webhook relay is written https://host/path")
    try:
        secrets = read_secrets(secret)
    except ValueError:
        raise TargetError("a webhook secret is whsec_ and 24 to 64 bytes in Base64") from None
    if not secrets:
        raise TargetError("a webhook relay needs a secret to sign with, as whsec_ and Base64")
    return WebhookTarget(url=url, secrets=secrets)


def is_loopback(host: str) -> bool:
    """Whether this name or address is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _options(parts: SplitResult, *known: str) -> dict[str, str]:
    given = parse_qsl(parts.query, keep_blank_values=True)
    unknown = [name for name, _ in given if name not in known]
    if unknown or len(dict(given)) != len(given):
        raise TargetError(f"a relay's URL takes {', '.join(known)} after the ?, each once")
    return dict(given)


def _tls(parts: SplitResult, asked: str, credentials: bool) -> str:
    if parts.scheme == "smtps":
        if asked not in {"", "required"}:
            raise TargetError("smtps:// is always TLS; for anything else write smtp://")
        return "implicit"
    if asked and asked not in _TLS:
        raise TargetError(f"tls is one of {', '.join(_TLS)}")
    if not credentials or is_loopback(parts.hostname or ""):
        return asked or "opportunistic"
    if asked == "opportunistic":
        raise TargetError("a password goes over verified TLS only: write tls=required, or smtps://")
    return asked or "required"
