"""The signatures of those who tell: is this body theirs, and is it fresh. Pure; every comparison takes the
same time whatever differs. What cannot be read is not signed."""

import base64
import binascii
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509 import load_pem_x509_certificate

DAY = 86400.0
"""Providers try again for a day, some with the first attempt's signature."""
MINUTES = 300.0
_AWS = re.compile(r"sns\.[a-z0-9-]{1,40}\.amazonaws\.com(\.cn)?\Z")
_PEM = re.compile(r"/SimpleNotificationService-[0-9A-Za-z]{1,64}\.pem\Z")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip
_SIGNED["UnsubscribeConfirmation"] = _SIGNED["SubscriptionConfirmation"]


def is_fresh(stamp: str, now: float, within: float) -> bool:
    """Whether a time in unix seconds lies at most `within` seconds away."""
    return stamp.isascii() and stamp.isdigit() and len(stamp) < 12 and abs(now - int(stamp)) <= within


def by_sendgrid(key: str, signature: str, stamp: str, body: bytes) -> bool:
    """ECDSA on P-256 with SHA-256 over time and body; the key is base64 of a SubjectPublicKeyInfo."""
    try:
        public = load_der_public_key(base64.b64decode(key, validate=True))
        given = base64.b64decode(signature, validate=True)
        if not isinstance(public, ec.EllipticCurvePublicKey):
            return False
        public.verify(given, stamp.encode() + body, ec.ECDSA(SHA256()))
    except (ValueError, InvalidSignature, UnicodeError):
        return False
    return True


def by_mailgun(keys: Sequence[str], signature: str, stamp: str, token: str) -> bool:
    """HMAC-SHA256 in hexadecimal over time and token."""
    said = (stamp + token).encode("utf-8", "replace")
    return _any(signature.lower(), (hmac.digest(k.encode(), said, "sha256").hex() for k in keys))


def by_hmac(keys: Sequence[str], signature: str, said: bytes, digest: str = "sha256") -> bool:
    """HMAC in base64: Mautic and Typeform over the body, HubSpot and Mandrill over `said_by_*`."""
    return _any(signature, (_b64(hmac.digest(key.encode(), said, digest)) for key in keys))


def said_by_hubspot(method: str, url: str, body: bytes, stamp: str) -> bytes:
    """What HubSpot signs in version 3."""
    return f"{method}{url}".encode() + body + stamp.encode("utf-8", "replace")


def said_by_mandrill(url: str, fields: Iterable[tuple[str, str]]) -> bytes:
    """What Mandrill signs: the URL as it was set, and the fields of the form by name."""
    return (url + "".join(name + value for name, value in sorted(fields))).encode("utf-8", "replace")


def by_standard(keys: Sequence[str], id_: str, stamp: str, signature: str, body: bytes) -> bool:
    """Standard Webhooks 1.0, symmetric, as Svix and Resend sign; keys are `whsec_` and base64."""
    said = f"{id_}.{stamp}.".encode("utf-8", "replace") + body
    given = [part[3:] for part in signature.split(" ")[:8] if part.startswith("v1,")]
    return any(
        _any(one, (_b64(hmac.digest(secret_of(key), said, "sha256")) for key in keys)) for one in given
    )


def secret_of(key: str) -> bytes:
    """The octets of a `whsec_` secret; those of the text itself where it is none."""
    try:
        return base64.b64decode(key.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return key.encode()


def is_aws(url: str) -> bool:
    """Whether an https URL leads to the notification service of AWS: nothing else is ever asked."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    plain = parts.scheme == "https" and port in (None, 443) and parts.username is None
    return plain and bool(_AWS.match(host))


def is_certificate(url: str) -> bool:
    """Whether a URL is where AWS keeps the certificates with which SNS signs."""
    return is_aws(url) and bool(_PEM.match(urlsplit(url).path))


def by_sns(certificate: bytes, note: Mapping[str, object]) -> bool:
    """RSA over the fields that SNS lists, with the certificate that `SigningCertURL` led to."""
    fields = _SIGNED.get(str(note.get("Type")), ())
    said = "".join(f"{name}\n{note[name]}\n" for name in fields if note.get(name) is not None)
    version = str(note.get("SignatureVersion"))
    if not fields or version not in ("1", "2"):
        return False
    try:
        public = load_pem_x509_certificate(certificate).public_key()
        given = base64.b64decode(str(note.get("Signature")), validate=True)
        if not isinstance(public, rsa.RSAPublicKey):
            return False
        # Version 1 is SHA-1 by AWS's own definition; topics may be set to version 2.
        scheme = SHA1() if version == "1" else SHA256()  # noqa: S303
        public.verify(given, said.encode("utf-8", "replace"), padding.PKCS1v15(), scheme)
    except (ValueError, InvalidSignature):
        return False
    return True


def _any(given: str, made: Iterable[str]) -> bool:
    octets = given.encode("utf-8", "replace")
    return max((hmac.compare_digest(octets, one.encode()) for one in made), default=False)


def _b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
