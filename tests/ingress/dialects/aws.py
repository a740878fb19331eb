"""Requests signed as AWS documents it, step by step."""

import hashlib
import hmac
import time
from datetime import UTC, datetime

ACCESS_KEY = "AKIAEXAMPLE000000001"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def _sign(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signed(
    method: str,
    path: str,
    host: str,
    body: bytes,
    *,
    access_key: str = ACCESS_KEY,
    secret: str = SECRET_KEY,
    at: float | None = None,
    service: str = "ses",
) -> dict[str, str]:
    """The headers of a signed request."""
    stamp = datetime.fromtimestamp(time.time() if at is None else at, UTC).strftime("%Y%m%dT%H%M%SZ")
    date, region = stamp[:8], "eu-south-1"
    payload = hashlib.sha256(body).hexdigest()
    canonical = f"{method}\n{path}\n\nhost:{host}\nx-amz-date:{stamp}\n\nhost;x-amz-date\n{payload}"
    scope = f"{date}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = _sign(key, part)
    signature = _sign(key, text).hex()
    parts = (f"Credential={access_key}/{scope}", "SignedHeaders=host;x-amz-date", f"Signature={signature}")
    return {"X-Amz-Date": stamp, "Authorization": f"AWS4-HMAC-SHA256 {', '.join(parts)}"}
