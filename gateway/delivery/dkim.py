"""DKIM signatures (RFC 6376, RFC 8463) over what leaves, after everything was added.

Keys are files named as their DNS record, `<selector>._domainkey.<domain>.pem`: RSA of at least 2048 bits,
or Ed25519. Header and body are canonicalized relaxed. The fields of a way out are always signed (RFC 8058),
and those that a reader sees are signed once more than they are there, so that none can be added.
"""

import asyncio
import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec.structs import replace

from gateway.delivery.outbox import Entry, Outbox
from gateway.delivery.transaction import compose
from gateway.delivery.verdict import give_back
from gateway.message.headers import Headers
from gateway.message.parse import parse
from gateway.store.attempt import Attempt, Report

SEEN = ("from", "to", "cc", "subject", "date", "reply-to", "message-id", "content-type")
"""Signed, and signed once more than they are there."""
SIGNED = (
    "list-unsubscribe", "list-unsubscribe-post", "list-id", "mime-version", "content-transfer-encoding",
    "in-reply-to", "references", "feedback-id", "auto-submitted", "sender",
)  # fmt: skip
"""Signed where they are there."""
SMALLEST_RSA = 2048
_NAME = re.compile(r"([a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?)\._domainkey\.([a-z0-9.-]{1,253})\.pem")
_BLANKS = re.compile(rb"[ \t]+")
_FIELD = re.compile(rb"(?<![!-9;-~])([!-9;-~]++)[ \t]*+:((?>(?:[^\r\n]|\r\n[ \t])*))(?:\r\n|\Z)")


class BadKey(Exception):
    """A key file cannot be used; the text names the file and says why."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key and the DNS name at which its public half is found."""

    selector: str
    domain: str
    private: RSAPrivateKey | Ed25519PrivateKey

    @property
    def algorithm(self) -> str:
        """As the a= tag has it."""
        return "ed25519-sha256" if isinstance(self.private, Ed25519PrivateKey) else "rsa-sha256"

    def sign(self, said: bytes) -> bytes:
        """The signature over canonical header octets."""
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private.sign(sha256(said).digest())
        return self.private.sign(said, PKCS1v15(), hashes.SHA256())


SigningKeys = Mapping[str, tuple[SigningKey, ...]]
"""The keys of each domain; with several, each signs."""


def load_signing_keys(folder: Path) -> SigningKeys:
    """The keys of a folder, by domain. Raises BadKey."""
    found: dict[str, tuple[SigningKey, ...]] = {}
    if not folder.is_dir():
        raise BadKey(f"{folder}: there is no such folder")
    for path in sorted(folder.glob("*.pem")):
        name = _NAME.fullmatch(path.name.lower())
        if name is None:
            raise BadKey(f"{path}: a key is named <selector>._domainkey.<domain>.pem, as its DNS record is")
        key = SigningKey(name.group(1), name.group(2), _read(path))
        found[key.domain] = (*found.get(key.domain, ()), key)
    return found


def _read(path: Path) -> RSAPrivateKey | Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise BadKey(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise BadKey(f"{path}: not a private key in PEM without a passphrase") from error
    if isinstance(key, RSAPrivateKey):
        if key.key_size < SMALLEST_RSA:
            raise BadKey(f"{path}: {key.key_size} bits are too few; make a key of {SMALLEST_RSA}")
        return key
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise BadKey(f"{path}: neither RSA nor Ed25519")


def signature(key: SigningKey, raw: bytes, at: float) -> str:
    """The value of a DKIM-Signature field for a message with CRLF line ends, folded; `at` unix seconds."""
    head, _, body = raw.partition(b"\r\n\r\n")
    fields = _fields(head + b"\r\n")
    names = _to_sign(fields)
    tags = (
        f"v=1; a={key.algorithm}; c=relaxed/relaxed; d={key.domain}; s={key.selector};\r\n"
        f" t={int(at)}; bh={base64.b64encode(body_hash(body)).decode()};\r\n"
        f" h={_fold(names)};\r\n b="
    )
    said = b"".join(_chosen(fields, names)) + canonical(b"DKIM-Signature", tags.encode()).removesuffix(
        b"\r\n"
    )
    mark = base64.b64encode(key.sign(said)).decode()
    return tags + "\r\n ".join(mark[i : i + 70] for i in range(0, len(mark), 70))


def _fold(names: Sequence[str]) -> str:
    lines, current = [], ""
    for name in names:
        if len(current) + len(name) > 68:
            lines.append(current)
            current = ""
        current += f"{name}:"
    return "\r\n ".join((*lines, current)).rstrip(":")


def body_hash(body: bytes) -> bytes:
    """SHA-256 of a body in relaxed form (RFC 6376 3.4.4)."""
    if b"\t" in body or b"  " in body or b" \r\n" in body or body.endswith(b" "):
        body = _BLANKS.sub(b" ", body).replace(b" \r\n", b"\r\n").removesuffix(b" ")
    end = len(body)
    while body.endswith(b"\r\n", 0, end):  # in place: a slice would copy the whole body for each empty line
        end -= 2
    return sha256(body[:end] + b"\r\n" if end else b"").digest()


def canonical(name: bytes, value: bytes) -> bytes:
    """A field in relaxed form (RFC 6376 3.4.2), with its CRLF."""
    flat = _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" \t")
    return name.lower().strip() + b":" + flat + b"\r\n"


