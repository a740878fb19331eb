"""What each case sends, the same for every client; a client adds how it is said."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

given = json.loads(os.environ["GIVEN"])
CLASS, PEOPLE = {
    "accepted": ("transactional", ["ana@example.test"]),
    "held": ("promotion", ["bo@example.test"]),
    "refused": ("newsletter", ["bo@example.test"]),
    "mixed": ("newsletter", ["ana@example.test", "bo@example.test"]),
}[os.environ["CASE"]]
HEADERS = {"X-Galateo-Class": CLASS, "X-Galateo-Purpose": "newsletter"}
FROM, SUBJECT, TEXT = "news@acme.test", "Your order", "Your order 12 left today."


def tell(attempt: Callable[[], dict[str, Any]]) -> None:
    """Say what the client saw, on one line."""
    try:
        seen = {"ok": True, **attempt()}
    except Exception as error:  # noqa: BLE001  # whatever it is, the test wants to see it
        status = getattr(error, "status_code", None) or getattr(error, "error_code", None)
        seen = {"ok": False, "error": type(error).__name__, "status": status, "message": str(error)}
        body = getattr(error, "body", b"")
        seen["body"] = body.decode() if isinstance(body, bytes) else str(body)
    sys.stdout.write("\n" + json.dumps(seen, default=str) + "\n")
