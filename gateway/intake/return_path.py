"""Return paths of the gateway's own: what bounces to one says for certain which delivery it is about."""

import base64
import hmac
from hashlib import blake2b

from gateway.keys import Keys
from gateway.message.ids import is_id

PREFIX = "bounces+"


def return_path(keys: Keys, domain: str, entry_id: str) -> str:
    """The reverse-path of a delivery, `bounces+<message>-<n>-<mark>@domain`: at most 64 octets before
    the @, without capitals, since some servers fold them."""
    return f"{PREFIX}{entry_id}-{mark_of(keys.tokens[0], entry_id)}@{domain}"


def read_return_path(keys: Keys, address: str) -> tuple[str, int] | None:
    """The message and recipient number of a return path made here, by any key there was; else None."""
    local = address.rpartition("@")[0].lower()
    if not local.startswith(PREFIX) or len(local) > 64:
        return None
    entry_id, _, mark = local.removeprefix(PREFIX).rpartition("-")
    message, _, n = entry_id.rpartition("-")
    if not is_id(message) or not (n.isascii() and n.isdigit() and len(n) <= 4):
        return None
    known = any(hmac.compare_digest(mark_of(key, entry_id).encode(), mark.encode()) for key in keys.tokens)
    return (message, int(n)) if known else None


def mark_of(key: bytes, entry_id: str, person: bytes = b"return-path") -> str:
    """The keyed hash that makes an address about one delivery unforgeable: 16 small letters and digits."""
    digest = blake2b(entry_id.encode(), key=key, digest_size=10, person=person).digest()
    return base64.b32encode(digest).decode("ascii").lower()
