"""Tokens in links: what they say cannot be changed, and one made for one purpose opens nothing else. Pure.

A token is its expiry, some parts and a keyed hash (BLAKE2b, 16 octets) in base64url. The hash covers the
kind, so that a link to leave cannot be turned into one that shows. Keys may be rotated: the first signs,
all verify.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b

from gateway.intake.return_path import mark_of
from gateway.keys import Keys
from gateway.message.ids import is_id

LONGEST = 1024
"""Characters; nothing made here is longer."""
LEAVE_SECONDS = 5 * 365 * 86400.0
"""How long a link in a message lets its reader leave: old mail is kept for years, and it only restricts."""
SHOW_SECONDS = 3600.0
"""How long a link that shows what is held may be used."""
MAILBOX = "leave+"

_MARK = 16
_VERSION = 1


class Kind(Enum):
    """What a token is for; the value goes into its hash."""

    LEAVE = b"way-out"
    SHOW = b"show"
    CONFIRM = b"confirm"


class Refused(Enum):
    """Why a token opens nothing: it was not made here (or was cut), or its time is over."""

    FORGED = "forged"
    EXPIRED = "expired"


def seal(keys: Keys, kind: Kind, parts: Sequence[bytes], expires_at: float) -> str:
    """The token of some parts of at most 255 octets each; `expires_at` in unix seconds."""
    head = bytes((_VERSION,)) + int(expires_at).to_bytes(5, "big")
    data = head + b"".join([bytes((len(part),)) + part for part in parts])
    mark = blake2b(data, key=keys.tokens[0], digest_size=_MARK, person=kind.value).digest()
    return base64.urlsafe_b64encode(data + mark).rstrip(b"=").decode("ascii")


def unseal(keys: Keys, kind: Kind, token: str, now: float) -> tuple[bytes, ...] | Refused:
    """The parts of a token of that kind, made with any key there was, or why it is refused."""
    data = _decode(token)
    if len(data) < 6 + _MARK or data[0] != _VERSION:
        return Refused.FORGED
    said, mark = data[:-_MARK], data[-_MARK:]
    genuine = False
    for key in keys.tokens:
        made = blake2b(said, key=key, digest_size=_MARK, person=kind.value).digest()
        genuine |= hmac.compare_digest(made, mark)
    if not genuine:
        return Refused.FORGED
    if int.from_bytes(said[1:6], "big") <= now:
        return Refused.EXPIRED
    return tuple(_parts(said))


def _decode(token: str) -> bytes:
    """The octets of a token; nothing for what has another spelling than the one it was made with."""
    if not token or len(token) > LONGEST or not token.isascii():
        return b""
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
    same = base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii") == token
    return data if same else b""


def _parts(said: bytes) -> list[bytes]:
    parts, at = [], 6
    while at < len(said):
        end = at + 1 + said[at]
        parts.append(said[at + 1 : end])
        at = end
    return parts


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """What a message's link lets its reader leave: `purpose` on `channel`, in the name of `controller`.
    `message` and `n` say which message to whom it stands in."""

    controller: str
    subject: bytes
    channel: str
    purpose: str
    message: str
    n: int


def seal_way_out(keys: Keys, way: WayOut, expires_at: float) -> str:
    """The token of a way out; a purpose is cut where it is too long for anyone to have meant it."""
    parts = (
        way.controller.encode()[:255],
        way.subject,
        way.channel.encode(),
        cut(way.purpose),
        f"{way.message}-{way.n}".encode(),
    )
    return seal(keys, Kind.LEAVE, parts, expires_at)


def open_way_out(keys: Keys, token: str, now: float) -> WayOut | Refused:
    """The way out that a token opens."""
    parts = unseal(keys, Kind.LEAVE, token, now)
    if isinstance(parts, Refused):
        return parts
    controller, subject, channel, purpose, entry = parts
    message, _, n = entry.decode().rpartition("-")
    return WayOut(
        controller=controller.decode(),
        subject=subject,
        channel=channel.decode(),
        purpose=purpose.decode(),
        message=message,
        n=int(n),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """Whose data a link sent to the address itself shows."""

    controller: str
    subject: bytes
    channel: str


def seal_showing(keys: Keys, showing: Showing, now: float) -> str:
    """A link's token that works for an hour."""
    parts = (showing.controller.encode()[:255], showing.subject, showing.channel.encode())
    return seal(keys, Kind.SHOW, parts, now + SHOW_SECONDS)


def open_showing(keys: Keys, token: str, now: float) -> Showing | Refused:
    """Whose data a token shows."""
    parts = unseal(keys, Kind.SHOW, token, now)
    if isinstance(parts, Refused):
        return parts
    controller, subject, channel = parts
    return Showing(controller=controller.decode(), subject=subject, channel=channel.decode())


def cut(text: str) -> bytes:
    """The text in UTF-8, at most 255 octets of whole characters."""
    return text.encode()[:255].decode(errors="ignore").encode()


def leave_address(keys: Keys, domain: str, entry_id: str) -> str:
    """The mailbox of a delivery's mailto way out, `leave+<message>-<n>-<mark>@domain`, in small letters."""
    return f"{MAILBOX}{entry_id}-{mark_of(keys.tokens[0], entry_id, b'leave')}@{domain}"


def read_leave_address(keys: Keys, address: str) -> tuple[str, int] | None:
    """The message and recipient number of such a mailbox, by any key there was; else None."""
    local = address.rpartition("@")[0].lower()
    if not local.startswith(MAILBOX) or len(local) > 64:
        return None
    entry_id, _, mark = local.removeprefix(MAILBOX).rpartition("-")
    message, _, n = entry_id.rpartition("-")
    if not is_id(message) or not (n.isascii() and n.isdigit() and len(n) <= 4):
        return None
    known = [hmac.compare_digest(mark_of(k, entry_id, b"leave").encode(), mark.encode()) for k in keys.tokens]
    return (message, int(n)) if any(known) else None
