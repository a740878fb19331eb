"""AWS Signature Version 4, as far as a service has to check it. Pure; what cannot be read is not signed."""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import parse_qsl, quote

AGE = 300.0
"""Seconds by which a request's time may differ."""

_FORM = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=([A-Za-z0-9_-]{8,128})/(\d{8})/([a-z0-9-]{1,40})/([a-z0-9-]{1,40})/aws4_request"
    r"\s*,\s*SignedHeaders=([a-z0-9;_-]{1,1000})\s*,\s*Signature=([0-9a-f]{64})\s*\Z"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What an Authorization header of version 4 says."""

    access_key: str
    date: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str


def read_signed(header: str) -> Signed | None:
    """The header's parts; None for what is none."""
    found = _FORM.match(header.strip())
    if not found:
        return None
    key, date, region, service, headers, signature = found.groups()
    return Signed(
        access_key=key,
        date=date,
        region=region,
        service=service,
        headers=tuple(headers.split(";")),
        signature=signature,
    )


def is_genuine(
    signed: Signed,
    secret: str,
    *,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
    now: float,
) -> bool:
    """Whether a request is signed with the secret, and fresh. `path` and `query` are as they came."""
    stamp = headers.get("X-Amz-Date", "")
    if "host" not in signed.headers or "x-amz-date" not in signed.headers or stamp[:8] != signed.date:
        return False
    if not _is_fresh(stamp, now):
        return False
    listed = "".join(f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in signed.headers)
    canonical = "\n".join(
        (
            method,
            quote(path, safe="/-_.~"),
            _query(query),
            listed,
            ";".join(signed.headers),
            sha256(body).hexdigest(),
        )
    )
    scope = f"{signed.date}/{signed.region}/{signed.service}/aws4_request"
    said = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{secret}".encode()
    for part in (signed.date, signed.region, signed.service, "aws4_request", said):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.compare_digest(key.hex(), signed.signature)


def _is_fresh(stamp: str, now: float) -> bool:
    try:
        at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs(at.timestamp() - now) <= AGE


def _query(text: str) -> str:
    pairs = parse_qsl(text, keep_blank_values=True)
    return "&".join(
        f"{name}={value}"
        for name, value in sorted((quote(n, safe="-_.~"), quote(v, safe="-_.~")) for n, v in pairs)
    )