def _fields(head: bytes) -> dict[str, list[tuple[bytes, bytes]]]:
    found: dict[str, list[tuple[bytes, bytes]]] = {}
    for match in _FIELD.finditer(head):
        name = match.group(1)
        found.setdefault(name.lower().decode("ascii"), []).append((name, match.group(2)))
    return found


def _to_sign(fields: Mapping[str, Sequence[object]]) -> list[str]:
    names: list[str] = []
    for name in SEEN:
        names += [name] * (len(fields.get(name, ())) + 1)
    for name in SIGNED:
        # A second way out put on top must not count either.
        more = 1 if name.startswith("list-unsubscribe") and name in fields else 0
        names += [name] * (len(fields.get(name, ())) + more)
    return names


def _chosen(fields: Mapping[str, Sequence[tuple[bytes, bytes]]], names: Sequence[str]) -> list[bytes]:
    """The fields in the order of h=, of several with one name the last first (RFC 6376 5.4.2)."""
    used: dict[str, int] = {}
    chosen = []
    for name in names:
        n = used[name] = used.get(name, 0) + 1
        there = fields.get(name, ())
        if n <= len(there):
            chosen.append(canonical(*there[-n]))
    return chosen


def from_domain(headers: Headers) -> str:
    """The domain of the author's address, in small letters, "" where there is not exactly one."""
    values = headers.get_all("from")
    if len(values) != 1:
        return ""
    found = re.findall(r"@([A-Za-z0-9.-]+)", values[0].rpartition("<")[2] or values[0])
    return found[-1].lower().rstrip(".") if found else ""


class SigningOutbox:
    """An outbox whose mail is signed as it is taken, where there is a key for the domain of its author.

    With `resign` also what came signed, else that is left as it is.
    """

    def __init__(
        self, outbox: Outbox, keys: SigningKeys, clock: Callable[[], float], *, resign: bool = False
    ) -> None:
        self._outbox = outbox
        self._keys = keys
        self._clock = clock
        self._resign = resign

    async def take(self, limit: int) -> Sequence[Entry]:
        """Entries with their signatures, made in a thread: one by RSA takes a third of a millisecond."""
        entries = await self._outbox.take(limit)
        try:
            return await asyncio.to_thread(lambda: [self.sign(entry) for entry in entries])
        except BaseException:
            for entry in entries:  # taken, but nobody got them
                self._outbox.settle(entry, give_back(entry.relay, entry.due_at, "the gateway stops"))
            raise

    def sign(self, entry: Entry) -> Entry:
        """The entry with a signature by each key of its author's domain."""
        if entry.format != "mime":
            return entry
        raw = compose(entry)
        if not isinstance(raw, bytes):
            return entry
        end = raw.find(b"\r\n\r\n")
        headers = parse(raw[: end + 4] if end >= 0 else raw).headers  # else all of it is a header
        keys = self._keys.get(from_domain(headers), ())
        if not keys or (headers.get("dkim-signature") and not self._resign):
            return entry
        now = self._clock()
        made = tuple(("DKIM-Signature", signature(key, raw, now)) for key in keys)
        return replace(entry, add_headers=(*made, *entry.add_headers))

    def settle(self, entry: Entry, attempt: Attempt) -> None:
        """As the outbox does."""
        self._outbox.settle(entry, attempt)

    def report(self, report: Report) -> None:
        """As the outbox does."""
        self._outbox.report(report)
