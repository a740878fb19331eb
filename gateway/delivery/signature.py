"""Signatures of Standard Webhooks 1.0, symmetric (v1). Pure."""

import base64
import hmac
from collections.abc import Sequence


def sign(id: str, timestamp: int, body: bytes, secrets: Sequence[bytes]) -> str:  # noqa: A002  # the standard's word
    """The webhook-signature header: one signature for each secret, so that a receiver may change its own
    while both are in use. `timestamp` is unix seconds of this attempt; `id` holds no dot."""
    signed = f"{id}.{timestamp}.".encode() + body
    digests = (hmac.digest(secret, signed, "sha256") for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
