"""What a setting's value may be: durations, listeners, URLs, networks, sizes; each parser says what is wrong.

A parser raises ValueError with the end of a sentence: "is not a duration"; the variable's name comes before
it. No text of a ValueError repeats the value.
"""

import base64
import binascii
import os
import re
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, ByteSize, Field, Secret, SecretStr
from pydantic_settings import NoDecode


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen: a host name or address without brackets, and a port (0: any free one)."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class SecretUrl(Secret[str]):
    """A URL that may hold a password: shown without it; `get_secret_value()` gives it whole."""

    def _display(self) -> str:
        return hide_password(self.get_secret_value())


def hide_password(url: str) -> str:
    """Return the URL with user, password and query left out, `***` where it is no URL at all."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return "***"
    # The last @ of all: a password may hold any character, unescaped by a hurried hand.
    user, _, place = rest.rpartition("@")
    place = place.partition("?")[0].partition("#")[0]
    return f"{scheme}://***@{place}" if user else f"{scheme}://{place}"


_UNIT_NAMES = {
    unit: seconds
    for names, seconds in (
        (("ms", "millisecond", "milliseconds"), 0.001),
        (("s", "sec", "secs", "second", "seconds"), 1),
        (("m", "min", "mins", "minute", "minutes"), 60),
        (("h", "hour", "hours"), 3600),
        (("d", "day", "days"), 86400),
        (("w", "week", "weeks"), 604800),
    )
    for unit in names
}
_PART = r"(\d{1,12}(?:\.\d{1,6})?)\s*([a-z]+)"
_PARTS = re.compile(rf"{_PART}(?:[\s,]*{_PART})*", re.ASCII)
_ISO = re.compile(
    r"P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,6})?)S)?)?",
    re.ASCII,
)
_ISO_UNITS = (604800, 86400, 3600, 60, 1)
_LONGEST = timedelta(days=3650)


def parse_duration(value: object) -> timedelta:
    """Return the duration, at most ten years, or raise ValueError."""
    seconds = _count_seconds(value)
    if seconds is None:
        raise ValueError("is not a duration")
    if not 0 <= seconds <= _LONGEST.total_seconds():
        raise ValueError("is not between nothing and ten years")
    return timedelta(seconds=seconds)


def parse_long(value: object) -> timedelta:
    """The same for what lasts hours or days: a bare number of seconds that makes less than an hour was meant
    in another unit. Nothing, written 0, is nothing. Raises ValueError."""
    duration = parse_duration(value)
    bare = not isinstance(value, timedelta) and re.fullmatch(r"[0-9.]+", str(value).strip(), re.ASCII)
    if bare and timedelta(0) < duration < timedelta(hours=1):
        raise ValueError(
            "has no unit, and so few seconds cannot be meant: write d, h, m or s after the number"
        )
    return duration


def _count_seconds(value: object) -> float | None:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value  # as it is: float() of a very long one would overflow
    if not isinstance(value, str) or len(value) > 100:
        return None
    text = value.strip()
    if re.fullmatch(r"\d{1,12}(\.\d{1,6})?", text, re.ASCII):
        return float(text)
    if len(text) > 2 and text[-1] != "T" and (iso := _ISO.fullmatch(text.upper())):
        return sum(float(n or 0) * unit for n, unit in zip(iso.groups(), _ISO_UNITS, strict=True))
    if not _PARTS.fullmatch(text.lower()):
        return None
    parts = re.findall(_PART, text.lower(), re.ASCII)
    if any(unit not in _UNIT_NAMES for _, unit in parts):
        return None
    return sum(float(number) * _UNIT_NAMES[unit] for number, unit in parts)


def parse_listen(value: object) -> Listen | None:
    """Return where to listen, None for `off` and the empty string, or raise ValueError."""
    if value is None or isinstance(value, Listen):
        return value
    text = str(value).strip()
    if text.lower() in {"", "off"}:
        return None
    host, _, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not bare or not re.fullmatch(r"[A-Za-z0-9._:%-]{1,255}", bare) or (":" in bare) != (bare != host):
        raise ValueError("is not host:port or off")
    if not re.fullmatch(r"\d{1,5}", port, re.ASCII) or int(port) > 65535:
        raise ValueError("has no port between 0 and 65535")
    return Listen(bare, int(port))


# How a URL of a database, where there may be no host or several, differs from one of a single server.
_DATABASES = ("sqlite", "postgresql", "postgres")


def url_of(*schemes: str) -> BeforeValidator:
    """Return a validator for URLs of these schemes."""

    def parse(value: object) -> object:
        if value is None or isinstance(value, SecretUrl):
            return value
        text = str(value).strip()
        if re.search(r"[\x00-\x20\x7f]", text):
            raise ValueError("holds a space or a control character")
        scheme, separator, rest = text.partition("://")
        if scheme not in schemes or not separator:
            raise ValueError(f"does not begin with {' or '.join(f'{name}://' for name in schemes)}")
        if scheme in _DATABASES:
            if not rest.strip("/"):
                raise ValueError("names no database")
        elif not _names_server(text):
            raise ValueError(
                "names no server as host or host:port (in a password, / ? # and % are %2F %3F %23 %25)"
            )
        return text

    return BeforeValidator(parse)


def parse_root(value: object) -> object:
    """A URL that paths are added to, without the slash at its end. Raises ValueError."""
    if not isinstance(value, str):
        return value
    if re.search(r"[?#@]", value):
        raise ValueError("has a ?, # or @, and paths are added at its end")
    return value.strip().rstrip("/")


def _names_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _parse_networks(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return tuple(ip_network(part, strict=False) for part in re.split(r"[\s,]+", value.strip()) if part)
    except ValueError:
        raise ValueError("is not a list of networks") from None


def read_secrets(text: str) -> tuple[bytes, ...]:
    """The secrets that sign webhooks (Standard Webhooks): `whsec_` and 24 to 64 octets in Base64; several,
    newest first, apart by spaces. Raises ValueError."""
    return tuple(_read_secret(each) for each in text.replace(",", " ").split())


def _read_secret(text: str) -> bytes:
    encoded = text.removeprefix("whsec_")
    try:
        secret = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not 24 <= len(secret) <= 64:
        raise ValueError("is not a secret that signs webhooks")
    return secret


def _check_secrets(value: SecretStr | None) -> SecretStr | None:
    if value is not None and not read_secrets(value.get_secret_value()):
        raise ValueError("is not a secret that signs webhooks")
    return value


def is_folder(path: Path | None) -> bool:
    """Whether a folder stands there; what cannot be looked at is told by whoever opens it."""
    return path is not None and os.path.isdir(path)  # noqa: PTH112 (Path.is_dir may raise)


_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def _parse_domains(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(_parse_domain(part) for part in re.split(r"[\s,]+", value.strip()) if part)


def _parse_domain(value: object) -> str:
    name = str(value).strip().lower().rstrip(".")
    if name and (len(name) > 253 or not _DOMAIN.fullmatch(name)):
        raise ValueError("is not a domain name (write an international one as xn--...)")
    return name


def _parse_forward(value: object) -> str:
    text = str(value).strip()
    local, at, domain = text.rpartition("@")
    if text.lower() in {"", "off", "sender"}:
        return "" if text.lower() == "off" else text.lower()
    if not (local and at and _DOMAIN.fullmatch(domain.lower())) or re.search(r"[\s<>,;]", text):
        raise ValueError("is not an address, sender or off")
    return text


def _parse_address(value: object) -> str:
    text = str(value).strip()
    local, at, domain = text.rpartition("@")
    if text and (not (local and at and _DOMAIN.fullmatch(domain.lower())) or re.search(r"[\s<>,;]", text)):
        raise ValueError("is not an address")
    return text


Duration = Annotated[
    timedelta,
    NoDecode,
    BeforeValidator(parse_duration),
    Field(examples=["14 days, 2h, 30s"]),
]
Timeout = Annotated[Duration, Field(gt=timedelta(0))]
LongDuration = Annotated[
    timedelta,
    NoDecode,
    BeforeValidator(parse_long),
    Field(examples=["14 days, 2h, 30s"]),
]
LongTimeout = Annotated[LongDuration, Field(gt=timedelta(0))]
ListenOrOff = Annotated[
    Listen | None,
    NoDecode,
    BeforeValidator(parse_listen),
    Field(examples=["127.0.0.1:2525"]),
]
Networks = Annotated[
    tuple[IPv4Network | IPv6Network, ...],
    NoDecode,
    BeforeValidator(_parse_networks),
    Field(examples=["10.0.0.0/8, fd00::/8"]),
]
Domains = Annotated[
    tuple[str, ...],
    NoDecode,
    BeforeValidator(_parse_domains),
    Field(examples=["replies.example.com, in.example.com"]),
]
Domain = Annotated[str, BeforeValidator(_parse_domain), Field(examples=["bounces.example.com"])]
ForwardTo = Annotated[str, BeforeValidator(_parse_forward), Field(examples=["sender or inbox@example.com"])]
Address = Annotated[str, BeforeValidator(_parse_address), Field(examples=["no-reply@example.com"])]
Size = Annotated[ByteSize, Field(gt=0, examples=["26214400 or 25 MiB"])]
Count = Annotated[int, Field(gt=0, examples=["100"])]
WebhookSecret = Annotated[
    SecretStr | None,
    AfterValidator(_check_secrets),
    Field(examples=["whsec_ and 24 to 64 random bytes in Base64"]),
]
